"""One entry → one decision. Pure: the same entry, time and context give the same, and nothing is reached for.

Whether a halt or a twin stops an intent is left open here, with all that is needed to settle it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NamedTuple

from consumer.base import stream_id
from consumer.base.errors import InvalidEntryError
from consumer.intents.context import Context, context_for
from consumer.intents.describe import intent_json
from consumer.intents.gates import age, cutover, duplicate, halt, hold
from consumer.intents.wire import decode, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from consumer.intents.wire import Intent

__all__ = ["Context", "Decision", "context_for", "decide", "failed", "invalid", "lost"]

INVALID = "invalid"
LOST = "lost_trimmed"
#: How often an entry that our own code fails on is delivered before it goes to the dead letters.
FAILED_DELIVERIES = 3


class Decision(NamedTuple):
    """What became of one entry, if no halt and no twin stops it.

    `intent` and `plan` are JSON: the intent, and what follows it in the plan. `memory` names where twins are
    looked up, `stops_at_halt` whether a halt applies. `letter` is the dead letter's copy of the fields.
    `deliveries` is how often the entry must have been delivered for this to be final.
    """

    entry_id: str
    status: str
    reason: str
    origin_id: str
    symbol: str = ""
    side: str = ""
    trace_id: str = ""
    intent: str = ""
    plan: str = ""
    memory: str = ""
    stops_at_halt: bool = False
    letter: str = ""
    deliveries: int = 1

    @property
    def plan_json(self) -> str:
        """The decision's plan, whole."""
        return (
            "{"
            + ",".join(part for part in (self.intent and f'"intent":{self.intent}', self.plan) if part)
            + "}"
        )


def decide(entry_id: str, fields: Mapping[bytes, bytes], now_ms: int, context: Context) -> Decision:
    """Decide about one entry, as read at `now_ms` of Redis's clock."""
    position = stream_id.parse(entry_id)
    origin_id = entry_id
    is_before = cutover.is_before(position, context.cutover)
    try:
        named = texts(fields)
        origin_id, origin = _origin(entry_id, position, named)
        intent = decode(named)
        old = age.age_ms(now_ms, origin[0], intent.timestamp_ms)
    except InvalidEntryError as fault:
        if is_before:
            return Decision(entry_id, cutover.STATUS, cutover.REASON, origin_id)
        return invalid(entry_id, fields.items(), str(fault), origin_id)
    if is_before:
        return _without_plan(entry_id, origin_id, intent, cutover.STATUS, cutover.REASON)
    if old > context.max_age_ms:
        return _without_plan(entry_id, origin_id, intent, age.STATUS, age.reason(old))
    if hold.holds(intent):
        return _without_plan(entry_id, origin_id, intent, hold.STATUS, hold.REASON)
    planned = context.planner.plan(intent)
    return Decision(
        entry_id,
        planned.status,
        planned.reason,
        origin_id,
        intent.symbol,
        intent.side,
        intent.trace_id or "",
        intent_json(intent),
        planned.body,
        duplicate.memory(intent),
        halt.applies_to(intent),
    )


def invalid(
    entry_id: str,
    fields: Iterable[tuple[bytes, bytes]],
    reason: str,
    origin_id: str = "",
    deliveries: int = 1,
) -> Decision:
    """Decide that an entry is no intent; a copy of it goes to the dead letters."""
    kept = list(fields)
    trace = next((value for name, value in kept if name == b"trace_id"), b"").decode("utf-8", "replace")
    origin_id = origin_id or entry_id
    letter = _letter(kept)
    return Decision(
        entry_id, INVALID, reason, origin_id, trace_id=trace, letter=letter, deliveries=deliveries
    )


def failed(entry_id: str, fields: Mapping[bytes, bytes], error: Exception) -> Decision:
    """Decide about an entry that our own code failed on: final only at its third delivery."""
    reason = f"CONSUMER_ERROR:{type(error).__name__}"
    return invalid(entry_id, fields.items(), reason, deliveries=FAILED_DELIVERIES)


def lost(entry_id: str, *, still_pending: bool) -> Decision:
    """Mark a delivered entry whose body was trimmed away: a dead letter, and no decision."""
    return Decision(entry_id, LOST, LOST, entry_id, letter="[]", deliveries=int(still_pending))


def _without_plan(entry_id: str, origin_id: str, intent: Intent, status: str, reason: str) -> Decision:
    trace = intent.trace_id or ""
    return Decision(
        entry_id, status, reason, origin_id, intent.symbol, intent.side, trace, intent_json(intent)
    )


def _origin(
    entry_id: str, position: stream_id.StreamId, named: Mapping[str, str]
) -> tuple[str, stream_id.StreamId]:
    """Return the id by which an intent is known: a replayed entry carries the original's."""
    given = named.get("origin_id")
    if given is None:
        return entry_id, position
    try:
        origin = stream_id.parse(given)
    except ValueError as error:
        raise InvalidEntryError("ORIGIN_ID", str(error)) from error
    if origin > position:
        raise InvalidEntryError("ORIGIN_ID", f"{given} is later than the entry itself")
    return given, origin


def _letter(fields: Iterable[tuple[bytes, bytes]]) -> str:
    """Keep the original fields as JSON pairs in their order: text as it is, all else as {"base64": …}."""
    return json.dumps([[_kept(name), _kept(value)] for name, value in fields])


def _kept(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
