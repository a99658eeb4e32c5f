"""Where the accounting begins: entries up to there are accounted for, or nobody can know of them any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.observe.records import needed_cutover, record_of
from host.observe.redis_link import order_of, plain

if TYPE_CHECKING:
    from host.observe.subject import Subject

#: So many entries are listed at most, the newest; of what is older a sample is drawn.
NEWEST = 10_000
#: So many of the oldest are left out where a stream is being trimmed.
MARGIN = 500


@dataclass(frozen=True)
class Start:
    """Entries after `id` are accounted for; `added` had ever been written by then, None where nobody counted.

    `because` is `cutover`; `switch`, what the group had been given when this release began; `closed`, where
    the last run that passed closed the books; `trimmed`, where what is still there begins; or `told`, by a
    person.
    """

    id: str
    added: int | None
    because: str


def start_of(subject: Subject) -> Start:
    """Return where to begin; looked up once for all that account.

    A person's word comes first. Else a release answers for what it was given: from the cutover or its own
    switch on, as long as all of that can be listed, then from where the books were closed. Where producers
    have trimmed even that, it begins with what is still there, and the report says what was given up.
    """
    start: Start = subject.once("start of the accounting", lambda: _start_of(subject))
    return start


def is_there(subject: Subject, start: Start) -> bool:
    """Say whether nothing after `start` was trimmed away, of the entries or of the results."""
    return _entries_reach(subject, start) and _results_reach(subject, start)


def _start_of(subject: Subject) -> Start:
    options = subject.request.options
    if options.get("from_id"):
        return Start(str(options["from_id"]), options.get("entries_added_at_from"), "told")
    first = _beginning(subject)
    if _is_short(subject, first) and is_there(subject, first):
        return first
    known = (start for start in (_closed(subject, first), first) if start)
    return next((start for start in known if is_there(subject, start)), _still_there(subject, first))


def _beginning(subject: Subject) -> Start:
    """Return where the release that runs began: at its switch, or at the cutover if that came later."""
    record = needed_cutover(subject)
    cutover = Start(str(record["cutover_id"]), record.get("entries_added"), "cutover")
    switch = record_of(subject, "switch.json") or {}
    is_ours = (switch.get("state"), switch.get("release")) == ("done", subject.request.desired.get("release"))
    steps = switch.get("steps", []) if is_ours else []
    details = (step["detail"] for step in steps if step["name"] == "cutover" and step["result"] == "ok")
    delivered: dict[str, Any] = next(details, {})
    began = delivered.get("delivered_id")
    if not began or order_of(began) <= order_of(cutover.id):
        return cutover
    return Start(str(began), delivered.get("entries_read"), "switch")


def _closed(subject: Subject, first: Start) -> Start | None:
    """Return where the books were closed, unless a later beginning made it void."""
    evidence = (record_of(subject, "verified.json") or {}).get("evidence", {})
    ends = [read_json(subject.state.books) or {}, evidence.get("accounted_to") or {}]
    valid = [end for end in ends if end.get("id") and order_of(end["id"]) > order_of(first.id)]
    if not valid:
        return None
    end = max(valid, key=lambda end: order_of(end["id"]))
    return Start(str(end["id"]), end.get("entries_added"), "closed")


def _still_there(subject: Subject, first: Start) -> Start:
    """Return a place a little behind the oldest entry and result, for both are trimmed on meanwhile."""
    oldest = [first.id, *(_a_little_behind(subject, which) for which in ("stream", "result_stream"))]
    return Start(max(oldest, key=order_of), None, "trimmed")


def _a_little_behind(subject: Subject, which: str) -> str:
    """Return the id of an entry that many stand before, or of the oldest; 0-0 where nothing was trimmed."""
    if _first_id(subject, which) is None or not _is_trimmed(subject, which):
        return "0-0"
    page = subject.redis.ask("XRANGE", subject.request.wanted(which), "-", "+", "COUNT", MARGIN)
    return str(plain(page[-1 if len(page) == MARGIN else 0][0]))


def _is_trimmed(subject: Subject, which: str) -> bool:
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted(which))
    return bool(about["entries-added"] != about["length"])


def _is_short(subject: Subject, start: Start) -> bool:
    if start.added is None:
        return True
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted("stream"))
    return bool(about["entries-added"] - start.added <= NEWEST)


def _entries_reach(subject: Subject, start: Start) -> bool:
    first = _first_id(subject, "stream")
    return first is None or order_of(first) <= order_of(start.id) or _nothing_missing(subject, start)


def _nothing_missing(subject: Subject, start: Start) -> bool:
    """Say whether all that was added since `start` is there: nothing older ever was, or was trimmed alone."""
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted("stream"))
    return start.added is not None and about["entries-added"] - start.added <= about["length"]


def _results_reach(subject: Subject, start: Start) -> bool:
    """Say whether the results go back to `start`: their ids are the same server's clock."""
    first = _first_id(subject, "result_stream")
    if first is None or order_of(first)[0] <= order_of(start.id)[0]:
        return True
    return not _is_trimmed(subject, "result_stream")


def _first_id(subject: Subject, which: str) -> str | None:
    first = subject.redis.ask("XRANGE", subject.request.wanted(which), "-", "+", "COUNT", 1)
    return str(plain(first[0][0])) if first else None
