"""Where the accounting begins: entries up to there are accounted for, or nobody can know of them any more."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from host.base.records import read_json
from host.observe.records import needed_cutover, record_of
from host.observe.redis_link import order_of, plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.observe.subject import Subject

#: So many entries are listed at most, the newest; of what is older a sample is drawn.
NEWEST = 10_000


@dataclass(frozen=True)
class Start:
    """Entries after `id` are accounted for; `added` had ever been written by then, None where nobody counted.

    `because` is `cutover`; `closed`, where the last run that passed closed the books; `switch`, what the
    group had been given when this release began; `run`, where this run began; or `told`, by a person.
    """

    id: str
    added: int | None
    because: str


def start_of(subject: Subject) -> Start:
    """Return where to begin; looked up once for all that account.

    A person's word comes first, then the cutover as long as everything since then can be listed, then the end
    of what was accounted for before. A deploy is judged by the release that it deploys: where producers have
    trimmed what came before, it begins at the switch, and the report says what was given up. A verification
    does not give up.
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
    record = needed_cutover(subject)
    cutover = Start(str(record["cutover_id"]), record.get("entries_added"), "cutover")
    closed = _closed(subject, cutover)
    if closed is None or (_is_short(subject, cutover) and is_there(subject, cutover)):
        first, later = cutover, closed
    else:
        first, later = closed, cutover
    known = [start for start in (first, later) if start]
    if options.get("gives_up"):
        known += _given_up_to(subject, cutover)
    return next((start for start in known if is_there(subject, start)), first)


def _closed(subject: Subject, cutover: Start) -> Start | None:
    """Return where the books were closed, unless a later cutover made it void."""
    evidence = (record_of(subject, "verified.json") or {}).get("evidence", {})
    ends = [read_json(subject.state.books) or {}, evidence.get("accounted_to") or {}]
    valid = [end for end in ends if end.get("id") and order_of(end["id"]) > order_of(cutover.id)]
    if not valid:
        return None
    end = max(valid, key=lambda end: order_of(end["id"]))
    return Start(str(end["id"]), end.get("entries_added"), "closed")


def _given_up_to(subject: Subject, cutover: Start) -> Iterator[Start]:
    """Give the later places from which a deploy may account: its switch, and its own beginning."""
    steps = (record_of(subject, "switch.json") or {}).get("steps", [])
    details = (step["detail"] for step in steps if step["name"] == "cutover" and step["result"] == "ok")
    delivered: dict[str, Any] = next(details, {})
    run = subject.request.options["gives_up"]
    places = (
        Start(str(delivered.get("delivered_id") or ""), delivered.get("entries_read"), "switch"),
        Start(str(run["id"]), run.get("entries_added"), "run"),
    )
    yield from (place for place in places if place.id and order_of(place.id) >= order_of(cutover.id))


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
    about = subject.redis.table("XINFO", "STREAM", subject.request.wanted("result_stream"))
    return bool(about["entries-added"] == about["length"])


def _first_id(subject: Subject, which: str) -> str | None:
    first = subject.redis.ask("XRANGE", subject.request.wanted(which), "-", "+", "COUNT", 1)
    return str(plain(first[0][0])) if first else None
