"""Every entry since the cutover and what became of it, read in an order in which nothing can fall between.

First the stream's end is fixed; then the group gets a moment to reach it; then what is still pending is read,
and the decisions last. An entry that is settled meanwhile stands in both lists, never in neither.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.observe.errors import AbsentError, ObserveError
from host.observe.observation import collector
from host.observe.records import needed_cutover, record_of
from host.observe.redis_link import named, order_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from host.observe.subject import Subject

SOURCE = "trade_intent_consumer"
ENTRY_LIMIT = 20_000
RESULT_LIMIT = 80_000
SETTLE_S = 5.0
POLL_S = 0.1


@dataclass(frozen=True)
class Start:
    """Where the accounting begins: entries after `id`, of which `added` had ever been written by then.

    `because` is `cutover`, `verified` (the last verified accounting ended there) or `told`.
    """

    id: str
    added: int | None
    because: str


@collector(
    "stream.entries_since_cutover",
    "XINFO STREAM {stream}; XINFO GROUPS and XPENDING until settled, at most 5 s; XRANGE {stream} (FROM TO",
)
def entries(subject: Subject) -> dict[str, Any]:
    """Return the entries from the cutover to the stream's end as it was when this began.

    `first_id` is the oldest entry that the stream still holds, `intact` whether none of the window was
    trimmed away or left out here, `missing` how many were written in the window and are gone (None when
    nobody counted at its start).
    """
    link, key, start = subject.redis, subject.request.wanted("stream"), start_of(subject)
    about = link.table("XINFO", "STREAM", key)
    to_id = about["last-generated-id"]
    group = _settled(subject, to_id)
    window = list(link.entries_after(key, start.id, to_id, ENTRY_LIMIT + 1))
    first = link.ask("XRANGE", key, "-", "+", "COUNT", 1)
    first_id = plain(first[0][0]) if first else None
    missing = None if start.added is None else about["entries-added"] - start.added - len(window)
    kept = window[:ENTRY_LIMIT]
    truncated = len(window) > ENTRY_LIMIT
    return {
        "from_id": start.id,
        "begins_at": start.because,
        "to_id": to_id,
        "count": len(kept),
        "first_id": first_id,
        "last_id": kept[-1]["id"] if kept else None,
        "entries": kept,
        "truncated": truncated,
        "intact": not truncated and reaches_back(first_id, start.id, missing),
        "entries_added": about["entries-added"],
        "entries_added_at_cutover": start.added,
        "missing": missing,
        "max_deleted_id": about.get("max-deleted-entry-id"),
        "group": group,
    }


@collector("results.decisions", "XRANGE {result_stream} from the cutover, of source " + SOURCE)
def decisions(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Return the consumer's decisions on entries after the cutover, by intent id; others write there, too."""
    start = start_of(subject)
    return by_intent(result for result in _results(subject, start.id) if _after(result, start.id))


@collector("redis.results_before_cutover", "XRANGE {result_stream} from the cutover, of source " + SOURCE)
def decisions_before(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Return what the consumer has decided about entries from before the cutover."""
    cutover = needed_cutover(subject)["cutover_id"]
    old = (result["fields"] for result in _results(subject, cutover) if not _after(result, cutover))
    return {
        "decisions": [{key: fields.get(key) for key in ("intent_id", "status", "reason")} for fields in old]
    }


@collector("dead_letters.since_cutover", "XRANGE {dead_letter_stream} from the cutover")
def dead_letters(subject: Subject) -> list[dict[str, Any]]:
    """Return the dead letters written since the cutover: their own id, the original's, and why."""
    letters = _since(subject, "dead_letter_stream", start_of(subject).id)
    return [
        {
            "id": letter["id"],
            "original_id": letter.get("fields", {}).get("original_id"),
            "reason": letter.get("fields", {}).get("reason"),
        }
        for letter in letters
    ]


def start_of(subject: Subject) -> Start:
    """Return where to begin: where a person said, else the cutover, else the last verified accounting's end.

    The last is for a stream that was trimmed past the cutover: what came before is accounted for in evidence
    that is already signed.
    """
    options = subject.request.options
    if options.get("from_id"):
        return Start(str(options["from_id"]), options.get("entries_added_at_from"), "told")
    record = needed_cutover(subject)
    cutover = Start(str(record["cutover_id"]), record.get("entries_added"), "cutover")
    return cutover if _still_there(subject, cutover) else _accounted_to(subject, cutover) or cutover


def _still_there(subject: Subject, start: Start) -> bool:
    """Say whether nothing after `start` was trimmed away."""
    first = subject.redis.ask("XRANGE", subject.request.wanted("stream"), "-", "+", "COUNT", 1)
    return not first or _at_or_before(plain(first[0][0]), start.id)


def _accounted_to(subject: Subject, cutover: Start) -> Start | None:
    """Return where the last verified run's accounting ended, unless a later cutover made it void."""
    evidence = (record_of(subject, "verified.json") or {}).get("evidence", {})
    end = evidence.get("accounted_to")
    if not end or not end.get("id") or order_of(end["id"]) <= order_of(cutover.id):
        return None
    return Start(str(end["id"]), end.get("entries_added"), "verified")


def reaches_back(first_id: str | None, start_id: str, missing: int | None) -> bool:
    """Say whether the stream still holds its window: counted, else by an entry at or before the start."""
    if missing is not None:
        return missing == 0 or _at_or_before(first_id, start_id)
    return _at_or_before(first_id, start_id)


def by_intent(decided: Iterable[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Group decisions by the entry that they decide."""
    table: dict[str, list[dict[str, Any]]] = {}
    for decision in decided:
        fields = decision["fields"]
        table.setdefault(fields["intent_id"], []).append({"decision_id": decision["id"], "fields": fields})
    return table


def _at_or_before(first_id: str | None, start_id: str) -> bool:
    return first_id is not None and order_of(first_id) <= order_of(start_id)


def _after(decision: dict[str, Any], start_id: str) -> bool:
    return order_of(decision["fields"]["intent_id"]) > order_of(start_id)


def _results(subject: Subject, start_id: str) -> list[dict[str, Any]]:
    results = _since(subject, "result_stream", start_id)
    return [result for result in results if result.get("fields", {}).get("source") == SOURCE]


def _since(subject: Subject, which: str, start_id: str) -> list[dict[str, Any]]:
    """Read a stream whose ids are the same server's clock: nothing about an entry is older than the entry."""
    before = f"{max(order_of(start_id)[0] - 1, 0)}-{2**64 - 1}"
    results = list(subject.redis.entries_after(subject.request.wanted(which), before, "+", RESULT_LIMIT + 1))
    if len(results) > RESULT_LIMIT:
        raise ObserveError(
            f"{which} holds more than {RESULT_LIMIT} entries since {start_id}: give a later options.from_id"
        )
    return results


def _settled(subject: Subject, to_id: str) -> dict[str, Any]:
    """Wait until the group has nothing pending up to `to_id` and has been given it; say how that ended."""
    began = time.monotonic()
    while True:
        group = _group(subject)
        held = _pending_up_to(subject, to_id)
        delivered = order_of(group["last-delivered-id"]) >= order_of(to_id)
        waited_s = time.monotonic() - began
        if (delivered and not held) or waited_s >= SETTLE_S:
            return {
                "settled": delivered and not held,
                "waited_ms": round(waited_s * 1000),
                "last_delivered_id": group["last-delivered-id"],
                "pending_ids": held,
            }
        time.sleep(POLL_S)


def _group(subject: Subject) -> dict[str, Any]:
    name = subject.request.wanted("group")
    groups = map(named, subject.redis.ask("XINFO", "GROUPS", subject.request.wanted("stream")))
    wanted = next((group for group in groups if group["name"] == name), None)
    if wanted is None:
        raise AbsentError(f"the stream has no group {name}")
    return wanted


def _pending_up_to(subject: Subject, to_id: str) -> list[str]:
    request = subject.request
    rows = subject.redis.ask(
        "XPENDING", request.wanted("stream"), request.wanted("group"), "-", to_id, ENTRY_LIMIT
    )
    return [plain(row[0]) for row in rows]
