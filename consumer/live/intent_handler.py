"""One delivered entry → what is told of it. Whatever the journal knows already is not judged again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, NamedTuple

from consumer.base import stream_id
from consumer.intents import gates
from consumer.intents.decide import Decision, decide_undecoded, examine, lost
from consumer.intents.plan_json import members
from consumer.live import downstream_events
from consumer.live.failpoints import point
from consumer.live.journal import BodyChangedError
from consumer.live.orders.execution_report import FAILED, FILLED, REJECTED, UNKNOWN
from consumer.live.orders.sender import NotNowError
from consumer.live.risk import engine, rules
from consumer.stream.result_writer import NOTHING_ELSE, Also

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.intents.context import Context
    from consumer.intents.decide import Examined
    from consumer.intents.entry import Entry
    from consumer.intents.wire import Intent
    from consumer.live.halt import Halts
    from consumer.live.journal import IntentRow
    from consumer.live.orders.execution_report import ExecutionReport
    from consumer.live.orders.executor import Executor
    from consumer.live.orders.sender import OrderSender
    from consumer.live.risk.engine import EntryRequest, RiskEngine

#: What is told to others: an order was sent, or refused.
_TOLD = (FILLED, FAILED, REJECTED, UNKNOWN)


class Settlement(NamedTuple):
    """What is to be settled: a decision, what is written beside it, and the journaled intent it is of."""

    decision: Decision
    also: Also = NOTHING_ELSE
    intent: IntentRow | None = None


class Place(NamedTuple):
    """Where an entry belongs: its origin id, its symbol, empty where it names none, and if it closes."""

    origin_id: str
    symbol: str = ""
    is_closing: bool = False


class IntentHandler:
    """Takes entries one by one."""

    def __init__(
        self,
        context: Context,
        sender: OrderSender,
        risk_engine: RiskEngine,
        executor: Executor,
        halts: Halts,
        *,
        permission: PreTradeCheck,
        promotion: str,
    ) -> None:
        self._context = context
        self._sender = sender
        self._risk = risk_engine
        self._executor = executor
        self._permission = permission
        self._halts = halts
        self._promotion = promotion

    def place_of(self, entry: Entry) -> Place:
        """Return which worker an entry is for."""
        origin_id = _origin_of(entry)
        known: IntentRow | Intent | None = self._sender.journal.intent(origin_id)
        if known is None and entry.fields is not None and not decide_undecoded(entry, self._context):
            known = examine(entry.id, entry.fields, self._sender.clock.now_ms(), self._context).intent
        if known is None:
            return Place(origin_id)
        return Place(origin_id, known.symbol, known.direction == "close")

    async def take(self, entry: Entry) -> Settlement:
        """Decide about an entry, and act on it. Raises NotNowError when it must stay pending."""
        if entry.fields is None and entry.excerpt is None:
            return await self._without_body(entry)
        decision = decide_undecoded(entry, self._context)
        if decision and (entry.fields is None or not self._is_journaled(entry)):
            return Settlement(decision)
        fields = entry.fields or {}
        examined = examine(entry.id, fields, self._sender.clock.now_ms(), self._context)
        known = self._sender.journal.intent(examined.origin_id)
        if known is None and examined.decision:
            return Settlement(examined.decision)
        return await self._take_intent(examined, known)

    async def _without_body(self, entry: Entry) -> Settlement:
        """Decide about an entry that was trimmed away: lost, unless the journal has it from before."""
        known = self._sender.journal.intent(entry.id)
        if known is None:
            return Settlement(lost(entry.id))
        return retold(known, await self._executor.carry_out(known))

    def _is_journaled(self, entry: Entry) -> bool:
        """Tell whether the journal knows an entry: then it is carried on, however often it was delivered."""
        return self._sender.journal.intent(_origin_of(entry)) is not None

    async def _take_intent(self, examined: Examined, known: IntentRow | None) -> Settlement:
        """Carry on what the journal knows, if it is the same intent; else begin it."""
        try:
            intent = await self._journaled(examined, known)
            if isinstance(intent, engine.No):
                return Settlement(examined.decided(intent.status, intent.reason, members(intent.shown)))
            report = await self._executor.carry_out(intent)
        finally:
            self._risk.forget(examined.origin_id)
        return tell(examined.decided(report.status, report.reason), intent, report)

    async def _journaled(self, examined: Examined, known: IntentRow | None) -> IntentRow | engine.No:
        """Return what the journal knows, or begin it. An origin id that comes with another body halts."""
        digest = body_sha256(examined.fields or {})
        if known is None:
            return await self._begun(examined, digest)
        if known.body_sha256 == digest:
            return known
        changed = BodyChangedError(known.origin_id, known.body_sha256, digest)
        self._halts.set("HALT_BODY_CHANGED", str(changed))
        return engine.No(gates.HALTED, f"HALTED:HALT_BODY_CHANGED: {changed}", {})

    async def _begun(self, examined: Examined, digest: str) -> IntentRow | engine.No:
        """Ask the remaining gates, the exchange and the rules; a yes is journaled before anything is sent."""
        if examined.intent is None or examined.fields is None:
            raise AssertionError(f"{examined.entry_id} passed the gates and is no intent")
        request = engine.EntryRequest(
            examined.entry_id, examined.origin_id, digest, examined.fields, examined.intent
        )
        objection = self._objection(request)
        if objection:
            return engine.No(*objection, {})
        judged = await self._risk.judge(request)
        if self._sender.journal.intent(request.origin_id):
            raise NotNowError("another instance has begun it meanwhile")
        if isinstance(judged, engine.No):
            if judged.halts:
                self._halts.set(judged.halts.code, judged.halts.detail)
            return judged
        point("after_gates")
        intent = await self._sender.write(
            self._sender.journal.begin_intent,
            request.origin_id,
            request.body_sha256,
            request.entry_id,
            request.intent.symbol,
            request.intent.direction,
            judged.planned.text,
            self._sender.clock.now_ms(),
            self._promotion,
        )
        self._risk.was_journaled(request.origin_id)
        point("after_journal_intent")
        return intent

    def _objection(self, request: EntryRequest) -> gates.Objection | None:
        halted = self._permission.halted() if gates.halt_applies_to(request.intent) else None
        if halted:
            return halted
        if not gates.can_have_a_twin(request.intent):
            return None
        twins = self._sender.journal.twins(
            request.intent.symbol,
            request.intent.direction,
            stream_id.parse(request.origin_id)[0],
            self._context.settings.duplicate_window_ms,
            request.origin_id,
        )
        return gates.duplicate(twins[0]) if twins else None


class PreTradeCheck:
    """The last look before an entry is sent: is it still wanted, still fresh, and still allowed."""

    def __init__(
        self,
        sender: OrderSender,
        risk_engine: engine.RiskEngine,
        halts: Halts,
        max_age_ms: int,
        reasons: tuple[Callable[[], str | None], Callable[[], str]],
    ) -> None:
        """Make a check; `reasons` say why nothing may be opened now, and why this instance guards."""
        self._sender = sender
        self._risk = risk_engine
        self._halts = halts
        self._max_age_ms = max_age_ms
        self._not_now, self._guards_because = reasons

    def halted(self) -> gates.Objection | None:
        """Return status and reason of what nothing is opened during, or None."""
        guards_because = self._guards_because()
        if guards_because:
            return gates.halted(f"GUARD: {guards_because}")
        halted = self._halts.current()
        return gates.halted(halted) if halted else None

    async def objection(self, intent: IntentRow) -> gates.Objection | None:
        """Return status and reason of why an entry must not be sent, or None. Raises NotNowError."""
        await self._quiet()
        objection = self._known_objection(intent)
        if objection:
            return objection
        changed = await self._risk.judge_again(intent)
        if isinstance(changed, rules.Halt):
            self._halts.set(changed.code, changed.detail)
            return gates.halted(f"{changed.code}: {changed.detail}")
        # Judging may have asked the exchange, and taken its time: whoever halted meanwhile is heard.
        return changed or self._known_objection(intent)

    def _known_objection(self, intent: IntentRow) -> gates.Objection | None:
        """Say what speaks against it without asking anybody. Raises NotNowError."""
        why = self._not_now()
        if why:
            raise NotNowError(why)
        halted = self.halted()
        if halted:
            return halted
        old = self._sender.clock.now_ms() - intent.planned.earliest_ms
        return gates.stale(old) if old > self._max_age_ms else None

    async def _quiet(self) -> None:
        """Wait until no request of an instance before this one can arrive any more."""
        held = self._sender.lease.held
        while held and self._sender.clock.now_ms() < held.entries_from_ms and not self._not_now():
            await self._sender.clock.sleep(0.1)
            held = self._sender.lease.held


def tell(decision: Decision, intent: IntentRow, report: ExecutionReport) -> Settlement:
    """Return what is settled once an intent has come to its end. `decision` has the report's status."""
    shown = intent.planned.shown
    orders = json.dumps(report.orders) if report.orders else NOTHING_ELSE.orders
    # A replay of what was told before is decided like it, and others are not told twice.
    commands = [] if intent.settled else news(intent, report)
    told = decision._replace(intent=json.dumps(shown["intent"]), plan=members(shown))
    return Settlement(told, Also(orders, commands), intent)


def news(intent: IntentRow, report: ExecutionReport) -> downstream_events.Commands:
    """Return what others are told of an intent that came to something at the exchange."""
    if report.status not in _TOLD:
        return []
    planned = intent.planned
    return downstream_events.commands(planned.shown, planned.said, report)


def retold(intent: IntentRow, report: ExecutionReport) -> Settlement:
    """Return what is settled of an intent whose entry is not at hand any more."""
    shown = intent.planned.shown["intent"]
    decision = Decision(
        intent.entry_id,
        report.status,
        report.reason,
        intent.origin_id,
        intent.symbol,
        shown["side"],
        shown["trace_id"] or "",
    )
    return tell(decision, intent, report)


def _origin_of(entry: Entry) -> str:
    return (entry.fields or {}).get(b"origin_id", entry.id.encode()).decode("utf-8", "replace")


def body_sha256(fields: Mapping[str, str]) -> str:
    """Return the digest of what an entry says: of its payload where it has one, and never of its origin."""
    body = next((fields[name] for name in ("payload", "data") if name in fields), None)
    if body is None:
        flat = {name: value for name, value in fields.items() if name != "origin_id"}
        body = json.dumps(flat, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()
