"""Every entry since the accounting begins and what became of it, read so that nothing can fall between.

First the stream's end is fixed; then the group gets a moment to reach it; then what is still pending is read,
and the decisions last. An entry that is settled meanwhile stands in both lists, never in neither. Of a long
stretch the newest entries are listed, and some are drawn from the rest.
"""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING, Any

from host.observe.books import NEWEST, is_there, start_of
from host.observe.errors import NotThereError
from host.observe.observation import collector
from host.observe.records import needed_cutover
from host.observe.redis_link import PAGE, entry, named, order_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from host.observe.subject import Subject

SOURCE = "trade_intent_consumer"
LOST = "lost_trimmed"
SETTLE_S = 5.0
POLL_S = 0.1
#: So many are drawn from the entries that are too many to list.
DRAWN = 300
#: So long after a drawn entry its decision is looked for, in ms; among so many results for all together.
SEARCHED_MS, SEARCHED = 60_000, 300_000
_PENDING_PAGE = 10_000


@collector(
    "stream.entries_since_cutover",
    "XINFO STREAM {stream}; XINFO GROUPS, XPENDING until settled, at most 5 s; XREVRANGE {stream} TO (FROM",
)
def entries(subject: Subject) -> dict[str, Any]:
    """Return the entries from where the accounting begins to the stream's end as it was when this began.

    At most the newest 10,000: `from_id` is what they come after, `older` how many came before them and after
    `begins_id`. `first_id` is the oldest entry that the stream still holds, `intact` whether nothing of the
    stretch was trimmed away, `missing` how many were written in it and are gone (None where nobody counted).
    """
    link, key, start = subject.redis, subject.request.wanted("stream"), start_of(subject)
    about = link.table("XINFO", "STREAM", key)
    to_id = about["last-generated-id"]
    group = _settled(subject, to_id)
    newest = list(link.newest(key, start.id, to_id, NEWEST + 1))[::-1]
    is_long = len(newest) > NEWEST
    kept = newest[-NEWEST:]
    missing = None if start.added is None else about["entries-added"] - start.added - len(kept)
    first = link.ask("XRANGE", key, "-", "+", "COUNT", 1)
    first_id = plain(first[0][0]) if first else None
    whole = is_there(subject, start)
    return {
        "begins_id": start.id,
        "begins_at": start.because,
        "from_id": _before(kept[0]["id"]) if is_long else start.id,
        "to_id": to_id,
        "count": len(kept),
        "older": missing if is_long else 0,
        "first_id": first_id,
        "last_id": kept[-1]["id"] if kept else None,
        "entries": kept,
        "intact": whole if is_long else whole and reaches_back(first_id, start.id, missing),
        "entries_added": about["entries-added"],
        "entries_added_at_cutover": None if is_long else start.added,
        "missing": None if is_long else missing,
        "max_deleted_id": about.get("max-deleted-entry-id"),
        "group": group,
    }


@collector(
    "results.decisions", "XRANGE {result_stream} from where the accounting begins, of source " + SOURCE
)
def decisions(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Return the consumer's decisions on the listed entries and later ones, by intent id."""
    after = _listed_from(subject)
    return by_intent(result for result in _results(subject, after) if _after(result, after))


@collector("results.drawn", "XRANGE {stream} at times drawn by chance, then XRANGE {result_stream} from each")
def drawn(subject: Subject) -> list[dict[str, Any]]:
    """Draw entries from those too many to list, if any; return each with its decisions.

    Fewer are drawn where their decisions lie so far behind them that looking for them would take too long.
    """
    stretch = subject.seen.get("stream.entries_since_cutover") or {}
    if not stretch.get("older"):
        return []
    low, high = order_of(stretch["begins_id"])[0], order_of(stretch["from_id"])[0]
    chance, left = random.Random(subject.request.run_id), SEARCHED  # noqa: S311 - repeatable, not secret
    rows: dict[str, dict[str, Any]] = {}
    for at in (chance.randint(low + 1, max(high, low + 1)) for _ in range(DRAWN)):
        for drawn_entry in _first_from(subject, at, stretch["from_id"]):
            made, searched = _decisions_of(subject, drawn_entry["id"], left)
            left -= searched
            if left <= 0:
                return list(rows.values())
            rows[drawn_entry["id"]] = {"entry": drawn_entry, "decisions": made}
    return list(rows.values())


@collector("redis.results_before_cutover", "XRANGE {result_stream} from the cutover, of source " + SOURCE)
def decisions_before(subject: Subject) -> dict[str, list[dict[str, Any]]]:
    """Return what the consumer has decided about entries from before the cutover."""
    cutover = needed_cutover(subject)["cutover_id"]
    old = (result["fields"] for result in _results(subject, cutover) if not _after(result, cutover))
    return {
        "decisions": [{key: fields.get(key) for key in ("intent_id", "status", "reason")} for fields in old]
    }


@collector("dead_letters.since_cutover", "XRANGE {dead_letter_stream} from where the accounting begins")
def dead_letters(subject: Subject) -> list[dict[str, Any]]:
    """Return the dead letters on listed entries, and on any lost one: own id, the original's, and why."""
    after = _listed_from(subject)
    letters = (_letter(written) for written in _since(subject, "dead_letter_stream", after))
    return [letter for letter in letters if _is_of_the_stretch(letter, after)]


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


def _listed_from(subject: Subject) -> str:
    """Return the id that the listed entries come after."""
    stretch = subject.seen.get("stream.entries_since_cutover")
    return str(stretch["from_id"]) if stretch else start_of(subject).id


def _before(entry_id: str) -> str:
    """Return the greatest id below one."""
    milliseconds, sequence = order_of(entry_id)
    return f"{milliseconds}-{sequence - 1}" if sequence else f"{milliseconds - 1}-{2**64 - 1}"


def _first_from(subject: Subject, at: int, last_id: str) -> list[dict[str, Any]]:
    """Return the first entry from a time in ms on, if there is one up to `last_id`."""
    page = subject.redis.ask("XRANGE", subject.request.wanted("stream"), at, last_id, "COUNT", 1)
    return [entry(raw_id, flat) for raw_id, flat in page]


def _decisions_of(subject: Subject, entry_id: str, most: int) -> tuple[list[dict[str, Any]], int]:
    """Return the decisions on the first page that has one, within a minute, and how many were read."""
    at, key, searched = order_of(entry_id)[0], subject.request.wanted("result_stream"), 0
    made: list[dict[str, Any]] = []
    after = f"{at - 1}-{2**64 - 1}"
    while searched < most and not made:
        page = list(subject.redis.entries_after(key, after, str(at + SEARCHED_MS), PAGE))
        searched += len(page)
        own = (result for result in page if result.get("fields", {}).get("source") == SOURCE)
        made = by_intent(own).get(entry_id, [])
        if len(page) < PAGE:
            break
        after = page[-1]["id"]
    return made, searched


def _at_or_before(first_id: str | None, start_id: str) -> bool:
    return first_id is not None and order_of(first_id) <= order_of(start_id)


def _after(decision: dict[str, Any], start_id: str) -> bool:
    return order_of(decision["fields"]["intent_id"]) > order_of(start_id)


def _letter(written: dict[str, Any]) -> dict[str, Any]:
    fields = written.get("fields", {})
    return {"id": written["id"], "original_id": fields.get("original_id"), "reason": fields.get("reason")}


def _is_of_the_stretch(letter: dict[str, Any], after: str) -> bool:
    original, reason = letter["original_id"], str(letter["reason"])
    return not _is_id(original) or order_of(original) > order_of(after) or LOST in reason


def _is_id(text: Any) -> bool:
    return isinstance(text, str) and text.replace("-", "", 1).isdigit()


def _results(subject: Subject, start_id: str) -> Iterator[dict[str, Any]]:
    """Give our results; whoever else writes there is left out page by page, however much that is."""
    results = _since(subject, "result_stream", start_id)
    return (result for result in results if result.get("fields", {}).get("source") == SOURCE)


def _since(subject: Subject, which: str, start_id: str) -> Iterator[dict[str, Any]]:
    """Read a stream whose ids are the same server's clock: nothing about an entry is older than the entry."""
    before = f"{max(order_of(start_id)[0] - 1, 0)}-{2**64 - 1}"
    return subject.redis.entries_after(subject.request.wanted(which), before, "+")


def _settled(subject: Subject, to_id: str) -> dict[str, Any]:
    """Wait until the group has nothing pending up to `to_id` and has been given it; say how that ended."""
    began = time.monotonic()
    while True:
        group = _group(subject)
        held = _is_held(subject, to_id)
        delivered = order_of(group["last-delivered-id"]) >= order_of(to_id)
        waited_s = time.monotonic() - began
        if (delivered and not held) or waited_s >= SETTLE_S:
            return {
                "settled": delivered and not held,
                "waited_ms": round(waited_s * 1000),
                "last_delivered_id": group["last-delivered-id"],
                "pending_ids": list(_pending_up_to(subject, to_id)) if held else [],
            }
        time.sleep(POLL_S)


def _group(subject: Subject) -> dict[str, Any]:
    name = subject.request.wanted("group")
    groups = map(named, subject.redis.ask("XINFO", "GROUPS", subject.request.wanted("stream")))
    wanted = next((group for group in groups if group["name"] == name), None)
    if wanted is None:
        raise NotThereError(f"the stream has no group {name}")
    return wanted


def _is_held(subject: Subject, to_id: str) -> bool:
    """Say whether anything up to `to_id` is pending."""
    request = subject.request
    return bool(
        subject.redis.ask("XPENDING", request.wanted("stream"), request.wanted("group"), "-", to_id, 1)
    )


def _pending_up_to(subject: Subject, to_id: str) -> Iterator[str]:
    """Give what is pending up to `to_id`, page by page."""
    request, after = subject.request, "-"
    while True:
        rows = subject.redis.ask(
            "XPENDING", request.wanted("stream"), request.wanted("group"), after, to_id, _PENDING_PAGE
        )
        yield from (str(plain(row[0])) for row in rows)
        if len(rows) < _PENDING_PAGE:
            return
        after = f"({plain(rows[-1][0])}"
