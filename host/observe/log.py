"""The container's log since it last started."""

from __future__ import annotations

import json
from collections import deque
from typing import TYPE_CHECKING, Any

from host.base.times import seconds_of
from host.observe.observation import collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from host.observe.subject import Subject

HEAD = 1000
TAIL = 1000
#: The engine notes the start a moment after the program may have written its first line.
EARLY_S = 1.0


@collector("container.log", "GET /containers/{container}/logs?timestamps=1&since=START")
def log(subject: Subject) -> dict[str, Any]:
    """Return the lines of the run that began at `since`: parsed, and those that are not JSON as they are.

    At most the first and the last thousand are kept; `left_out` counts the ones between.
    """
    details = subject.inspect(subject.request.wanted("container"))
    since = start_of_log(details["State"])
    chunks = subject.engine.logs(details["Id"], stream=True, follow=False, timestamps=True, since=since)
    kept, left_out = head_and_tail(lines_of(chunks))
    return {"since": details["State"]["StartedAt"], "left_out": left_out, **_sorted_out(kept)}


def start_of_log(state: dict[str, Any]) -> float:
    """Return when the run's log begins, in seconds: never before the previous run ended."""
    started = seconds_of(state["StartedAt"]) - EARLY_S
    return max(started, seconds_of(state["FinishedAt"]), 0.0)


def lines_of(chunks: Iterable[bytes]) -> Iterator[str]:
    """Join the engine's chunks to whole lines."""
    rest = b""
    for chunk in chunks:
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line.decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def head_and_tail(lines: Iterable[str]) -> tuple[list[str], int]:
    """Return the first and the last thousand lines, and how many were between."""
    head: list[str] = []
    tail: deque[str] = deque(maxlen=TAIL)
    left_out = 0
    for line in lines:
        if len(head) < HEAD:
            head.append(line)
        else:
            left_out += len(tail) == TAIL
            tail.append(line)
    return head + list(tail), left_out


def _sorted_out(lines: list[str]) -> dict[str, list[Any]]:
    parsed, unparsed = [], []
    for line in lines:
        at, _, text = line.partition(" ")
        event = _event(text)
        if event is None:
            unparsed.append({"at": at, "text": text})
        else:
            parsed.append({"at": at, **event})
    return {"lines": parsed, "unparsed": unparsed}


def _event(text: str) -> dict[str, Any] | None:
    try:
        event = json.loads(text)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
