from __future__ import annotations

import re

import pytest

from consumer.live.orders import ids

ORIGIN, BODY = "1766602892766-0", "ab" * 32


def test_an_id_depends_on_intent_leg_and_attempt_alone() -> None:
    assert ids.client_id(ORIGIN, BODY, "e") == ids.client_id(ORIGIN, BODY, "e")


def test_an_id_never_changes_between_versions() -> None:
    # What is journaled today is asked for by tomorrow's build.
    assert ids.client_id("1766602892766-0", "ab" * 32, "s", 2) == "timpz5f6drllsnrakj4fr3tqvrs2"


def test_every_leg_and_attempt_has_its_own_id() -> None:
    made = {ids.client_id(ORIGIN, BODY, leg, attempt) for leg in ids.LEGS for attempt in range(20)}
    assert len(made) == 6 * 20


@pytest.mark.parametrize(("origin", "body"), [("1766602892766-1", BODY), (ORIGIN, "ac" * 32)])
def test_another_intent_has_other_ids(origin: str, body: str) -> None:
    assert ids.stem(origin, body) != ids.stem(ORIGIN, BODY)


def test_where_origin_ends_and_body_begins_is_part_of_the_id() -> None:
    assert ids.stem("1-01", "1") != ids.stem("1-0", "11")


@pytest.mark.parametrize("leg", ids.LEGS)
@pytest.mark.parametrize("attempt", [0, 999_999_999])
def test_an_id_is_within_what_the_exchange_takes(leg: ids.Leg, attempt: int) -> None:
    made = ids.client_id(ORIGIN, BODY, leg, attempt)
    assert re.fullmatch(r"ti[A-Za-z0-9_-]{1,34}", made)


@pytest.mark.parametrize("leg", ids.LEGS)
@pytest.mark.parametrize("attempt", [0, 7, 999_999_999])
def test_an_id_can_be_taken_apart(leg: ids.Leg, attempt: int) -> None:
    made = ids.client_id(ORIGIN, BODY, leg, attempt)
    assert ids.own(made) == (ids.stem(ORIGIN, BODY), leg, attempt)


@pytest.mark.parametrize(
    "text",
    ["", "x-Cb7ytekJ0123456789", "autoclose-1", "ti", "tie0", "ti" + "a" * 24 + "z0", "ti" + "a" * 24 + "e",
     "ti" + "a" * 24 + "e1000000000",
     "ti" + "A" * 24 + "e0", "ti" + "a" * 24 + "e0\n", "ti" + "a" * 24 + "e٣"],
)  # fmt: skip # a table, or a call that is read as one
def test_what_is_not_ours_is_not_taken_apart(text: str) -> None:
    assert ids.own(text) is None


@pytest.mark.parametrize(("leg", "attempt"), [("q", 0), ("", 0), ("e", -1), ("e", 1_000_000_000)])
def test_there_is_no_such_leg_or_attempt(leg: ids.Leg, attempt: int) -> None:
    with pytest.raises(ValueError, match="there is no leg"):
        ids.client_id(ORIGIN, BODY, leg, attempt)
