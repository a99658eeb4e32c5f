"""The validation checklist: what testinfra asserts after each deploy, and what that does to the verdict.

Each line is a name and a sentence. tests/checklist holds one function `test_<name>` per line; pytest's junit
file says how each went. One that did not run, was skipped or failed is a gating FAIL: silence is no success.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from checks.model import Finding, Verdict

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CHECKLIST: Mapping[str, str] = MappingProxyType(
    {
        "container_running": "The consumer's container is running, neither paused nor restarting.",
        "not_restarting": "It does not restart, and has not in the last ten minutes.",
        "healthy_by_progress": "It is healthy because its loop turns, Redis answers and its group exists.",
        "image_is_the_verified_one": "The image that runs is the verified one, by id and not by tag.",
        "code_is_the_verified_one": "The code inside the running container has the digest that was verified.",
        "settings_are_the_desired_ones": "The settings in effect, by its own word, are the desired ones.",
        "mode_is_safe_drain": "The consumer, asked at /state, says that it drains, at no venue.",
        "no_exchange_key": "No exchange key is in the container: not in its environment, not in a file.",
        "no_exchange_client": "No exchange client is loaded, and the import guard refuses one.",
        "no_published_port": "No port of the container is published on the host.",
        "root_filesystem_read_only": "The root filesystem is read-only.",
        "runs_as_non_root": "The process runs as its own user, not as root.",
        "no_capabilities": "All capabilities are dropped and new privileges are refused.",
        "restart_policy_unless_stopped": "A reboot brings it back: the restart policy is unless-stopped.",
        "memory_and_pids_limited": "Memory and the number of processes are limited as desired.",
        "on_the_right_network": "The container is on the stack's network and on no other.",
        "redis_reachable_by_consumer": "The consumer itself reaches Redis, with its own user.",
        "own_group_exists_and_is_used": "Its own consumer group exists and it reads from it.",
        "cutover_recorded_and_backlog_skipped": "The cutover is recorded, nothing before it was decided.",
        "proof_events_decided": "Proof events in every wire shape were decided, with the published fields.",
        "lag_is_zero": "The lag of its own group is a number, and that number is zero.",
        "every_entry_accounted_for": "Every entry since the cutover is there and decided exactly once.",
        "no_order_on_exchange": "Where an exchange's own record can be read, it shows no order.",
        "startup_log_complete": "The start-up log is complete, in order and from one run.",
        "secrets_are_0400": "Secrets are 0400 files of the consumer's user, in a root-only folder.",
        "no_secret_in_environment": "No secret is in the environment, or in a file that others may read.",
        "other_groups_untouched": "The cutover left the other groups of the stream where they stood.",
    }
)

ROW = "L"
_PHASE = "E"
_REMEDY = (
    "Read the message, repair what it names, and run the deploy again; it runs the whole checklist again."
)


_COMPARED = re.compile(r"assert (?P<is>.+?) (?:==|is) (?P<must>.+)")
_REFUSED = re.compile(r"assert not (?P<is>.+)")


class LineOutcome(StrEnum):
    """How one line of the checklist went. Only PASSED counts for it."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    MISSING = "missing"


_SEVERITY = {LineOutcome.PASSED: 0, LineOutcome.MISSING: 1, LineOutcome.SKIPPED: 2, LineOutcome.FAILED: 3}


@dataclass(frozen=True, slots=True)
class Line:
    """One line and its outcome; `message` says why it is not PASSED, `seconds` how long the test took."""

    id: str
    sentence: str
    outcome: LineOutcome
    message: str = ""
    seconds: float = 0.0


class ChecklistUnreadableError(Exception):
    """Raised when the junit file of the checklist is not what pytest writes."""


def read_junit(text: str) -> tuple[Line, ...]:
    """Turn pytest's junit file into the checklist's lines, then any test that the list does not know."""
    try:
        root = ET.fromstring(text)  # noqa: S314 - our own pytest wrote it in this run
    except ET.ParseError as error:
        raise ChecklistUnreadableError(f"The checklist's junit file is not XML: {error}.") from error
    ran: dict[str, Line] = {}
    for case in root.iter("testcase"):
        line = _line(case)
        ran[line.id] = max(ran.get(line.id, line), line, key=lambda seen: _SEVERITY[seen.outcome])
    return _complete(ran)


def nothing_ran() -> tuple[Line, ...]:
    """Give the checklist of a run in which pytest left no result at all."""
    return _complete({})


def findings(lines: Iterable[Line]) -> tuple[Finding, ...]:
    """Judge the checklist: one gating finding per line. No line passes for any reason but its own success."""
    return tuple(_finding(line) for line in lines)


def in_words(message: str) -> str:
    """Say in a sentence what pytest writes of an assertion that failed; anything else by its first line."""
    first = message.strip().partition("\n")[0].removeprefix("AssertionError: ")
    compared = _COMPARED.fullmatch(first)
    if compared:
        return f"it is {compared['is']}, and must be {compared['must']}"
    refused = _REFUSED.fullmatch(first)
    return f"there is {refused['is']}" if refused else first


def _complete(ran: Mapping[str, Line]) -> tuple[Line, ...]:
    expected = (ran.get(id_) or _missing(id_) for id_ in CHECKLIST)
    unlisted = (line for id_, line in ran.items() if id_ not in CHECKLIST)
    return (*expected, *unlisted)


def _missing(id_: str) -> Line:
    return Line(id_, CHECKLIST[id_], LineOutcome.MISSING, f"test_{id_} did not run.")


def _line(case: ET.Element) -> Line:
    id_ = case.get("name", "").removeprefix("test_").partition("[")[0]
    sentence = CHECKLIST.get(id_, "A test that the checklist does not name.")
    outcome, message = _outcome(case)
    return Line(id_, sentence, outcome, message, float(case.get("time", "0")))


def _outcome(case: ET.Element) -> tuple[LineOutcome, str]:
    for tag, outcome in (
        ("failure", LineOutcome.FAILED),
        ("error", LineOutcome.FAILED),
        ("skipped", LineOutcome.SKIPPED),
    ):
        element = case.find(tag)
        if element is not None:
            return outcome, element.get("message", "") or (element.text or "").strip()
    return LineOutcome.PASSED, ""


def _finding(line: Line) -> Finding:
    listed = line.id in CHECKLIST
    passed = line.outcome is LineOutcome.PASSED and listed
    actual = (
        line.outcome.value
        if passed
        else f"{line.outcome.value}: {in_words(line.message) or 'the list has no such line'}"
    )
    return Finding(
        check=f"L.{line.id}",
        row=ROW,
        phase=_PHASE,
        verdict=Verdict.PASS if passed else Verdict.FAIL,
        gates=True,
        claim=line.sentence,
        expected=f"test_{line.id} ran and passed"
        if listed
        else "every test is a line of checks/checklist.py",
        actual=actual,
        remedy="" if passed else _REMEDY,
    )
