"""The questions that an intent passes, in this order: cutover, age, hold, halt, duplicate, risk.

Each answers with status and reason of the decision. In safe drain halt and duplicate are answered by the
settle script, because only there the answer cannot change before the decision is written; what stands here
says to whom they apply.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from consumer.base.errors import InvalidEntryError

if TYPE_CHECKING:
    from consumer.base.stream_id import StreamId
    from consumer.intents.wire import Intent

#: Status and reason of a decision.
type Objection = tuple[str, str]

#: Nothing from before the cutover gets a plan, so that a group created at 0 cannot replay the stream.
BEFORE_CUTOVER: Objection = ("skipped_before_cutover", "BEFORE_CUTOVER")
#: HOLD and FLAT ask for nothing, and get it.
HOLD: Objection = ("skipped_hold", "HOLD")
#: The status of what a halt stops.
HALTED = "skipped_halted"
#: How far ahead of Redis's clock a time may be, in milliseconds, before it counts as nonsense.
AHEAD_MS = 5000
#: Before the name of what remembers twins: a sorted set of origin ids by their milliseconds.
MEMORY_PREFIX = "quantum:trade_intent:planned:"


def is_before_cutover(entry: StreamId, cutover: StreamId) -> bool:
    """Tell whether an entry stood in the stream when the group was positioned behind it."""
    return entry <= cutover


def age_ms(now_ms: int, origin_ms: int, own_ms: int | None) -> int:
    """Return the age of the earliest time present. Raises InvalidEntryError for a time still to come."""
    if origin_ms > now_ms + AHEAD_MS:
        raise InvalidEntryError("TIME", f"its id is {origin_ms - now_ms} ms ahead")
    if own_ms is None:
        return now_ms - origin_ms
    if own_ms > now_ms + AHEAD_MS:
        raise InvalidEntryError("TIME", f"its own time is {own_ms - now_ms} ms ahead")
    return now_ms - min(origin_ms, own_ms)


def is_ahead(entry: StreamId, now_ms: int) -> bool:
    """Tell whether an entry has an id of the future, behind which all later ids lie, too."""
    return entry[0] > now_ms + AHEAD_MS


def stale(age: int) -> Objection:
    """Say how old a stale intent is: an opinion about the market keeps for minutes."""
    return "skipped_stale", f"STALE:age_ms={age}"


def holds(intent: Intent) -> bool:
    """Tell whether an intent asks for no order."""
    return intent.direction == "hold"


def halt_applies_to(intent: Intent) -> bool:
    """Tell whether a halt stops this intent. Closing is always allowed: it makes the risk smaller."""
    return intent.direction != "close"


def halted(why: str) -> Objection:
    """Say what halts, as far as a reason has room for it."""
    return HALTED, f"HALTED:{why[:200]}"


def duplicate(twin: str) -> Objection:
    """Say of which intent this one is the twin: two producers publish one opinion milliseconds apart."""
    return "skipped_duplicate", f"DUPLICATE:{twin}"


def can_have_a_twin(intent: Intent) -> bool:
    """Tell whether an intent can be one opinion published twice; a close acts on whatever is open by then."""
    return intent.direction != "close"


def memory(intent: Intent) -> str:
    """Return the name of the memory that an intent is looked up in; nothing for one that has no twin.

    It is in Redis, for restarts and replicas, and holds only intents that reached a plan.
    """
    return f"{MEMORY_PREFIX}{intent.symbol}:{intent.direction}" if can_have_a_twin(intent) else ""


def lifetime_ms(max_age_ms: int, window_ms: int) -> int:
    """Return how long twins are remembered: past it, every one is stale, however late it is delivered."""
    return max_age_ms + 2 * window_ms + 10_000
