import json
from itertools import pairwise

from sandbox.stream.history import CURSOR_ID, ENTRIES_LEFT, LAST_ID, backlog


def milliseconds(stream_id: str) -> tuple[int, int]:
    at_ms, sequence = stream_id.split("-")
    return int(at_ms), int(sequence)


def test_the_backlog_is_as_long_as_what_was_left() -> None:
    assert sum(1 for _ in backlog()) == ENTRIES_LEFT


def test_ids_rise_strictly_so_that_redis_takes_them() -> None:
    ids = [milliseconds(stream_id) for stream_id, _ in backlog()]
    assert all(earlier < later for earlier, later in pairwise(ids))


def test_the_cursor_stands_among_the_entries_so_that_the_lag_is_unknown() -> None:
    ids = [milliseconds(stream_id) for stream_id, _ in backlog()]
    assert ids[0] < milliseconds(CURSOR_ID) < ids[-1]


def test_the_last_two_are_twins_two_milliseconds_apart() -> None:
    *_, first, second = backlog()
    assert (first[0], second[0]) == ("1766594572012-0", LAST_ID)
    assert [fields["source"] for _, fields in (first, second)] == ["ai-engine", "trading-bot"]
    assert {json.loads(fields["payload"])["symbol"] for _, fields in (first, second)} == {"CFXUSDT"}
