from __future__ import annotations

from typing import Any

from host.observe.observation import collector, observe
from host.observe.request import PhaseRequest
from host.observe.subject import Subject


def broken() -> Any:
    raise ValueError("the tape tore")


def subject() -> Subject:
    return Subject(PhaseRequest("run", "A", {"stream": "intents"}))


def test_a_look_that_goes_well_carries_its_value_and_its_time() -> None:
    seen = observe("host.facts", "uname", lambda: {"kernel": "6"})
    assert (seen.ok, seen.value, seen.error) == (True, {"kernel": "6"}, None)
    assert seen.at.endswith("Z")
    assert seen.duration_ms >= 0


def test_a_look_that_raises_is_not_ok_and_says_why() -> None:
    seen = observe("host.facts", "uname", broken)
    assert (seen.ok, seen.value) == (False, None)
    assert seen.error == {"type": "ValueError", "message": "the tape tore"}


def test_an_error_without_words_is_still_named() -> None:
    def silent() -> Any:
        raise KeyError

    seen = observe("x", "y", silent)
    assert seen.error == {"type": "KeyError", "message": "KeyError()"}


def test_how_names_what_is_desired() -> None:
    look = collector("redis.groups", "XINFO GROUPS {stream} {group}")(lambda _: [])
    assert look.run(subject()).how == "XINFO GROUPS intents {group}"


def test_later_looks_see_what_went_well_and_nothing_else() -> None:
    seen_by = subject()
    collector("good", "x")(lambda _: 1).run(seen_by)
    collector("bad", "x")(lambda _: broken()).run(seen_by)
    assert seen_by.seen == {"good": 1}


def test_a_shared_look_that_failed_is_not_tried_again() -> None:
    tries: list[int] = []

    def look() -> Any:
        tries.append(1)
        return broken()

    shared = subject()
    for _ in range(2):
        assert not observe("image.files", "probe", lambda: shared.once("probe", look)).ok
    assert tries == [1]


def test_a_look_that_was_begun_before_is_waited_for() -> None:
    looked = subject()
    looked.begin("window", lambda _: ["sample"])
    assert looked.ended("window", lambda _: []) == ["sample"]


def test_a_look_that_was_not_begun_is_taken_now() -> None:
    assert subject().ended("window", lambda _: ["now"]) == ["now"]


def test_a_look_that_failed_in_the_background_fails_where_it_is_asked_for() -> None:
    looked = subject()
    looked.begin("window", lambda _: broken())
    seen = observe("container.window", "x", lambda: looked.ended("window", lambda _: []))
    assert seen.error == {"type": "ValueError", "message": "the tape tore"}
