"""What the rehearsal plans is what live mode would send: the same terms, the same plan or the same reason.

How many intents are tried is the profile's: 2,000 in the ordinary run, 50,000 by `make properties`.
"""

from __future__ import annotations

import asyncio
import json
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from consumer.intents.allowance import Allowance
from consumer.intents.filters import Filters, Snapshot
from consumer.intents.limits import Limits
from consumer.intents.plan import Plan
from consumer.intents.rehearsal import Rehearsal
from consumer.intents.wire import decode
from consumer.live.exchange.port import Account, Income, SymbolConfig
from consumer.live.journal.journaled_plan import read_plan
from consumer.live.risk.account_picture import AccountPicture
from consumer.live.risk.engine import EntryRequest, No, Ready, RiskEngine
from tests.support.limits import limits

D = Decimal
SYMBOL = "ADAUSDT"
BALANCE = D(5000)
PLENTY = "1000000000"
FILTERS = (
    Filters(D("0.0001"), D(1), D(1), D(10_000_000), D(5), 1, 10_000_000),
    Filters(D("0.10"), D("0.001"), D("0.001"), D(120), D(50), 1, 120_000),
    Filters(D("0.01"), D("0.1"), D("0.3"), D(900), D(20), 3, 9_000),
    Filters(D("1E-7"), D(1000), D(1000), D(10**9), D(5), 1, 10**6),
)
#: What `--hypothesis-profile` says where it says more; else 2,000.
MANY = settings(deadline=None, max_examples=max(2000, settings.default.max_examples))
ABOUT = st.sampled_from(["", "", "", "0.2", "1", "-0.5", "5", "20"])


@st.composite
def intents(draw: st.DrawFn) -> dict[str, str]:
    """Draw an intent that opens, with a price in range of its filters' ticks or far away from it."""
    said = {
        "symbol": SYMBOL,
        "side": draw(st.sampled_from(["BUY", "SELL"])),
        "entry_price": str(draw(st.decimals("0.0001", "100000", places=draw(st.integers(0, 7))))),
        "confidence": draw(st.sampled_from(["", "0.2", "0.5", "0.9"])),
        "volatility_factor": draw(st.sampled_from(["", "0.5513", "1", "5"])),
        "funding_rate": draw(ABOUT),
        "exchange_divergence": draw(ABOUT),
    }
    if draw(st.booleans()):
        said["position_size_usd"] = str(draw(st.decimals("0.01", "4999", places=4)))
    else:
        said["size_pct"] = str(draw(st.decimals("0.0001", "1", places=4)))
    return {name: value for name, value in said.items() if value}


@MANY
@given(intents(), st.sampled_from(FILTERS), st.sampled_from([1, 5, 10, 20, 50, 125]))
def test_both_modes_give_the_same_plan_or_the_same_reason(
    said: dict[str, str], filters: Filters, leverage: int
) -> None:
    if Decimal(said["entry_price"]) <= 0:
        return
    allowance = Allowance(D(leverage), "limits")
    rehearsal = Rehearsal(Snapshot("test", {SYMBOL: filters}), D(1), BALANCE, {SYMBOL: allowance})
    rehearsed = rehearsal.plan(decode(said))
    judged = judged_live(said, filters, leverage)
    if isinstance(judged, No):
        assert (rehearsed.status, rehearsed.reason) == (judged.status, judged.reason)
        return
    assert (rehearsed.status, rehearsed.reason) == ("skipped_drain", "DRAIN")
    ours, theirs = json.loads(f"{{{rehearsed.members}}}"), judged.planned.shown
    for name in ("price", "filters", "levels", "leverage", "entry", "stop_loss", "take_profits"):
        assert ours[name] == theirs[name]
    assert (ours["balance"] or {}).get("value") == (theirs["balance"] or {}).get("value")


@MANY
@given(intents(), st.sampled_from(FILTERS), st.sampled_from([1, 5, 10, 20]))
def test_a_plan_that_is_read_back_from_the_journal_is_the_same_plan(
    said: dict[str, str], filters: Filters, leverage: int
) -> None:
    if Decimal(said["entry_price"]) <= 0:
        return
    judged = judged_live(said, filters, leverage)
    if isinstance(judged, Ready):
        kept = read_plan(judged.planned.text)
        assert kept == judged.planned
        assert isinstance(kept.orders, Plan)
        assert kept.plan.stop_price(kept.plan.price) == D(judged.planned.shown["stop_loss"]["trigger_price"])


class OpenAccount:
    """An account in which nothing is open and everything is allowed; it marks what the intent says."""

    def __init__(self, price: Decimal, leverage: int) -> None:
        self._price = price
        self._leverage = leverage

    async def account(self) -> Account:
        return Account(hedge=False, multi_assets=False, available_usd=BALANCE, wallet_usd=BALANCE)

    async def mark_price(self, _symbol: str) -> Decimal:
        return self._price

    async def symbol_config(self, symbol: str) -> SymbolConfig:
        return SymbolConfig(symbol, self._leverage, "CROSSED")

    async def symbol_configs(self) -> list[SymbolConfig]:
        return [await self.symbol_config(SYMBOL)]

    async def income(self, _since_ms: int) -> Income:
        return Income(D(0))

    async def nothing(self, *_given: Any) -> list[Any]:
        return []

    positions = open_orders = open_algos = nothing


def judged_live(said: dict[str, str], filters: Filters, leverage: int) -> Ready | No:
    """Ask live mode's risk engine, with limits that no intent of these reaches and margin for all."""
    price = Decimal(said["entry_price"])
    journal = SimpleNamespace(
        unresolved=list, open_intents=list, orders_sent=lambda _since: 0, executions=lambda *_given: 0
    )
    clock: Any = SimpleNamespace(now_ms=lambda: 1_766_602_893_000, monotonic=lambda: 0.0)
    exchange: Any = OpenAccount(price, leverage)
    never: Any = SimpleNamespace(
        acted_s=lambda _symbol: float("-inf"), last_acted_s=float("-inf"), closed_s=float("-inf")
    )
    picture = AccountPicture(exchange, clock, never)
    ports: Any = (exchange, picture, journal, clock)
    allowed = {"leverage": leverage, "margin_type": "CROSSED", "max_notional_usd": PLENTY}
    most = dict.fromkeys(("max_order_notional_usd", "max_intent_notional_usd", "max_gross_usd"), PLENTY)
    document = {
        **limits((SYMBOL,), leverage_cap=125, **most),
        "symbols": {SYMBOL: {**allowed, "max_position_usd": PLENTY}},
    }
    rules = Snapshot("test", {SYMBOL: filters})
    engine = RiskEngine(
        *ports, Limits.model_validate_json(json.dumps(document)), promotion=None, rules=lambda: rules
    )
    request = EntryRequest("1766602892900-0", "1766602892900-0", "digest", said, decode(said))
    return asyncio.run(engine.judge(request))
