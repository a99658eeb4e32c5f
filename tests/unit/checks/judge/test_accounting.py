"""Each entry is in one place of the books only, and what nobody can know is not booked as gone."""

from __future__ import annotations

from typing import Any

import pytest

from checks.judge.accounting import Accounting, account

IDS = ("1000-0", "1000-1", "2000-0", "10000-0")


def stretch(ids: tuple[str, ...] = IDS, **changes: Any) -> dict[str, Any]:
    return {
        "from_id": "900-0",
        "to_id": "10000-0",
        "count": len(ids),
        "entries": [{"id": id_, "fields": {}} for id_ in ids],
        "intact": True,
        "entries_added": 104,
        "entries_added_at_cutover": 100,
        "max_deleted_id": "0-0",
        "group": {"pending_ids": []},
    } | changes


def decided(*ids: str) -> dict[str, list[dict[str, Any]]]:
    return {id_: [{"decision_id": "1-0"}] for id_ in ids}


def letter(original: str | None, reason: str | None) -> dict[str, Any]:
    return {"id": "1-0", "original_id": original, "reason": reason}


def settled(books: Accounting) -> bool:
    wrong = (books.duplicated, books.missing, books.lost, books.vanished, books.unexplained, books.deleted)
    return not any(wrong)


def test_decided_and_pending_entries_balance() -> None:
    books = account(stretch(group={"pending_ids": ["10000-0"]}), decided(*IDS[:3]), [])

    assert settled(books)
    assert (books.entries, books.decided, books.pending) == (4, IDS[:3], ("10000-0",))


def test_an_entry_settled_while_we_looked_counts_as_decided() -> None:
    books = account(stretch(group={"pending_ids": ["10000-0"]}), decided(*IDS), [])

    assert (len(books.decided), books.pending) == (4, ())


def test_ids_are_ordered_as_numbers() -> None:
    books = account(stretch(), {id_: [{}, {}] for id_ in IDS}, [])

    assert books.duplicated == IDS


def test_what_is_neither_decided_nor_pending_is_missing() -> None:
    assert account(stretch(), decided(*IDS[1:]), []).missing == ("1000-0",)


def test_a_lost_entry_is_lost_and_not_vanished() -> None:
    kept = stretch(IDS[1:], count=3, entries_added=103)

    books = account(kept, decided(*IDS[1:]), [letter("1000-0", "lost_trimmed")])

    assert (books.lost, books.vanished, books.missing) == (("1000-0",), (), ())


def test_a_dead_letter_of_an_invalid_entry_changes_nothing() -> None:
    books = account(stretch(), decided(*IDS), [letter("1000-0", "INVALID_JSON:bad")])

    assert settled(books)


@pytest.mark.parametrize("strange", [letter(None, None), letter(None, "x"), letter("1000-0", None)])
def test_letters_that_others_wrote_do_not_break_the_books(strange: dict[str, Any]) -> None:
    assert settled(account(stretch(), decided(*IDS), [strange]))


def test_a_decided_entry_that_stands_no_longer_in_the_stream_vanished() -> None:
    kept = stretch(IDS[:2] + IDS[3:], entries_added=103)

    assert account(kept, decided(*IDS), []).vanished == ("2000-0",)


def test_an_undecided_entry_that_is_gone_is_seen_by_the_servers_count() -> None:
    books = account(stretch(IDS[:3], to_id="10000-0"), decided(*IDS[:3]), [])

    assert (books.vanished, books.unexplained) == ((), 1)


def test_more_entries_than_were_added_mean_a_start_before_the_end() -> None:
    assert account(stretch(entries_added=102), decided(*IDS), []).unexplained == -2


def test_a_deletion_within_the_stretch_is_remembered_by_the_server() -> None:
    assert account(stretch(max_deleted_id="950-0"), decided(*IDS), []).deleted
    assert not account(stretch(max_deleted_id="899-0"), decided(*IDS), []).deleted


def test_what_was_trimmed_away_in_front_did_not_vanish() -> None:
    trimmed = stretch(IDS[2:], intact=False)

    books = account(trimmed, decided(*IDS), [])

    assert not books.intact
    assert (books.vanished, books.unexplained) == ((), 0)


def test_behind_the_trimmed_front_an_entry_can_still_vanish() -> None:
    trimmed = stretch((IDS[1], IDS[3]), intact=False)

    assert account(trimmed, decided(*IDS), []).vanished == ("2000-0",)


def test_a_count_that_differs_from_what_is_there_is_not_intact() -> None:
    assert not account(stretch(count=5), decided(*IDS), []).intact


def test_without_a_count_at_the_start_nothing_is_unexplained() -> None:
    assert account(stretch(entries_added_at_cutover=None), decided(*IDS), []).unexplained == 0
