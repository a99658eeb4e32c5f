from __future__ import annotations

from host.observe.log import HEAD, TAIL, head_and_tail, lines_of, start_of_log


def test_lines_are_joined_across_chunks() -> None:
    assert list(lines_of([b"one\ntw", b"o\nthr", b"ee"])) == ["one", "two", "three"]


def test_a_long_log_keeps_its_beginning_and_its_end() -> None:
    kept, left_out = head_and_tail(str(number) for number in range(HEAD + TAIL + 5))
    assert (kept[0], kept[HEAD - 1], kept[HEAD], left_out) == ("0", str(HEAD - 1), str(HEAD + 5), 5)


def test_a_short_log_is_kept_whole() -> None:
    assert head_and_tail(["a", "b"]) == (["a", "b"], 0)


def test_the_log_of_a_first_run_begins_a_moment_before_its_start() -> None:
    state = {"StartedAt": "1970-01-01T00:01:00Z", "FinishedAt": "0001-01-01T00:00:00Z"}
    assert start_of_log(state) == 59


def test_the_log_of_a_restart_holds_nothing_of_the_run_before() -> None:
    state = {"StartedAt": "1970-01-01T00:01:00Z", "FinishedAt": "1970-01-01T00:00:59.9Z"}
    assert start_of_log(state) == 59.9
