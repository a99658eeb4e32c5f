"""Log lines: JSON, and without secrets wherever they stand."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import pytest

from consumer.base.log import Redaction, StartUp, configure, logger

if TYPE_CHECKING:
    from collections.abc import Callable

SECRET = "pl4nted-s3cret"


@pytest.fixture
def lines(capsys: pytest.CaptureFixture[str]) -> Callable[[], list[dict[str, Any]]]:
    configure("info", SECRET, None)

    def read() -> list[dict[str, Any]]:
        out = capsys.readouterr().out
        assert SECRET not in out
        return [json.loads(line) for line in out.splitlines()]

    return read


def test_a_line_has_event_level_and_a_time_in_utc(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger().info("reading", count=3)
    (line,) = lines()
    assert (line["event"], line["level"], line["count"], line["timestamp"][-1]) == ("reading", "info", 3, "Z")


def test_a_secret_is_taken_out_wherever_it_stands(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger().error(f"with {SECRET}", deep={"list": [f"x{SECRET}y"]}, url=f"redis://u:{SECRET}@h")
    (line,) = lines()
    assert line["deep"] == {"list": ["x<redacted>y"]}


def test_a_secret_in_a_traceback_is_taken_out(lines: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        int(SECRET)
    except ValueError:
        logger().exception("broke")
    assert "invalid literal for int() with base 10: '<redacted>'" in lines()[0]["exception"]


def test_what_a_library_logs_becomes_a_line_of_ours(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logging.getLogger("asyncio").error("task died with %s", SECRET)
    (line,) = lines()
    assert (line["event"], line["logger"], line["message"]) == (
        "library_log",
        "asyncio",
        "task died with <redacted>",
    )


@pytest.mark.parametrize("name", ["password", "api_key", "API_SECRET", "auth_token", "signature"])
def test_a_field_with_the_name_of_a_secret_is_redacted(name: str) -> None:
    assert Redaction()(None, "info", {name: "x"}) == {name: "<redacted>"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("redis://user:pass@host", "redis://user:<redacted>@host"),
        ("/order?a=1&signature=abc123&b=2", "/order?a=1&signature=<redacted>&b=2"),
        ("nothing secret: at all", "nothing secret: at all"),
    ],
)
def test_passwords_and_signatures_in_urls_are_taken_out(text: str, shown: str) -> None:
    assert Redaction().text(text) == shown


def test_nothing_below_the_level_is_logged(lines: Callable[[], list[dict[str, Any]]]) -> None:
    logger().debug("quiet")
    assert lines() == []


def test_the_start_up_is_kept_up_to_its_last_line() -> None:
    kept = StartUp()
    for event in ("starting", "reading", "dead_letter"):
        kept(None, "info", {"event": event})
    assert [line["event"] for line in kept.lines] == ["starting", "reading"]


def test_a_start_up_that_never_ends_is_not_kept_for_ever() -> None:
    kept = StartUp()
    for _ in range(1_000):
        kept(None, "info", {"event": "redis_away"})
    assert len(kept.lines) == StartUp.MOST
