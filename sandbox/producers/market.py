"""A market that is made up, the same one for the same seed: which symbol, which way, at what price."""

from __future__ import annotations

import random
from dataclasses import dataclass

#: Symbol → a price near which it traded in December 2025, in USDT.
PRICES = {
    "BTCUSDT": 87_250.0,
    "ETHUSDT": 2_941.0,
    "ADAUSDT": 0.3701,
    "SEIUSDT": 0.1127,
    "CFXUSDT": 0.0712,
    "NEARUSDT": 1.5204,
    "SOLUSDT": 122.41,
    "XRPUSDT": 1.8612,
    "DOGEUSDT": 0.1283,
    "LINKUSDT": 12.214,
    "AVAXUSDT": 11.873,
    "DOTUSDT": 1.7241,
    "CRVUSDT": 0.3812,
    "AXSUSDT": 0.8123,
    "TRXUSDT": 0.2844,
    "ATOMUSDT": 1.9271,
    "ARBUSDT": 0.1842,
    "OPUSDT": 0.2657,
    "APTUSDT": 1.5893,
    "INJUSDT": 4.4621,
    "SUIUSDT": 1.4037,
    "TIAUSDT": 0.4418,
    "FILUSDT": 1.2386,
    "LTCUSDT": 76.42,
    "1000PEPEUSDT": 0.003974,
}


@dataclass(frozen=True)
class Opinion:
    """What a model believes about one symbol. `volatility` is 0.5 to 5, `change` a fraction."""

    symbol: str
    is_long: bool
    price: float
    confidence: float
    change: float
    volatility: float

    @property
    def stop_loss(self) -> float:
        """A price 2 to 2.5 % against the position, with the noise of binary fractions."""
        return self.price * (0.98 if self.is_long else 1.025)

    @property
    def take_profit(self) -> float:
        """A price 4 to 6 % in favour of the position."""
        return self.price * (1.04 if self.is_long else 0.94)


class OpinionSource:
    """A seeded source of opinions. Symbols come from a shuffled deck: chance makes few twins."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311 - a reproducible market, not a secret
        self._deck: list[str] = []

    def opinion(self) -> Opinion:
        """Draw the next opinion."""
        dice = self.dice
        symbol = self._next_symbol()
        change = round(dice.uniform(-0.12, 0.12), 4)
        return Opinion(
            symbol=symbol,
            is_long=dice.random() < 0.5,  # noqa: PLR2004 - a fair coin
            price=float(f"{PRICES[symbol] * dice.uniform(0.98, 1.02):.5g}"),
            confidence=round(dice.uniform(0.5, 0.95), 2),
            change=change,
            volatility=round(min(max(10 * abs(change), 0.5), 5.0), 4),
        )

    def trace_id(self) -> str:
        """Return a made-up trace id."""
        return f"trace-{self.dice.getrandbits(64):016x}"

    def happens(self, share: float) -> bool:
        """Return True in this share (0..1) of the calls."""
        return self.dice.random() < share

    def _next_symbol(self) -> str:
        if not self._deck:
            self._deck = list(PRICES)
            self.dice.shuffle(self._deck)
        return self._deck.pop()
