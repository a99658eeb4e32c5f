"""What the plan of an intent must be, to the last digit, worked out from the contract in exact fractions.

It is slower than the consumer's own planner, on purpose written another way, and reads the exchange's rules
as the exchange publishes them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from checks.judge.oracle.decoder import Intent

#: The risk rules that only an account can answer.
NOT_EVALUATED = ["RISK_POSITION_OPEN", "RISK_MARGIN", "RISK_EXPOSURE", "RISK_DAILY_LOSS"]
DRAINED, REJECTED = "skipped_drain", "rejected_risk"

_BASE_TP, _BASE_SL = Decimal("0.01"), Decimal("0.005")
_LEAST_TP, _LEAST_SL, _MOST_SL = Decimal("0.003"), Decimal("0.0015"), Decimal("0.02")
_TARGETS_BELOW, _LIQUIDATION_SHARE = Decimal("0.2"), Decimal("0.8")
_DOUBTFUL_BELOW = Decimal("0.5")
_LAST_DIGIT = Decimal("0.00000001")
#: Which shares of a position the three targets take, by the highest leverage for which that holds.
_HARVEST = ((10, ("0.3", "0.3", "0.4")), (30, ("0.4", "0.4", "0.2")), (125, ("0.5", "0.3", "0.2")))
_NO_ORDERS: Mapping[str, Any] = {"entry": None, "stop_loss": None, "take_profits": []}


@dataclass(frozen=True, slots=True)
class PlanInputs:
    """What a drained plan is made of besides the intent.

    `filters` is the exchange's own list of rules by symbol, `filters_source` names their file and its digest,
    `balance` in USDT is what a size given as a share is taken of.
    """

    leverage: Decimal
    balance: Decimal | None
    filters: Mapping[str, Sequence[Mapping[str, Any]]]
    filters_source: str


@dataclass(frozen=True, slots=True)
class Expected:
    """Status, the reason or how it begins, and the plan without its intent."""

    status: str
    reason: str
    plan: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Symbol:
    tick: Fraction
    step: Fraction
    least_quantity: Fraction
    most_quantity: Fraction
    least_notional: Fraction


def drained(intent: Intent, market: PlanInputs) -> Expected:
    """Return what safe drain must decide about an intent that every gate before the plan let through."""
    if intent["direction"] == "close":
        return Expected(DRAINED, "PLAN_INCOMPLETE:position", {"not_evaluated": NOT_EVALUATED})
    levels = levels_of(intent, market.leverage)
    known = _known(intent, market, levels)
    status, reason, orders = _ordered(intent, market, levels)
    return Expected(status, reason, {**known, **orders, "not_evaluated": NOT_EVALUATED})


def levels_of(intent: Intent, leverage: Decimal) -> dict[str, Any]:
    """Return the exit brain's distances from the entry as fractions of its price, rounded to eight digits."""
    confidence = _decimal(intent["confidence"])
    return _levels(
        leverage,
        _decimal(intent["volatility_factor"]) or Decimal(0),
        _decimal(intent["funding_rate"]) or Decimal(0),
        _decimal(intent["exchange_divergence"]) or Decimal(0),
        confidence is not None and confidence < _DOUBTFUL_BELOW,
    )


@lru_cache(maxsize=4096)
def _levels(
    leverage: Decimal, volatility: Decimal, funding: Decimal, divergence: Decimal, doubtful: bool
) -> dict[str, Any]:
    with localcontext(prec=50):
        factor = 1 / (1 + (max(leverage, Decimal(1)) + 1).ln())
        adjustment = Decimal("0.95") if doubtful else Decimal(1)
        base = _BASE_TP * (1 + Decimal("0.8") * funding)
        near, middle, far = (
            max(base * (Decimal(plain) + factor / share), _LEAST_TP)
            for plain, share in (("0.6", 1), ("1.2", 2), ("1.8", 4))
        )
        widened = 1 + Decimal("0.4") * divergence + Decimal("0.2") * volatility
        stop = _BASE_SL * (1 + Decimal("0.8") * (1 - factor)) * widened
        stop = min(max(stop, _LEAST_SL), _MOST_SL)
        return {
            "lsf": _rounded(factor),
            "tp1": _rounded(near * adjustment),
            "tp2": _rounded(middle * adjustment),
            "tp3": _rounded(far * adjustment),
            "sl": _rounded(stop * adjustment),
            "adjustment": adjustment,
            "harvest": next(list(shares) for most, shares in _HARVEST if leverage <= most),
        }


def _known(intent: Intent, market: PlanInputs, levels: Mapping[str, Any]) -> dict[str, Any]:
    """Return the terms as a plan shows them, each with its source."""
    price, rules = intent["entry_price"], market.filters.get(str(intent["symbol"]))
    by_share = intent["position_size_usd"] is None and market.balance is not None
    return {
        "price": None if price is None else {"value": price, "source": "entry_price"},
        "filters": None if rules is None else {"source": market.filters_source, **_shown(rules)},
        "balance": {"value": market.balance, "source": "REFERENCE_BALANCE_USD"} if by_share else None,
        "leverage": {"value": market.leverage, "source": "LEVERAGE"},
        "levels": levels,
    }


def _shown(rules: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    named = {rule["filterType"]: rule for rule in rules}
    return {
        "tick": named["PRICE_FILTER"]["tickSize"],
        "step": named["LOT_SIZE"]["stepSize"],
        "min_notional": named["MIN_NOTIONAL"]["notional"],
        "min_qty": named["LOT_SIZE"]["minQty"],
    }


def _ordered(
    intent: Intent, market: PlanInputs, levels: Mapping[str, Any]
) -> tuple[str, str, Mapping[str, Any]]:
    """Return status, reason and orders: by the levels, then what is missing, then the exchange's rules."""
    if not _levels_hold(levels, market.leverage):
        return REJECTED, "RISK_LEVELS", _NO_ORDERS
    price, size = _decimal(intent["entry_price"]), _size(intent, market)
    rules = market.filters.get(str(intent["symbol"]))
    there = {
        "price": price is not None and price > 0,
        "filters": rules is not None,
        "balance": size is not None,
    }
    if price is None or size is None or rules is None or not all(there.values()):
        missing = [name for name, is_there in there.items() if not is_there]
        return DRAINED, f"PLAN_INCOMPLETE:{','.join(missing)}", _NO_ORDERS
    symbol = _symbol(*_shown(rules).values(), _most_quantity(rules))
    return _sized(intent["direction"] == "long", Fraction(price), Fraction(size), symbol, levels)


def _levels_hold(levels: Mapping[str, Any], leverage: Decimal) -> bool:
    rising = (Decimal(0), levels["sl"], levels["tp1"], levels["tp2"], levels["tp3"], _TARGETS_BELOW)
    apart = all(lower < upper for lower, upper in pairwise(rising))
    return bool(apart and levels["sl"] * leverage <= _LIQUIDATION_SHARE)


def _size(intent: Intent, market: PlanInputs) -> Decimal | None:
    usd, share = _decimal(intent["position_size_usd"]), _decimal(intent["size_pct"])
    if usd is not None or share is None:
        return usd
    return None if market.balance is None else share * market.balance


def _most_quantity(rules: Sequence[Mapping[str, Any]]) -> str:
    """Return the most that a market order may be of, by its own rule or the one for all orders."""
    named = {rule["filterType"]: rule for rule in rules}
    return str(named.get("MARKET_LOT_SIZE", named["LOT_SIZE"])["maxQty"])


@lru_cache(maxsize=1024)
def _symbol(tick: str, step: str, least_notional: str, least_quantity: str, most_quantity: str) -> _Symbol:
    return _Symbol(
        Fraction(tick),
        Fraction(step),
        Fraction(least_quantity),
        Fraction(most_quantity),
        Fraction(least_notional),
    )


def _sized(
    is_long: bool, price: Fraction, size: Fraction, symbol: _Symbol, levels: Mapping[str, Any]
) -> tuple[str, str, Mapping[str, Any]]:
    stop, targets = _exits(is_long, price, symbol.tick, levels)
    if not _exits_are_apart(is_long, price, stop, targets):
        return REJECTED, "RISK_LEVELS", _NO_ORDERS
    steps = math.floor(size / price / symbol.step)
    fault = _size_fault(steps, price, targets, symbol)
    if fault:
        return REJECTED, fault, _NO_ORDERS
    legs = _legs(steps, _least(min(price, targets[2]), symbol), levels["harvest"])
    orders = {
        "entry": {
            "side": "BUY" if is_long else "SELL", "type": "MARKET", "quantity": _text(steps * symbol.step),
        },
        "stop_loss": {"trigger_price": _text(stop)},
        "take_profits": [
            {"price": _text(targets[target]), "quantity": _text(count * symbol.step)}
            for target, count in legs
        ],
    }  # fmt: skip # a table, or a call that is read as one
    return DRAINED, "DRAIN", orders


def _exits(
    is_long: bool, price: Fraction, tick: Fraction, levels: Mapping[str, Any]
) -> tuple[Fraction, list[Fraction]]:
    """Return the prices of stop and targets, each rounded to a tick towards the entry."""
    sign = 1 if is_long else -1
    stop = price * (1 - sign * Fraction(levels["sl"])) / tick
    targets = [price * (1 + sign * Fraction(levels[name])) / tick for name in ("tp1", "tp2", "tp3")]
    towards_stop, towards_targets = (math.ceil, math.floor) if is_long else (math.floor, math.ceil)
    return towards_stop(stop) * tick, [towards_targets(target) * tick for target in targets]


def _exits_are_apart(is_long: bool, price: Fraction, stop: Fraction, targets: Sequence[Fraction]) -> bool:
    low, high = (stop, targets[0]) if is_long else (targets[0], stop)
    return low < price < high and min(stop, targets[2]) > 0


def _size_fault(steps: int, price: Fraction, targets: Sequence[Fraction], symbol: _Symbol) -> str:
    quantity = steps * symbol.step
    if quantity < symbol.least_quantity:
        return "RISK_MIN_QUANTITY"
    if quantity > symbol.most_quantity:
        return "RISK_MAX_QUANTITY"
    return "RISK_MIN_NOTIONAL" if steps < _least(min(price, targets[2]), symbol) else ""


def _least(price: Fraction, symbol: _Symbol) -> int:
    """Return of how many steps an order at this price must be."""
    worth = math.ceil(symbol.least_notional / price / symbol.step)
    return max(worth, math.ceil(symbol.least_quantity / symbol.step))


def _legs(steps: int, least: int, harvest: Sequence[str]) -> list[tuple[int, int]]:
    """Divide a position among the targets: (which, steps).

    Too small a leg joins the next, at the nearer target; what is left at last joins the one before.
    """
    legs: list[tuple[int, int]] = []
    share, waiting_since, given = Fraction(0), 0, 0
    for target, part in enumerate(harvest):
        share += Fraction(part)
        leg = math.floor(steps * share) - given
        if leg < least:
            continue
        legs.append((waiting_since, leg))
        waiting_since, given = target + 1, given + leg
    target, leg = legs.pop()
    return [*legs, (target, leg + steps - given)]


def _decimal(value: Any) -> Decimal | None:
    return value if isinstance(value, Decimal) else None


def _rounded(value: Decimal) -> Decimal:
    return value.quantize(_LAST_DIGIT, rounding=ROUND_HALF_EVEN)


def _text(amount: Fraction) -> str:
    """Return an amount that is a whole number of ticks or steps as a decimal, exactly."""
    with localcontext(prec=60):
        return str(Decimal(amount.numerator) / Decimal(amount.denominator))
