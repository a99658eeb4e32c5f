"""What was asked of the exchange, and what became of it. A change is on the disk before its call returns.

Times are passed in, in ms; there is no clock in here. All methods raise JournalError when the store fails,
and have then changed nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from consumer.base import stream_id
from consumer.live.journal.errors import (
    BodyChangedError,
    IntentFinishedError,
    JournalError,
    OrderChangedError,
    OrderStateError,
)
from consumer.live.journal.lease import require_entry
from consumer.live.journal.rows import (
    DOUBTFUL,
    ENDS,
    INTENT_COLUMNS,
    ORDER_COLUMNS,
    HaltRow,
    OrderPhase,
    intent_row,
    order_row,
)
from consumer.live.journal.sqlite import SqliteStore

if TYPE_CHECKING:
    from decimal import Decimal

    from consumer.live.journal.rows import IntentRow, Kind, OrderRow
    from consumer.live.journal.store import JournalStore, Statements, Value

ENTRY_LEG, EXIT_LEG = "e", "x"
_HIGHEST = "highest_settled_id"

#: What may still turn out otherwise, once the exchange tells more.
_MAY_CHANGE = {OrderPhase.ACCEPTED, OrderPhase.GONE, OrderPhase.REFUSED}
#: From where an order may come into a state. An end is left only for the truth that the exchange tells later.
_FROM: dict[OrderPhase, frozenset[OrderPhase]] = {
    OrderPhase.PREPARED: DOUBTFUL,
    OrderPhase.SENT: frozenset({OrderPhase.PREPARED}),
    OrderPhase.UNKNOWN: DOUBTFUL,
    OrderPhase.ACCEPTED: DOUBTFUL | _MAY_CHANGE,
    OrderPhase.FILLED: DOUBTFUL | {OrderPhase.ACCEPTED} | ENDS,
    OrderPhase.CANCELED: DOUBTFUL | _MAY_CHANGE | {OrderPhase.CANCELED},
    OrderPhase.EXPIRED: DOUBTFUL | _MAY_CHANGE | {OrderPhase.EXPIRED},
    OrderPhase.REFUSED: DOUBTFUL | {OrderPhase.REFUSED},
    OrderPhase.GONE: DOUBTFUL | {OrderPhase.PREPARED, OrderPhase.ACCEPTED, OrderPhase.GONE},
}  # fmt: skip # a table, or a call that is read as one


class Journal:
    """The journal over a store, which may be shared with a lease."""

    def __init__(self, store: JournalStore) -> None:
        self.store = store

    @classmethod
    def open(cls, url: str) -> Self:
        """Open the journal at `sqlite:////absolute/path`, and make it where there is none."""
        return cls(SqliteStore.open(url))

    def close(self) -> None:
        """Let go of the store."""
        self.store.close()

    def begin_intent(  # noqa: PLR0917 - a row's columns, in their order
        self,
        origin_id: str,
        body_sha256: str,
        entry_id: str,
        symbol: str,
        direction: str,
        plan: str,
        created_ms: int,
        promotion: str = "",
    ) -> IntentRow:
        """Write an intent down before its first order, and return its row; one that is known stays as it is.

        `promotion` is the nonce of the promotion record. Raises BodyChangedError when the same origin id was
        written down with another body.
        """
        values: dict[str, Value] = {
            "origin_id": origin_id,
            "body_sha256": body_sha256,
            "entry_id": entry_id,
            "origin_ms": stream_id.parse(origin_id)[0],
            "symbol": symbol,
            "direction": direction,
            "promotion": promotion,
            "plan": plan,
            "created_ms": created_ms,
            "settled": 0,
        }
        with self.store.writing() as statements:
            _insert(statements, "intents", values, "origin_id")
            row = _known_intent(statements, origin_id)
            if row.body_sha256 != body_sha256:
                raise BodyChangedError(origin_id, row.body_sha256, body_sha256)
        return row

    def intent(self, origin_id: str) -> IntentRow | None:
        """Return an intent, or None when it never got as far as an order."""
        with self.store.reading() as statements:
            return _intent(statements, origin_id)

    def finish_intent(self, origin_id: str, outcome: str) -> None:
        """Write down what was decided, as JSON, before anybody is told. The same once more changes nothing.

        Raises IntentFinishedError when another outcome was written down before.
        """
        with self.store.writing() as statements:
            changed = statements.execute(
                "UPDATE intents SET outcome = :outcome"
                " WHERE origin_id = :origin AND (outcome IS NULL OR outcome = :outcome)",
                {"outcome": outcome, "origin": origin_id},
            )
            if not changed.rowcount:
                raise IntentFinishedError(origin_id)

    def amend_intent(self, origin_id: str, amendment: str) -> None:
        """Write down what became known, as JSON, after the outcome was told."""
        self._change_finished(origin_id, "amendment", amendment)

    def mark_settled(self, origin_id: str) -> None:
        """Note that the decision was told and the entry acknowledged."""
        self._change_finished(origin_id, "settled", 1)

    def close_intent(self, origin_id: str, at_ms: int) -> None:
        """Note that the intent's position is flat and nothing of it is left at the exchange."""
        self._change_finished(origin_id, "closed_ms", at_ms)

    def unresolved(self) -> list[IntentRow]:
        """Return the intents without an outcome, oldest first."""
        return self._intents("outcome IS NULL")

    def unsettled(self) -> list[IntentRow]:
        """Return the intents whose outcome may not have been told yet, oldest first."""
        return self._intents("outcome IS NOT NULL AND settled = 0")

    def open_intents(self) -> list[IntentRow]:
        """Return the intents of which something may still be at the exchange, oldest first."""
        return self._intents("closed_ms IS NULL")

    def twins(
        self, symbol: str, direction: str, origin_ms: int, window_ms: int, own_id: str = ""
    ) -> list[str]:
        """Return the other intents of this symbol and direction at most `window_ms` apart, oldest first."""
        with self.store.reading() as statements:
            rows = statements.execute(
                "SELECT origin_id FROM intents WHERE symbol = :symbol AND direction = :direction"
                " AND origin_ms BETWEEN :first AND :last AND origin_id <> :own ORDER BY origin_ms, origin_id",
                {
                    "symbol": symbol,
                    "direction": direction,
                    "first": origin_ms - window_ms,
                    "last": origin_ms + window_ms,
                    "own": own_id,
                },
            )
            return [origin_id for (origin_id,) in rows.fetchall()]

    def prepare_order(  # noqa: PLR0917 - a row's columns, in their order
        self, client_id: str, origin_id: str, leg: str, attempt: int, kind: Kind, request: str, at_ms: int
    ) -> OrderRow:
        """Write an order down before it is sent, and return its row; one that is known stays as it is.

        Raises OrderChangedError when the same client id was written down with another request.
        """
        values: dict[str, Value] = {
            "client_id": client_id,
            "origin_id": origin_id,
            "leg": leg,
            "attempt": attempt,
            "kind": kind,
            "request": request,
            "state": OrderPhase.PREPARED,
            "prepared_ms": at_ms,
            "changed_ms": at_ms,
            "times_sent": 0,
        }
        with self.store.writing() as statements:
            _insert(statements, "orders", values, "client_id")
            row = _known_order(statements, client_id, OrderPhase.PREPARED)
            if (row.origin_id, row.kind, row.request) != (origin_id, kind, request):
                raise OrderChangedError(client_id)
        return row

    def mark_sent(self, client_id: str, at_ms: int, fencing: int | None) -> OrderRow:
        """Note, right before it is written to the socket, that a request may leave. It may leave once.

        Return the row of this sending.

        `fencing` is the token of the lease; an entry is refused here, with LeaseLostError, unless it is the
        present one and its holder may open positions. Whatever makes a position smaller or safer waits for no
        lease. Raises OrderStateError unless the order is PREPARED, which it becomes again only by `record` of
        an answer that says that it is not at the exchange.
        """
        with self.store.writing() as statements:
            row = self._advance(statements, client_id, OrderPhase.SENT, at_ms)
            if row.leg == ENTRY_LEG:
                require_entry(statements, fencing, at_ms)
            statements.execute(
                "UPDATE orders SET sent_at_ms = :at, times_sent = times_sent + 1, fencing = :fencing"
                " WHERE client_id = :client",
                {"at": at_ms, "fencing": fencing, "client": client_id},
            )
            return _known_order(statements, client_id, OrderPhase.SENT)

    def record(
        self,
        client_id: str,
        state: str,
        at_ms: int,
        *,
        exchange_id: str | None = None,
        executed: Decimal | None = None,
        average_price: Decimal | None = None,
        detail: str | None = None,
        times_sent: int | None = None,
    ) -> None:
        """Write down what became of an order; what is None stays as it is.

        `times_sent` says of which sending it is known: of an earlier one than the last it means nothing now.
        Raises OrderStateError then, and for a step that cannot be: an order that is filled is never prepared
        again.
        """
        with self.store.writing() as statements:
            row = self._advance(statements, client_id, OrderPhase(state), at_ms)
            if times_sent not in (None, row.times_sent):
                raise OrderStateError(client_id, f"{row.state}, sent {row.times_sent} times,", state)
            statements.execute(
                "UPDATE orders SET exchange_id = COALESCE(:exchange_id, exchange_id),"
                " executed = COALESCE(:executed, executed),"
                " average_price = COALESCE(:average_price, average_price),"
                " detail = COALESCE(:detail, detail) WHERE client_id = :client",
                {
                    "exchange_id": exchange_id,
                    "executed": _text(executed),
                    "average_price": _text(average_price),
                    "detail": detail,
                    "client": client_id,
                },
            )

    def asked(self, client_id: str, at_ms: int) -> None:
        """Note that the exchange was asked about an order."""
        with self.store.writing() as statements:
            changed = statements.execute(
                "UPDATE orders SET last_asked_ms = :at WHERE client_id = :client",
                {"at": at_ms, "client": client_id},
            )
            if not changed.rowcount:
                raise OrderStateError(client_id, None, "asked about")

    def order(self, client_id: str) -> OrderRow | None:
        """Return an order, or None when it was never prepared."""
        with self.store.reading() as statements:
            return _order(statements, client_id)

    def orders(self, origin_id: str) -> list[OrderRow]:
        """Return the orders of an intent, in the order in which they were prepared."""
        return self._orders("origin_id = :origin", {"origin": origin_id})

    def entries_sent(self, promotion: str) -> int:
        """Return how many intents under a promotion record have had an entry sent that may have arrived."""
        return self._count(
            "SELECT COUNT(*) FROM orders JOIN intents ON orders.origin_id = intents.origin_id"
            " WHERE leg = :leg AND promotion = :promotion AND state NOT IN (:prepared, :gone, :refused)",
            {
                "leg": ENTRY_LEG,
                "promotion": promotion,
                "prepared": OrderPhase.PREPARED,
                "gone": OrderPhase.GONE,
                "refused": OrderPhase.REFUSED,
            },
        )

    def orders_sent(self, since_ms: int) -> int:
        """Return how many orders were sent at or after a time."""
        return self._count("SELECT COUNT(*) FROM orders WHERE sent_at_ms >= :since", {"since": since_ms})

    def executions(self, symbol: str, since_ms: int) -> int:
        """Return how many entries of a symbol were sent at or after a time and were not refused."""
        return self._count(
            "SELECT COUNT(*) FROM orders JOIN intents ON orders.origin_id = intents.origin_id"
            " WHERE symbol = :symbol AND leg = :leg AND sent_at_ms >= :since"
            " AND state NOT IN (:prepared, :gone, :refused)",
            {
                "symbol": symbol,
                "leg": ENTRY_LEG,
                "since": since_ms,
                "prepared": OrderPhase.PREPARED,
                "gone": OrderPhase.GONE,
                "refused": OrderPhase.REFUSED,
            },
        )

    def exits(self, symbol: str, since_ms: int) -> list[OrderRow]:
        """Return the exits of a symbol that were sent at or after a time, whichever intents they are of."""
        return self._orders(
            "leg = :leg AND sent_at_ms >= :since"
            " AND origin_id IN (SELECT origin_id FROM intents WHERE symbol = :symbol)",
            {"leg": EXIT_LEG, "since": since_ms, "symbol": symbol},
        )

    def halt(self) -> HaltRow | None:
        """Return the oldest halt that nobody has lifted, or None."""
        return next(iter(self.halts()), None)

    def halts(self) -> list[HaltRow]:
        """Return the halts that nobody has lifted, oldest first."""
        with self.store.reading() as statements:
            rows = statements.execute(
                "SELECT number, code, detail, set_ms FROM halts WHERE lifted_ms IS NULL ORDER BY number", {}
            ).fetchall()
        return [HaltRow(*row) for row in rows]

    def set_halt(self, code: str, detail: str, at_ms: int) -> None:
        """Halt; a halt with this code that is in force stays as it is."""
        with self.store.writing() as statements:
            statements.execute(
                "INSERT INTO halts (number, code, detail, set_ms)"
                " SELECT (SELECT COALESCE(MAX(number), 0) + 1 FROM halts), :code, :detail, :at"
                " WHERE NOT EXISTS (SELECT 1 FROM halts WHERE code = :code AND lifted_ms IS NULL)",
                {"code": code, "detail": detail, "at": at_ms},
            )

    def lift_halt(self, reason: str, at_ms: int) -> None:
        """Lift every halt, for a reason that a person gave."""
        with self.store.writing() as statements:
            statements.execute(
                "UPDATE halts SET lifted_ms = :at, lifted_because = :reason WHERE lifted_ms IS NULL",
                {"at": at_ms, "reason": reason},
            )

    def meta(self, name: str) -> str | None:
        """Return what was noted under a name, or None."""
        with self.store.reading() as statements:
            return _meta(statements, name)

    def set_meta(self, name: str, value: str) -> None:
        """Note a value under a name, in place of an older one."""
        with self.store.writing() as statements:
            _set_meta(statements, name, value)

    def identity(self) -> str:
        """Return what this journal alone is called, from its making on."""
        return self.meta("identity") or ""

    def intents_begun(self) -> int:
        """Return how many intents were ever begun."""
        return self._count("SELECT COUNT(*) FROM intents", {})

    def highest_settled(self) -> stream_id.StreamId:
        """Return the highest stream id that was ever settled; Redis must not hand it out as new again."""
        return stream_id.parse(self.meta(_HIGHEST) or "0-0")

    def note_settled(self, entry_id: str) -> None:
        """Remember a settled stream id if it is the highest so far."""
        with self.store.writing() as statements:
            known = _meta(statements, _HIGHEST)
            if known is None or stream_id.parse(known) < stream_id.parse(entry_id):
                _set_meta(statements, _HIGHEST, entry_id)

    def _advance(self, statements: Statements, client_id: str, state: OrderPhase, at_ms: int) -> OrderRow:
        row = _known_order(statements, client_id, state)
        if row.state not in _FROM[state]:
            raise OrderStateError(client_id, row.state, state)
        statements.execute(
            "UPDATE orders SET state = :state, changed_ms = :at WHERE client_id = :client",
            {"state": state, "at": at_ms, "client": client_id},
        )
        return row

    def _change_finished(self, origin_id: str, column: str, value: Value) -> None:
        with self.store.writing() as statements:
            changed = statements.execute(
                f"UPDATE intents SET {column} = :value WHERE origin_id = :origin AND outcome IS NOT NULL",  # noqa: S608 - the column's name is ours
                {"value": value, "origin": origin_id},
            )
            if not changed.rowcount:
                raise IntentFinishedError(origin_id)

    def _intents(self, which: str) -> list[IntentRow]:
        with self.store.reading() as statements:
            rows = statements.execute(
                f"SELECT {INTENT_COLUMNS} FROM intents WHERE {which} ORDER BY origin_ms, origin_id",  # noqa: S608 - both texts are ours
                {},
            ).fetchall()
        return [intent_row(row) for row in rows]

    def _orders(self, which: str, values: dict[str, Value]) -> list[OrderRow]:
        with self.store.reading() as statements:
            rows = statements.execute(
                f"SELECT {ORDER_COLUMNS} FROM orders WHERE {which} ORDER BY prepared_ms, attempt, client_id",  # noqa: S608 - both texts are ours
                values,
            ).fetchall()
        return [order_row(row) for row in rows]

    def _count(self, sql: str, values: dict[str, Value]) -> int:
        with self.store.reading() as statements:
            return int(statements.execute(sql, values).fetchone()[0])


def _insert(statements: Statements, table: str, values: dict[str, Value], key: str) -> None:
    columns, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    statements.execute(
        f"INSERT INTO {table} ({columns}) VALUES ({places}) ON CONFLICT ({key}) DO NOTHING",  # noqa: S608 - all names are ours
        values,
    )


def _intent(statements: Statements, origin_id: str) -> IntentRow | None:
    row = statements.execute(
        f"SELECT {INTENT_COLUMNS} FROM intents WHERE origin_id = :origin",  # noqa: S608 - the columns are ours
        {"origin": origin_id},
    ).fetchone()
    return intent_row(row) if row else None


def _known_intent(statements: Statements, origin_id: str) -> IntentRow:
    row = _intent(statements, origin_id)
    if row is None:
        raise JournalError(f"{origin_id} was written and is not there")
    return row


def _order(statements: Statements, client_id: str) -> OrderRow | None:
    row = statements.execute(
        f"SELECT {ORDER_COLUMNS} FROM orders WHERE client_id = :client",  # noqa: S608 - the columns are ours
        {"client": client_id},
    ).fetchone()
    return order_row(row) if row else None


def _known_order(statements: Statements, client_id: str, wanted: OrderPhase) -> OrderRow:
    row = _order(statements, client_id)
    if row is None:
        raise OrderStateError(client_id, None, wanted)
    return row


def _meta(statements: Statements, name: str) -> str | None:
    row = statements.execute("SELECT value FROM meta WHERE name = :name", {"name": name}).fetchone()
    return row[0] if row else None


def _set_meta(statements: Statements, name: str, value: str) -> None:
    statements.execute(
        "INSERT INTO meta (name, value) VALUES (:name, :value)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        {"name": name, "value": value},
    )


def _text(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
