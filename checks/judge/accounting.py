"""Where each entry of a stretch of the stream ended: decided once, still pending, or gone wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.stream_ids import position

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet

LOST = "lost_trimmed"


@dataclass(frozen=True, slots=True)
class Accounting:
    """The entries after `from_id` up to `to_id`, by where they ended. Each id stands in one tuple only.

    `vanished` were decided or dead-lettered, and no longer stand in a stretch that is otherwise there.
    `unexplained` is how many more entries were added than stand there, below 0 how many fewer. `deleted` is
    whether somebody deleted an entry of the stretch by its id, `intact` whether all of it was read.
    """

    from_id: str
    to_id: str
    entries: int
    decided: tuple[str, ...]
    pending: tuple[str, ...]
    duplicated: tuple[str, ...]
    missing: tuple[str, ...]
    lost: tuple[str, ...]
    vanished: tuple[str, ...]
    unexplained: int
    deleted: bool
    intact: bool


def account(
    stretch: Mapping[str, Any],
    decisions: Mapping[str, Sequence[Any]],
    dead_letters: Sequence[Mapping[str, Any]],
) -> Accounting:
    """Account for every entry of the observed stretch, up to the stream's end when the look began.

    `decisions` are intent id → its decisions, `dead_letters` {id, original_id, reason}. What was pending was
    read before the decisions were, so an entry settled in between is in both and none is in neither.
    """
    present = [entry["id"] for entry in stretch["entries"]]
    pending = set(stretch["group"]["pending_ids"])
    letters = {
        letter["original_id"]: letter["reason"] or "" for letter in dead_letters if letter["original_id"]
    }
    decided = {id_ for id_, made in decisions.items() if made}
    lost = {id_ for id_, reason in letters.items() if LOST in reason.lower()}
    return Accounting(
        from_id=stretch["from_id"],
        to_id=stretch["to_id"],
        entries=len(present),
        decided=tuple(id_ for id_ in present if id_ in decided),
        pending=tuple(id_ for id_ in present if id_ in pending and id_ not in decided),
        duplicated=tuple(sorted((id_ for id_ in decided if len(decisions[id_]) > 1), key=position)),
        missing=tuple(
            id_ for id_ in present if id_ not in decided and id_ not in pending and id_ not in lost
        ),
        lost=tuple(sorted(lost, key=position)),
        vanished=_vanished(stretch, present, (decided | letters.keys()) - lost),
        unexplained=_unexplained(stretch),
        deleted=position(stretch["max_deleted_id"]) > position(stretch["from_id"]),
        intact=bool(stretch["intact"]) and len(present) == stretch["count"],
    )


def _vanished(stretch: Mapping[str, Any], present: Sequence[str], known: AbstractSet[str]) -> tuple[str, ...]:
    """Return what was there once and is not: within a whole stretch, else after its first entry."""
    start = stretch["from_id"] if stretch["intact"] else next(iter(present), stretch["to_id"])
    low, high = position(start), position(stretch["to_id"])
    gone = (id_ for id_ in known - set(present) if low < position(id_) <= high)
    return tuple(sorted(gone, key=position))


def _unexplained(stretch: Mapping[str, Any]) -> int:
    """Compare what Redis counted with what stands there, where it counted and nothing was trimmed away."""
    at_start = stretch["entries_added_at_cutover"]
    if at_start is None or not stretch["intact"]:
        return 0
    return int(stretch["entries_added"] - at_start - stretch["count"])
