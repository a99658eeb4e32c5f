"""Where the accounting begins, by what is still there: after a day, a trim, a flood of others' results."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from host.observe import accounting, books

from .conftest import GROUP, STREAM
from .test_redis import RESULTS, add, read_and_settle, value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from host.observe.subject import Subject


class CutOverHost:
    """A group that was cut over, and the records of a host."""

    def __init__(self, with_redis: Callable[..., Subject], folder: Path) -> None:
        self._with_redis, self._releases = with_redis, folder / "releases"
        self._releases.mkdir()
        subject = with_redis()
        self.cutover = add(subject)
        subject.redis.ask("XGROUP", "CREATE", STREAM, GROUP, "$")
        self.keep("cutover.json", {"cutover_id": self.cutover, "entries_added": 1})
        self.subject = subject

    def keep(self, name: str, record: dict[str, Any]) -> None:
        (self._releases / name).write_text(json.dumps(record))

    def publish(self, count: int) -> list[str]:
        ids = [add(self.subject) for _ in range(count)]
        read_and_settle(self.subject, count)
        return ids

    def trim(self, length: int) -> None:
        self.subject.redis.ask("XTRIM", STREAM, "MAXLEN", length)

    def start(self, **options: Any) -> tuple[str, str]:
        start = books.start_of(self._with_redis(**options))
        return start.because, start.id

    def stretch(self, **options: Any) -> dict[str, Any]:
        return dict(value(accounting.entries, self._with_redis(**options)))


@pytest.fixture
def host(with_redis: Callable[..., Subject], tmp_path: Path) -> CutOverHost:
    return CutOverHost(with_redis, tmp_path)


def test_as_long_as_all_is_there_it_begins_at_the_cutover(host: CutOverHost) -> None:
    ids = host.publish(3)
    host.keep("books.json", {"id": ids[1], "entries_added": 3})
    assert host.start() == ("cutover", host.cutover)


def test_where_the_cutover_is_trimmed_away_it_begins_where_the_books_were_closed(host: CutOverHost) -> None:
    ids = host.publish(5)
    host.keep("books.json", {"id": ids[2], "entries_added": 4})
    host.trim(3)
    assert host.start() == ("closed", ids[2])
    assert host.stretch()["intact"]


def test_books_from_before_a_later_cutover_are_void(host: CutOverHost) -> None:
    host.keep("books.json", {"id": "1-0", "entries_added": 0})
    host.publish(3)
    assert host.start() == ("cutover", host.cutover)


def test_a_stretch_too_long_to_list_begins_where_the_books_were_closed(
    host: CutOverHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "NEWEST", 3)
    ids = host.publish(5)
    host.keep("books.json", {"id": ids[2], "entries_added": 4})
    assert host.start() == ("closed", ids[2])


def switched(delivered_id: str, state: str = "done") -> dict[str, Any]:
    detail = {"delivered_id": delivered_id, "entries_read": None}
    return {"state": state, "release": None, "steps": [{"name": "cutover", "result": "ok", "detail": detail}]}


def test_a_release_answers_for_what_it_was_given_not_for_the_one_before(host: CutOverHost) -> None:
    ids = host.publish(6)
    host.keep("switch.json", switched(ids[3]))
    host.keep("books.json", {"id": ids[1], "entries_added": 3})
    assert host.start() == ("switch", ids[3])


def test_a_switch_that_was_taken_back_is_no_beginning(host: CutOverHost) -> None:
    ids = host.publish(6)
    host.keep("switch.json", switched(ids[3], "rolled_back"))
    assert host.start() == ("cutover", host.cutover)


def test_where_all_that_is_known_is_trimmed_away_it_begins_with_what_is_there(
    host: CutOverHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "MARGIN", 2)
    ids = host.publish(8)
    host.keep("books.json", {"id": ids[0], "entries_added": 2})
    host.trim(5)
    assert host.start() == ("trimmed", ids[4])
    assert [entry["id"] for entry in host.stretch()["entries"]] == ids[5:]
    assert host.stretch()["intact"]


def test_results_that_were_trimmed_count_like_entries(host: CutOverHost) -> None:
    host.publish(4)
    assert host.start() == ("cutover", host.cutover)
    newest = add(host.subject, RESULTS, source="another")
    host.subject.redis.ask("XTRIM", RESULTS, "MINID", newest)
    assert host.start() == ("trimmed", newest)


def test_a_flood_of_others_results_is_read_past(host: CutOverHost) -> None:
    ids = host.publish(2)
    pipe = "for i = 1, 90000 do redis.call('XADD', KEYS[1], '*', 'source', 'another') end"
    host.subject.redis.ask("EVAL", pipe, 1, RESULTS)
    host.publish(1)
    assert len(value(accounting.decisions, host.subject)) == len(ids) + 1


def test_of_a_long_stretch_the_newest_are_listed_and_some_of_the_rest_drawn(
    host: CutOverHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "NEWEST", 10)
    ids = host.publish(40)
    stretch = host.stretch()
    assert [entry["id"] for entry in stretch["entries"]] == ids[-10:]
    assert (stretch["older"], stretch["intact"], stretch["begins_at"]) == (30, True, "cutover")
    host.subject.seen["stream.entries_since_cutover"] = stretch
    drawn = value(accounting.drawn, host.subject)
    assert drawn
    assert {row["entry"]["id"] for row in drawn} <= set(ids[:-10])
    assert all(len(row["decisions"]) == 1 for row in drawn)
    assert set(value(accounting.decisions, host.subject)) == set(ids[-10:])


def test_more_pending_than_a_page_is_listed_to_its_end(
    host: CutOverHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounting, "SETTLE_S", 0.0)
    monkeypatch.setattr(accounting, "_PENDING_PAGE", 2)
    ids = [add(host.subject) for _ in range(5)]
    host.subject.redis.ask("XREADGROUP", "GROUP", GROUP, "me", "STREAMS", STREAM, ">")
    assert host.stretch()["group"]["pending_ids"] == ids
