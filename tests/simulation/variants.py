"""The product broken on purpose, one rule at a time. A simulation that does not notice proves nothing."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from typing import TYPE_CHECKING, Any

from consumer.live.exchange.standing import ExchangeStanding
from consumer.live.journal import OrderRow, journal, lease
from consumer.live.journal.rows import DOUBTFUL
from consumer.live.orders.bracket import StopLeg
from consumer.live.orders.close import ExitLeg
from consumer.live.orders.entry import EntryLeg
from consumer.live.risk.engine import RiskEngine
from consumer.live.workers import SymbolWorkers
from tests.simulation.venue import Wire

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from decimal import Decimal


type Traits = dict[str, Any]

#: How often the variant that counts sends a stop or an exit.
_ATTEMPTS = 2


@contextlib.contextmanager
def as_it_is() -> Iterator[Traits]:
    """Change nothing."""
    yield {}


@contextlib.contextmanager
def random_id() -> Iterator[Traits]:
    """Let the client library invent each order's id, as it does when none is given; trust what is found."""
    numbers = itertools.count()
    send = Wire.futures_create_order

    async def invented(wire: Wire, **given: Any) -> Any:
        return await send(wire, **{**given, "newClientOrderId": f"x-random{next(numbers)}"})

    with _changed(
        (Wire, "futures_create_order", invented),
        (EntryLeg, "by_position", _nothing),
        (RiskEngine, "judge_again", _nothing),
    ):
        yield {}


@contextlib.contextmanager
def blind_retry() -> Iterator[Traits]:
    """Send again, under the same id, whatever was not answered."""

    ask = EntryLeg.learn

    async def never_asked(entry: EntryLeg, row: OrderRow) -> OrderRow | None:
        return None if row.state in DOUBTFUL else await ask(entry, row)

    with _changed((EntryLeg, "learn", never_asked), (RiskEngine, "judge_again", _nothing)):
        yield {}


@contextlib.contextmanager
def no_fsync() -> Iterator[Traits]:
    """Keep the journal on a disk that says that it has written, and has not."""
    yield {"lying_disk": True}


@contextlib.contextmanager
def ask_at_once() -> Iterator[Traits]:
    """Believe the first "not found", though the request may still be under way."""
    with _changed((OrderRow, "absence_is_conclusive", property(lambda _row: True))):
        yield {}


@contextlib.contextmanager
def no_lease() -> Iterator[Traits]:
    """Let every instance trade, and write over what the other one knows: nothing keeps two of them apart."""

    def always(self: lease.Lease, now_ms: int) -> lease.Held:
        self.held = lease.Held(1, now_ms)
        return self.held

    record = journal.Journal.record

    def whatever_was_sent(self: journal.Journal, *given: Any, **named: Any) -> None:
        record(self, *given, **{**named, "times_sent": None})

    with _changed(
        (journal.Journal, "record", whatever_was_sent),
        (lease.Lease, "acquire", always),
        (lease.Lease, "renew", lambda *_given: None),
        (lease.Lease, "release", lambda *_given: None),
        (lease.Lease, "check", lambda *_given: 1),
        (lease, "require_entry", lambda *_given: None),
        (journal, "require_entry", lambda *_given: None),
    ):
        yield {}


@contextlib.contextmanager
def no_gate() -> Iterator[Traits]:
    """Send whatever is wanted, and mind no wish of the exchange's to be left alone."""
    with _changed((ExchangeStanding, "door", lambda *_given, **_named: 0.0)):
        yield {}


@contextlib.contextmanager
def judged_once() -> Iterator[Traits]:
    """Send an entry on what was judged when the intent was read, however long ago."""
    with _changed((RiskEngine, "judge_again", _nothing)):
        yield {}


@contextlib.contextmanager
def attempts_counted() -> Iterator[Traits]:
    """Give a stop or an exit up after two attempts, and say that it is done."""
    advance, place = ExitLeg._advance, StopLeg._advance

    async def leave(exit_leg: ExitLeg) -> bool:
        return len(exit_leg._rows()) >= _ATTEMPTS or await advance(exit_leg)

    async def stay(_exit_leg: ExitLeg) -> None:
        """See nothing left."""

    async def stop(stop_leg: StopLeg, rows: list[OrderRow], average: Decimal) -> None:
        if len(rows) < _ATTEMPTS:
            await place(stop_leg, rows, average)
        else:
            await asyncio.sleep(0.1)

    with _changed((ExitLeg, "_advance", leave), (ExitLeg, "_left", stay), (StopLeg, "_advance", stop)):
        yield {}


@contextlib.contextmanager
def one_lock() -> Iterator[Traits]:
    """Do one thing at a time with the exchange, whatever its symbol."""
    turn = SymbolWorkers._turn

    def everybodys(workers: SymbolWorkers, _symbol: str, patience_s: float | None) -> Any:
        return turn(workers, "", patience_s)

    with _changed((SymbolWorkers, "_turn", everybodys)):
        yield {}


async def _nothing(*_given: Any) -> None:
    """Have no objection, and see nothing."""


@contextlib.contextmanager
def _changed(*changes: tuple[Any, str, Any]) -> Iterator[None]:
    kept = [(where, name, getattr(where, name)) for where, name, _ in changes]
    for where, name, value in changes:
        setattr(where, name, value)
    try:
        yield
    finally:
        for where, name, value in kept:
            setattr(where, name, value)


VARIANTS: dict[str, Callable[[], AbstractContextManager[Traits]]] = {
    "": as_it_is,
    "random_id": random_id,
    "blind_retry": blind_retry,
    "no_fsync": no_fsync,
    "ask_at_once": ask_at_once,
    "no_lease": no_lease,
    "no_gate": no_gate,
    "judged_once": judged_once,
    "attempts_counted": attempts_counted,
    "one_lock": one_lock,
}
