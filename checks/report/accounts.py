"""What became of each entry since the cutover, counted from what Redis holds, and how long it took."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.accounting import Accounting, account
from checks.judge.stream_ids import milliseconds, position
from checks.judge.times import unix_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.report.seen import Seen


@dataclass(frozen=True, slots=True)
class Latency:
    """How long decisions took, in ms: from the id that Redis gave the intent to that of the decision."""

    count: int
    p50: float | None
    p99: float | None
    most: float | None

    @classmethod
    def of(cls, durations: Iterable[float]) -> Latency:
        """Sum up by nearest rank: the p-th percentile is the smallest value that p % do not exceed."""
        ordered = sorted(durations)
        return cls(len(ordered), _rank(ordered, 50), _rank(ordered, 99), ordered[-1] if ordered else None)


def _rank(ordered: Sequence[float], percentile: int) -> float | None:
    return ordered[-(-len(ordered) * percentile // 100) - 1] if ordered else None


#: What the counted entries are, by where the accounting begins.
_COUNTED = {
    "cutover": "entries since the cutover",
    "switch": "entries since this release began",
    "closed": "entries since the last run that passed",
    "trimmed": "entries that are still there",
}


def counted(seen: Seen) -> str:
    """Say which entries were counted; of a long stretch the newest."""
    stretch = "E:stream.entries_since_cutover"
    which = _COUNTED.get(str(seen(stretch, "begins_at")), "entries from where it was told to begin")
    return f"newest of the {which}" if seen(stretch, "older") else which


def accounted(seen: Seen) -> Accounting | None:
    """Account for the entries since the cutover; None if that could not be observed."""
    stretch, decisions = seen("E:stream.entries_since_cutover"), seen("E:results.decisions")
    letters = seen("E:dead_letters.since_cutover")
    if stretch is None or decisions is None or letters is None:
        return None
    try:
        return account(stretch, decisions, letters)
    except (
        KeyError,
        TypeError,
        ValueError,
    ):  # the checks say what is wrong with it; the report stays readable
        return None


def lag(seen: Seen) -> int | None:
    """Count the entries that the group had not been given: Redis's own lag is not always known, nor right."""
    entries = seen("E:stream.entries_since_cutover", "entries")
    last = seen("E:stream.entries_since_cutover", "group", "last_delivered_id")
    if entries is None or last is None:
        return None
    return sum(position(entry["id"]) > position(last) for entry in entries)


def statuses(seen: Seen) -> tuple[tuple[str, int], ...]:
    """Count decisions by status, the commonest first."""
    made = Counter(
        _status(decision)
        for decisions in (seen("E:results.decisions") or {}).values()
        for decision in decisions
    )
    return tuple(sorted(made.items(), key=lambda counted: (-counted[1], counted[0])))


def _status(decision: Mapping[str, Any]) -> str:
    return str((decision.get("fields") or {}).get("status", "without status"))


def durations(seen: Seen) -> dict[str, float]:
    """Give how long each intent waited for its first decision, in ms, by intent id."""
    made = (seen("E:results.decisions") or {}).items()
    return _elapsed((intent, decisions[0]["decision_id"]) for intent, decisions in made if decisions)


def proof_durations(seen: Seen) -> dict[str, float]:
    """Give how long each proof event waited for its decision, in ms, by intent id."""
    decisions = seen("E:proof.decisions") or ()
    return _elapsed((decision["intent_id"], decision["decision_id"]) for decision in decisions)


def since_start(seen: Seen, waited: Mapping[str, float]) -> dict[str, float]:
    """Leave out the entries that were published before the consumer had said that it reads."""
    reading = reading_since_ms(seen)
    return {id_: ms for id_, ms in waited.items() if reading is not None and milliseconds(id_) >= reading}


def reading_since_ms(seen: Seen) -> int | None:
    """Give when the consumer said that it reads, from its own log."""
    said = log_time(seen, "reading")
    return None if said is None else unix_ms(said)


def log_time(seen: Seen, event: str) -> str | None:
    """Give when a line of the start-up log was written."""
    lines = seen("D:container.log", "lines") or ()
    return next((line.get("timestamp") for line in lines if line.get("event") == event), None)


def _elapsed(pairs: Iterable[tuple[str, str]]) -> dict[str, float]:
    """Measure from the intent's id to its decision's; what is no id is left to the checks."""
    return {
        entry_id: float(milliseconds(decision) - milliseconds(entry_id))
        for entry_id, decision in pairs
        if _is_id(entry_id)
    }


def _is_id(text: str) -> bool:
    return all(part.isdecimal() for part in text.split("-", 1)) and "-" in text
