from __future__ import annotations

import pytest

from checks.report import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "not seen"),
        (0, "0 ms"),
        (0.25, "0.25 ms"),
        (3.4, "3 ms"),
        (1_800, "1.8 s"),
        (90_000, "1.5 min"),
    ],
)
def test_milliseconds_are_said_in_a_fitting_unit(value: float | None, said: str) -> None:
    assert words.milliseconds(value) == said


@pytest.mark.parametrize(
    ("value", "said"), [(None, "not seen"), (0, "0 bytes"), (2_048, "2.0 KiB"), (134_217_728, "128.0 MiB")]
)
def test_sizes_are_said_in_a_fitting_unit(value: float | None, said: str) -> None:
    assert words.size(value) == said


def test_a_part_of_nothing_is_not_a_percentage() -> None:
    assert words.percent(1, 0) == "not seen"


def test_a_digest_is_shortened_so_that_its_kind_can_be_read() -> None:
    assert words.short("sha256:" + "5f" * 32) == "sha256:5f5f5f5f5f5f…"


@pytest.mark.parametrize(
    ("value", "said"), [([], "none"), (["a", "b"], "a, b"), (True, "yes"), (None, "not seen")]
)
def test_values_are_said_in_words(value: object, said: str) -> None:
    assert words.text(value) == said
