"""Time and prices move: orders fill, stops trigger, scripts and countdowns come due."""

from __future__ import annotations

import json
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from sandbox.exchange.core import triggers
from sandbox.exchange.core.fills import end, fill, fillable
from sandbox.exchange.core.prices import mark, mark_setting
from sandbox.exchange.core.records import AccountSetting
from sandbox.exchange.core.symbols import listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sandbox.exchange.core.ledger import Ledger

_SCRIPT = "script"
_COUNTDOWN = "countdown:"


@dataclass(frozen=True, order=True)
class Step:
    """A price that is to come: at `at_ms` the symbol's mark price becomes `mark` (USDT, a text)."""

    at_ms: int
    symbol: str
    mark: str


def set_price(ledger: Ledger, symbol: str, price: Decimal, now_ms: int) -> None:
    """Move mark and last price at once; of what is in the way, the nearest to the old price comes first."""
    old = mark(ledger, listed(symbol).name)
    ledger.put(mark_setting(symbol, price))
    _follow(ledger, symbol, price)
    reached: list[tuple[Decimal, int, Callable[[], None]]] = [
        *_resting_in_the_way(ledger, symbol, price, old, now_ms),
        *_waiting_in_the_way(ledger, symbol, price, old, now_ms),
    ]
    for _, _, act in sorted(reached, key=lambda step: step[:2]):
        act()


def add_script(ledger: Ledger, steps: list[Step]) -> None:
    """Add prices that are to come; they come when `advance` passes their time."""
    ledger.put(_script_setting(sorted([*_script(ledger), *steps])))


def set_countdown(ledger: Ledger, symbol: str, due_ms: int) -> None:
    """Cancel the symbol's plain orders at this time, unless it is set anew; 0 takes it back."""
    ledger.put(AccountSetting(f"{_COUNTDOWN}{symbol}", str(due_ms)))


def advance(ledger: Ledger, now_ms: int) -> None:
    """Do all that has come due, in the order of its time."""
    while due := min(_due(ledger, now_ms), key=lambda step: step[0], default=None):
        due[1]()


def _due(ledger: Ledger, now_ms: int) -> Iterator[tuple[int, Callable[[], None]]]:
    for step in _script(ledger)[:1]:
        if step.at_ms <= now_ms:
            yield step.at_ms, partial(_take_step, ledger)
    for name, value in ledger.settings.items():
        if name.startswith(_COUNTDOWN) and 0 < int(value) <= now_ms:
            yield int(value), partial(_count_down, ledger, name.removeprefix(_COUNTDOWN), int(value))
    for order in ledger.triggering:
        at_ms = order.trigger_ms + ledger.switches.trigger_delay_ms
        if at_ms <= now_ms:
            yield at_ms, partial(triggers.finish, ledger, order, at_ms)


def _take_step(ledger: Ledger) -> None:
    step, *later = _script(ledger)
    ledger.put(_script_setting(later))
    set_price(ledger, step.symbol, Decimal(step.mark), step.at_ms)


def _count_down(ledger: Ledger, symbol: str, at_ms: int) -> None:
    set_countdown(ledger, symbol, 0)
    for order in ledger.open_orders:
        if order.symbol == symbol:
            end(ledger, order, "CANCELED", at_ms)


def _script(ledger: Ledger) -> list[Step]:
    return [Step(*step) for step in json.loads(ledger.settings.get(_SCRIPT, "[]"))]


def _script_setting(steps: list[Step]) -> AccountSetting:
    return AccountSetting(_SCRIPT, json.dumps([(step.at_ms, step.symbol, step.mark) for step in steps]))


def _follow(ledger: Ledger, symbol: str, price: Decimal) -> None:
    for order in ledger.open_algo_orders:
        moved = triggers.followed(order, price)
        if order.symbol == symbol and moved != order:
            ledger.put(moved)


def _resting_in_the_way(
    ledger: Ledger, symbol: str, price: Decimal, old: Decimal, now_ms: int
) -> Iterator[tuple[Decimal, int, Callable[[], None]]]:
    for order in ledger.open_orders:
        if order.symbol == symbol and (price - order.price) * order.sign <= 0:
            yield abs(order.price - old), order.order_id, partial(_make, ledger, order.order_id, now_ms)


def _waiting_in_the_way(
    ledger: Ledger, symbol: str, price: Decimal, old: Decimal, now_ms: int
) -> Iterator[tuple[Decimal, int, Callable[[], None]]]:
    for order in ledger.open_algo_orders:
        wanted = triggers.trigger_price(order)
        if order.symbol == symbol and wanted is not None and triggers.is_reached(order, price):
            yield abs(wanted - old), order.algo_id, partial(_trigger, ledger, order.algo_id, now_ms)


def _make(ledger: Ledger, order_id: int, now_ms: int) -> None:
    """Fill a resting order at its own price, unless what came before ended it."""
    order = ledger.orders[order_id]
    if order.is_open:
        fill(ledger, order, fillable(ledger, order), order.price, now_ms, maker=True)


def _trigger(ledger: Ledger, algo_id: int, now_ms: int) -> None:
    order = ledger.algo_orders[algo_id]
    if order.is_open:
        triggers.trigger(ledger, order, now_ms)
