"""One entry → one decision. Pure: the same entry, time and context give the same, and nothing is reached for.

`examine` is of both modes, `decide` of safe drain. Whether a halt or a twin stops an intent is left
open here, with all that is needed to settle it.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, NamedTuple

from consumer.base import stream_id
from consumer.base.errors import InvalidEntryError
from consumer.intents import gates
from consumer.intents.context import Context, context_for
from consumer.intents.describe import intent_json
from consumer.intents.wire import MOST_CHARACTERS, decode, origin_of, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from consumer.intents.entry import Entry, Excerpt
    from consumer.intents.wire import Intent

__all__ = [
    "Context", "Decision", "Examined", "context_for", "decide", "decide_entry", "decide_undecoded", "examine",
    "failed", "invalid", "lost",
]  # fmt: skip # a table, or a call that is read as one

INVALID = "invalid"
LOST = "lost_trimmed"
#: How often an entry that our own code fails on, or dies of, is delivered before it goes to the dead letters.
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


class Examined(NamedTuple):
    """An entry that the gates have seen which need neither Redis nor an account.

    `decision` is what one of them decided; None where all let it through. `fields` is None where they are no
    text, `intent` where they are no intent. `origin_id` is the id by which the intent is known.
    """

    entry_id: str
    origin_id: str
    fields: Mapping[str, str] | None
    intent: Intent | None
    decision: Decision | None = None

    def decided(self, status: str, reason: str, plan: str = "") -> Decision:
        """Return a decision about the intent that no halt and no twin can change any more."""
        intent = self.intent
        if intent is None:
            return Decision(self.entry_id, status, reason, self.origin_id)
        return Decision(
            self.entry_id,
            status,
            reason,
            self.origin_id,
            intent.symbol,
            intent.side,
            intent.trace_id or "",
            intent_json(intent),
            plan,
        )


def decide_entry(entry: Entry, now_ms: int, context: Context) -> Decision:
    """Decide in safe drain about one entry as it was delivered, at `now_ms` of Redis's clock."""
    # What is not decided undecoded has fields.
    return decide_undecoded(entry, context) or decide(entry.id, entry.fields or {}, now_ms, context)


def decide(entry_id: str, fields: Mapping[bytes, bytes], now_ms: int, context: Context) -> Decision:
    """Decide in safe drain about one entry, as read at `now_ms` of Redis's clock."""
    examined = examine(entry_id, fields, now_ms, context)
    intent = examined.intent
    if examined.decision or intent is None:
        return examined.decision or examined.decided(INVALID, INVALID)
    rehearsed = context.rehearsal.plan(intent)
    return Decision(
        entry_id,
        rehearsed.status,
        rehearsed.reason,
        examined.origin_id,
        intent.symbol,
        intent.side,
        intent.trace_id or "",
        intent_json(intent),
        rehearsed.members,
        gates.memory(intent),
        gates.halt_applies_to(intent),
    )


def decide_undecoded(entry: Entry, context: Context) -> Decision | None:
    """Decide about an entry that cannot be decoded, or must not be: lost, too large, or the end of processes.

    None for one whose meaning is to be asked.
    """
    if entry.fields is None and entry.excerpt is None:
        return lost(entry.id)
    why = _undecodable(entry)
    if not why:
        return None
    if gates.is_before_cutover(stream_id.parse(entry.id), context.cutover):
        return Decision(entry.id, *gates.BEFORE_CUTOVER, entry.id)
    if entry.excerpt:
        return Decision(entry.id, INVALID, why, entry.id, letter=_letter_of_excerpt(entry.excerpt))
    return invalid(entry.id, entry.repeated or (entry.fields or {}).items(), why)


def _undecodable(entry: Entry) -> str:
    if entry.excerpt:
        return f"INVALID_TOO_LARGE:{entry.excerpt.size} bytes"
    if entry.deliveries > FAILED_DELIVERIES:
        return f"UNFINISHED:delivered {entry.deliveries - 1} times without an end"
    return "INVALID_FIELDS:a field stands twice" if entry.repeated else ""


def examine(entry_id: str, fields: Mapping[bytes, bytes], now_ms: int, context: Context) -> Examined:
    """Decode one entry and ask the gates: before the cutover, invalid, stale, hold; in this order."""
    position = stream_id.parse(entry_id)
    is_before = gates.is_before_cutover(position, context.cutover)
    origin_id, named = entry_id, None
    try:
        named = texts(fields)
        origin_id, origin = origin_of(entry_id, position, named)
        intent = decode(named)
        old = gates.age_ms(now_ms, origin[0], intent.timestamp_ms)
    except InvalidEntryError as fault:
        refused = Examined(entry_id, origin_id, named, None)
        return refused._replace(
            decision=refused.decided(*gates.BEFORE_CUTOVER)
            if is_before
            else invalid(entry_id, fields.items(), str(fault), origin_id)
        )
    examined = Examined(entry_id, origin_id, named, intent)
    if is_before:
        return examined._replace(decision=examined.decided(*gates.BEFORE_CUTOVER))
    if old > context.max_age_ms:
        return examined._replace(decision=examined.decided(*gates.stale(old)))
    if gates.holds(intent):
        return examined._replace(decision=examined.decided(*gates.HOLD))
    return examined


def invalid(
    entry_id: str,
    fields: Iterable[tuple[bytes, bytes]],
    reason: str,
    origin_id: str = "",
    deliveries: int = 1,
) -> Decision:
    """Decide that an entry is no intent; a copy of it goes to the dead letters."""
    kept = list(fields)
    trace = next((value for name, value in kept if name == b"trace_id"), b"")
    trace_id = trace.decode("utf-8", "replace")[:MOST_CHARACTERS]
    origin_id = origin_id or entry_id
    letter = _letter(kept)
    return Decision(
        entry_id, INVALID, reason, origin_id, trace_id=trace_id, letter=letter, deliveries=deliveries
    )


def failed(entry_id: str, fields: Mapping[bytes, bytes], error: Exception) -> Decision:
    """Decide about an entry that our own code failed on: final only at its third delivery."""
    reason = f"CONSUMER_ERROR:{type(error).__name__}"
    return invalid(entry_id, fields.items(), reason, deliveries=FAILED_DELIVERIES)


def lost(entry_id: str) -> Decision:
    """Mark a delivered entry whose body was trimmed away: a dead letter, and no decision."""
    return Decision(entry_id, LOST, LOST, entry_id, letter="[]")


def _letter(fields: Iterable[tuple[bytes, bytes]]) -> str:
    """Keep the original fields as JSON pairs in their order: text as it is, all else as {"base64": …}."""
    return json.dumps([[_kept(name), _kept(value)] for name, value in fields])


def _letter_of_excerpt(excerpt: Excerpt) -> str:
    """Keep what is known of an entry that is too large to be kept."""
    return json.dumps({"start": _kept(excerpt.start), "bytes": excerpt.size, "sha1": excerpt.sha1})


def _kept(value: bytes) -> str | dict[str, str]:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}
