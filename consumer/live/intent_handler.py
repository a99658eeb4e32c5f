"""One delivered entry → what is told of it. Whatever the journal knows already is not judged again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, NamedTuple

from consumer.base import stream_id
from consumer.intents.decide import Decision, decide, failed, invalid, lost
from consumer.intents.gates import age, duplicate, halt
from consumer.intents.planner import Planned, Planner
from consumer.intents.wire import decode, texts
from consumer.live import downstream_events
from consumer.live.failpoints import point
from consumer.live.journal import BodyChangedError
from consumer.live.orders.execution_report import FAILED, FILLED, REJECTED, UNKNOWN
from consumer.live.orders.sender import NotNowError
from consumer.live.risk import engine
from consumer.stream.result_writer import NOTHING_ELSE, Also

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from consumer.intents.context import Context
    from consumer.intents.wire import Intent
    from consumer.live.halt import Halts
    from consumer.live.journal import IntentRow
    from consumer.live.orders.execution_report import ExecutionReport
    from consumer.live.orders.executor import Executor
    from consumer.live.orders.sender import OrderSender
    from consumer.live.risk.engine import No, Request, RiskEngine
    from consumer.stream.reader import Entry

#: The status of an intent that the gates let through: it says that the venue is next, and is never told.
PASSED = "passed"
#: What is told to others: an order was sent, or refused.
_TOLD = (FILLED, FAILED, REJECTED, UNKNOWN)


class Settlement(NamedTuple):
    """What is to be settled: a decision, what is written beside it, and the journaled intent it is of."""

    decision: Decision
    also: Also = NOTHING_ELSE
    intent: IntentRow | None = None


class Gates(Planner):
    """In the place of safe drain's planner: lets everything through, as planning asks the exchange."""

    def __init__(self) -> None:
        pass

    def plan(self, intent: Intent) -> Planned:  # noqa: ARG002 - planned once the journal and the halt were asked
        """Say that the gates have nothing against it."""
        return Planned(PASSED, "", "")


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
        promotion: str,
    ) -> None:
        self._context = context
        self._sender = sender
        self._risk = risk_engine
        self._executor = executor
        self._halts = halts
        self._promotion = promotion

    async def take(self, entry: Entry) -> Settlement:
        """Decide about an entry, and act on it. Raises NotNowError when it must stay pending."""
        if entry.fields is None:
            return await self._without_body(entry)
        if entry.repeated:
            return Settlement(invalid(entry.id, entry.repeated, "INVALID_FIELDS:a field stands twice"))
        try:
            decision = decide(entry.id, entry.fields, self._sender.clock.now_ms(), self._context)
        except Exception as error:  # noqa: BLE001 - whatever our own code does wrong must not stop the others
            return Settlement(failed(entry.id, entry.fields, error))
        known = self._sender.journal.intent(decision.origin_id)
        if known is None and decision.status != PASSED:
            return Settlement(decision)
        return await self._take_intent(decision, texts(entry.fields), known)

    async def _without_body(self, entry: Entry) -> Settlement:
        """Decide about an entry that was trimmed away: lost, unless the journal has it from before."""
        known = self._sender.journal.intent(entry.id)
        if known is None:
            return Settlement(lost(entry.id, still_pending=entry.is_pending))
        found = retold(known, await self._executor.carry_out(known))
        return found._replace(decision=found.decision._replace(deliveries=int(entry.is_pending)))

    async def _take_intent(
        self, decision: Decision, fields: Mapping[str, str], known: IntentRow | None
    ) -> Settlement:
        request = engine.Request(
            decision.entry_id, decision.origin_id, body_sha256(fields), fields, decode(fields)
        )
        if known and known.body_sha256 != request.body_sha256:
            changed = BodyChangedError(known.origin_id, known.body_sha256, request.body_sha256)
            self._halts.set("HALT_BODY_CHANGED", str(changed))
            return Settlement(_stopped(decision, engine.HALTED, f"HALTED:HALT_BODY_CHANGED: {changed}"))
        intent = known or await self._begun(decision, request)
        if isinstance(intent, Settlement):
            return intent
        return tell(decision, intent, await self._executor.carry_out(intent))

    async def _begun(self, decision: Decision, request: Request) -> IntentRow | Settlement:
        """Ask the remaining gates, the exchange and the guard; a yes is journaled before anything is sent."""
        objection = self._objection(request)
        if objection:
            return Settlement(_stopped(decision, *objection))
        found = await self._risk.judge(request)
        if self._sender.journal.intent(request.origin_id):
            raise NotNowError("another instance has begun it meanwhile")
        if isinstance(found, engine.No):
            return Settlement(self._refused(decision, found))
        point("after_gates")
        intent = self._sender.journal.begin_intent(
            request.origin_id,
            request.body_sha256,
            request.entry_id,
            request.intent.symbol,
            request.intent.direction,
            engine.written(found.document),
            self._sender.clock.now_ms(),
            self._promotion,
        )
        point("after_journal_intent")
        return intent

    def _objection(self, request: Request) -> tuple[str, str] | None:
        halted = self._halts.current() if halt.applies_to(request.intent) else None
        if halted:
            return halt.STATUS, f"HALTED:{halted[:200]}"
        twins = self._sender.journal.twins(
            request.intent.symbol,
            request.intent.direction,
            stream_id.parse(request.origin_id)[0],
            self._context.settings.duplicate_window_ms,
            request.origin_id,
        )
        return (duplicate.STATUS, f"DUPLICATE:{twins[0]}") if twins else None

    def _refused(self, decision: Decision, found: No) -> Decision:
        if found.halts:
            self._halts.set(found.halts.code, found.halts.detail)
        return _stopped(decision, found.status, found.reason, found.shown)


class Permission:
    """The last look before an entry is sent: is it still wanted, still fresh, and still allowed."""

    def __init__(
        self, sender: OrderSender, halts: Halts, max_age_ms: int, not_now: Callable[[], str | None]
    ) -> None:
        self._sender = sender
        self._halts = halts
        self._max_age_ms = max_age_ms
        self._not_now = not_now

    async def objection(self, intent: IntentRow) -> tuple[str, str] | None:
        """Return status and reason of why an entry must not be sent, or None. Raises NotNowError."""
        await self._quiet()
        why = self._not_now()
        if why:
            raise NotNowError(why)
        halted = self._halts.current()
        if halted:
            return halt.STATUS, f"HALTED:{halted[:200]}"
        old = self._sender.clock.now_ms() - json.loads(intent.plan)["earliest_ms"]
        return (age.STATUS, age.reason(old)) if old > self._max_age_ms else None

    async def _quiet(self) -> None:
        """Wait until no request of an instance before this one can arrive any more."""
        held = self._sender.lease.held
        while held and self._sender.clock.now_ms() < held.entries_from_ms and not self._not_now():
            await self._sender.clock.sleep(0.1)
            held = self._sender.lease.held


def tell(decision: Decision, intent: IntentRow, found: ExecutionReport) -> Settlement:
    """Return what is settled once an intent has come to its end."""
    shown = json.loads(intent.plan)["shown"]
    orders = json.dumps(found.orders) if found.orders else NOTHING_ELSE.orders
    # A replay of what was told before is decided like it, and others are not told twice.
    commands = [] if intent.settled else news(intent, found)
    return Settlement(_stopped(decision, found.status, found.reason, shown), Also(orders, commands), intent)


def news(intent: IntentRow, found: ExecutionReport) -> downstream_events.Commands:
    """Return what others are told of an intent that came to something at the exchange."""
    if found.status not in _TOLD:
        return []
    document = json.loads(intent.plan)
    return downstream_events.commands(document["shown"], document["said"], found)


def retold(intent: IntentRow, found: ExecutionReport) -> Settlement:
    """Return what is settled of an intent whose entry is not at hand any more."""
    shown = json.loads(intent.plan)["shown"]["intent"]
    decision = Decision(
        intent.entry_id,
        found.status,
        found.reason,
        intent.origin_id,
        intent.symbol,
        shown["side"],
        shown["trace_id"] or "",
    )
    return tell(decision, intent, found)


def body_sha256(fields: Mapping[str, str]) -> str:
    """Return the digest of what an entry says: of its payload where it has one, and never of its origin."""
    body = next((fields[name] for name in ("payload", "data") if name in fields), None)
    if body is None:
        flat = {name: value for name, value in fields.items() if name != "origin_id"}
        body = json.dumps(flat, sort_keys=True)
    return hashlib.sha256(body.encode()).hexdigest()


def _stopped(
    decision: Decision, status: str, reason: str, shown: Mapping[str, Any] | None = None
) -> Decision:
    """Return the decision with its end: in live, settling it looks up neither a halt nor a twin."""
    rest = {name: value for name, value in (shown or {}).items() if name != "intent"}
    return decision._replace(
        status=status,
        reason=reason,
        intent=json.dumps(shown["intent"]) if shown else decision.intent,
        plan=json.dumps(rest)[1:-1],
        memory="",
        stops_at_halt=False,
    )
