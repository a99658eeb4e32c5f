from __future__ import annotations

import pytest

from host.base.times import seconds_of, utc_text


def test_milliseconds_are_written_in_utc_with_z() -> None:
    assert utc_text(1795363200123) == "2026-11-22T16:00:00.123Z"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:01Z", 1.0),
        ("1970-01-01T00:00:01.5Z", 1.5),
        ("1970-01-01T00:00:01.123456789Z", 1.123456),
        ("1970-01-01T01:00:01.25+01:00", 1.25),
    ],
)
def test_the_engines_times_are_read_with_any_number_of_digits(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


def test_the_engines_word_for_never_lies_before_everything() -> None:
    assert seconds_of("0001-01-01T00:00:00Z") < 0
