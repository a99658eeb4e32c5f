from __future__ import annotations

from host.observe.accounting import by_intent, reaches_back


def test_a_stream_that_still_holds_the_start_is_whole() -> None:
    assert reaches_back("5-0", "5-0", missing=None)


def test_a_stream_trimmed_past_the_start_is_not_whole() -> None:
    assert not reaches_back("5-1", "5-0", missing=None)


def test_a_trimmed_stream_is_whole_when_all_that_was_added_is_there() -> None:
    assert reaches_back("5-1", "5-0", missing=0)


def test_an_entry_deleted_behind_the_start_leaves_the_stretch_whole_for_the_judge_to_miss_it() -> None:
    assert reaches_back("4-0", "5-0", missing=1)


def test_an_empty_stream_holds_no_start() -> None:
    assert not reaches_back(None, "5-0", missing=None)


def test_two_decisions_on_one_entry_stand_together() -> None:
    decisions = [{"id": f"9-{number}", "fields": {"intent_id": "5-1"}} for number in (1, 2)]
    assert [decision["decision_id"] for decision in by_intent(decisions)["5-1"]] == ["9-1", "9-2"]
