"""How the consumer was deployed, how it performs, and how long the deploy took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checks.judge.times import unix_ms
from checks.report import accounts, words
from checks.report.pipeline import Bar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from checks.evidence.bundle import Timing
    from checks.report.seen import Seen


@dataclass(frozen=True, slots=True)
class ContainerSetting:
    """One property of the container: what was desired, and what the engine says it is."""

    name: str
    desired: str
    reported: str


def container(seen: Seen, desired: Mapping[str, Any]) -> tuple[ContainerSetting, ...]:
    """Set the container as created beside the container as desired."""
    runtime, inspect = desired.get("runtime") or {}, seen.last("container.inspect", "ED") or {}
    networks = list(inspect["networks"]) if inspect.get("networks") is not None else None
    return (
        ContainerSetting(
            "image", words.short((desired.get("image") or {}).get("id")), words.short(inspect.get("image_id"))
        ),
        ContainerSetting("command", "python3 -m consumer", _command(inspect)),
        ContainerSetting("network", words.text(runtime.get("networks")), words.text(networks)),
        ContainerSetting(
            "published ports",
            words.text(runtime.get("published_ports")),
            words.text(inspect.get("published")),
        ),
        ContainerSetting("user", words.text(runtime.get("user")), words.text(inspect.get("user"))),
        ContainerSetting(
            "root filesystem read-only",
            words.text(runtime.get("read_only")),
            words.text(inspect.get("read_only")),
        ),
        ContainerSetting(
            "capabilities dropped", words.text(runtime.get("cap_drop")), words.text(inspect.get("cap_drop"))
        ),
        ContainerSetting(
            "memory limit", words.size(runtime.get("memory_bytes")), words.size(inspect.get("memory"))
        ),
        ContainerSetting(
            "processes limit", words.text(runtime.get("pids_limit")), words.text(inspect.get("pids_limit"))
        ),
        ContainerSetting(
            "restart policy",
            words.text(runtime.get("restart_policy")),
            words.text(inspect.get("restart_policy")),
        ),
        ContainerSetting("mounts", words.text(runtime.get("binds")), words.text(inspect.get("binds"))),
    )


def performance(seen: Seen) -> tuple[tuple[str, str], ...]:
    """Give what the run measured of the consumer's cost; latency stands with the pipeline."""
    limit = seen.last("container.inspect", "ED") or {}
    used = seen("E:container.stats", "memory_bytes")
    share = (
        f" ({words.percent(used, limit['memory'])} of its limit)"
        if used is not None and limit.get("memory")
        else ""
    )
    return (
        ("memory", words.size(used) + share),
        ("CPU", words.percent(seen("E:container.stats", "cpu_percent"), 100)),
        ("image size", words.size(seen("B:image.inspect", "size"))),
        ("start-up, first log line to reading", words.milliseconds(_startup_ms(seen))),
        ("decisions per second, over all counted entries", _rate(seen)),
        ("restarts", words.text(seen.last("container.inspect", "ED") and limit.get("restart_count"))),
    )


def timings(steps: Sequence[Timing], switch: Mapping[str, Any] | None) -> tuple[Bar, ...]:
    """Draw the steps of the run against the longest of them; the switch's own steps stand below it."""
    rows = [row for step in steps for row in ((step.step, step.seconds), *_within(step.step, switch))]
    longest = max((took for _, took in rows), default=0)
    return tuple(
        Bar(name, words.seconds(took), round(100 * took / longest, 1) if longest else 0)
        for name, took in rows
    )


def _within(step: str, switch: Mapping[str, Any] | None) -> Iterable[tuple[str, float]]:
    """Give the steps that the switch took on the target, by its own record."""
    if step == "switch" and switch is not None:
        for part in switch.get("steps") or ():
            if part.get("finished"):
                took_ms = unix_ms(part["finished"]) - unix_ms(part["at"])
                yield f"switch: {part['name']}", took_ms / 1_000


def total(steps: Iterable[Timing]) -> str:
    """Add up the steps of the run."""
    return words.seconds(sum(step.seconds for step in steps))


def _command(inspect: Mapping[str, Any]) -> str:
    parts = [*(inspect.get("entrypoint") or ()), *(inspect.get("cmd") or ())]
    return " ".join(parts) if inspect else words.NOT_SEEN


def _startup_ms(seen: Seen) -> float | None:
    starting, reading = (accounts.log_time(seen, event) for event in ("starting", "reading"))
    return None if starting is None or reading is None else unix_ms(reading) - unix_ms(starting)


def _rate(seen: Seen) -> str:
    waited = accounts.durations(seen)
    times = sorted(int(id_.partition("-")[0]) for id_ in waited)
    span_s = (times[-1] - times[0]) / 1_000 if times else 0
    return f"{len(times) / span_s:,.1f} as published, not a limit" if span_s else words.NOT_SEEN
