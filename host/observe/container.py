"""The consumer's container: as it was created, what is in it, what runs in it, whether it holds still."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from host.base.times import now_ms, utc_text
from host.observe.archive import files_of
from host.observe.engine import published
from host.observe.environment import shown
from host.observe.errors import NotThereError
from host.observe.made import unlike_made
from host.observe.observation import collector

if TYPE_CHECKING:
    from collections.abc import Iterator

    from host.observe.subject import Subject

CODE_FOLDER = "/app/consumer"
CHANGE_KINDS = ("changed", "added", "deleted")
SAMPLE_S = 0.5
DEFAULT_WINDOW_S = 5.0
NANOSECONDS = 1_000_000_000


@collector("container.current", "GET /containers/{container}/json")
def current(subject: Subject) -> dict[str, Any] | None:
    """Describe the consumer's container before anything is changed; None when there is none.

    `unlike_made` names in what it is not as a deploy made it.
    """
    try:
        details = subject.inspect(subject.request.wanted("container"))
    except NotThereError:
        return None
    return {**described(details), "unlike_made": unlike_made(subject, details)}


@collector("container.inspect", "GET /containers/{container}/json")
def inspected(subject: Subject) -> dict[str, Any]:
    """Describe the consumer's container as the engine created it and as it is now."""
    return described(subject.inspect(subject.request.wanted("container")))


@collector("container.files", "GET /containers/{container}/archive?path=" + CODE_FOLDER)
def files(subject: Subject) -> list[dict[str, Any]]:
    """List the code that lies in the running container, with its digests."""
    chunks, _ = subject.engine.get_archive(subject.request.wanted("container"), CODE_FOLDER)
    return files_of(chunks, CODE_FOLDER.rpartition("/")[0])


@collector("container.changes", "GET /containers/{container}/changes")
def changes(subject: Subject) -> list[dict[str, str]]:
    """List what differs from the image on the container's own layer."""
    changed = subject.engine.diff(subject.request.wanted("container")) or []
    return [{"path": change["Path"], "kind": CHANGE_KINDS[change["Kind"]]} for change in changed]


@collector("container.processes", "GET /containers/{container}/top?ps_args=-eo pid,uid,args")
def processes(subject: Subject) -> list[dict[str, str]]:
    """List the processes in the container, as the host's ps sees them."""
    table = subject.engine.top(subject.request.wanted("container"), "-eo pid,uid,args")
    titles = [title.lower() for title in table["Titles"]]
    return [dict(zip(titles, row, strict=True)) for row in table["Processes"]]


@collector("container.window", "GET /containers/{container}/json every 0.5 s over the window")
def window(subject: Subject) -> list[dict[str, Any]]:
    """Return samples of state, health, restarts, start time and process over options.window_s seconds."""
    return list(subject.ended("container.window", samples))


@collector("container.stats", "GET /containers/{container}/stats?stream=0")
def stats(subject: Subject) -> dict[str, float]:
    """Return the memory in use without page cache in bytes, and the CPU of the last second in percent."""
    read = subject.ended("container.stats", stats_read)
    memory = read["memory_stats"]
    cache = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return {"memory_bytes": memory["usage"] - cache, "cpu_percent": _cpu_percent(read)}


def begin(subject: Subject) -> None:
    """Begin the looks that take seconds, while the others are taken."""
    subject.begin("container.window", samples)
    subject.begin("container.stats", stats_read)


def samples(subject: Subject) -> list[dict[str, Any]]:
    """Sample the container until the window has passed."""
    return list(_sampled(subject))


def stats_read(subject: Subject) -> dict[str, Any]:
    """Let the engine measure for a second or two."""
    return dict(subject.engine.stats(subject.request.wanted("container"), stream=False))


def described(details: dict[str, Any]) -> dict[str, Any]:
    """Return the engine's description in the words of the release document, secrets left out."""
    return {**_life(details), **_limits(details), **_surroundings(details), **_program(details)}


def _life(details: dict[str, Any]) -> dict[str, Any]:
    state = details["State"]
    return {
        "name": details["Name"].lstrip("/"),
        "id": details["Id"],
        "image_id": details["Image"],
        "image_tag": details["Config"]["Image"],
        "created": details["Created"],
        "started_at": state["StartedAt"],
        "finished_at": state["FinishedAt"],
        "state": state["Status"],
        "running": state["Running"],
        "paused": state["Paused"],
        "restarting": state["Restarting"],
        "exit_code": state["ExitCode"],
        "oom_killed": state["OOMKilled"],
        "pid": state["Pid"],
        "restart_count": details["RestartCount"],
        "health": _health(state),
    }


def _limits(details: dict[str, Any]) -> dict[str, Any]:
    host, config = details["HostConfig"], details["Config"]
    return {
        "user": config["User"],
        "read_only": host["ReadonlyRootfs"],
        "cap_drop": sorted(host.get("CapDrop") or []),
        "cap_add": sorted(host.get("CapAdd") or []),
        "security_opt": sorted(host.get("SecurityOpt") or []),
        "privileged": host["Privileged"],
        "memory": host["Memory"],
        "memory_swap": host["MemorySwap"],
        "pids_limit": host.get("PidsLimit"),
        "restart_policy": host["RestartPolicy"]["Name"],
        "log_driver": host["LogConfig"]["Type"],
        "log_options": host["LogConfig"].get("Config") or {},
        "stop_timeout": config.get("StopTimeout"),
        "stop_signal": config.get("StopSignal"),
        "init": bool(host.get("Init")),
    }


def _surroundings(details: dict[str, Any]) -> dict[str, Any]:
    host, short_id = details["HostConfig"], details["Id"][:12]
    networks = details["NetworkSettings"]["Networks"]
    return {
        "published": published(details),
        "networks": {
            name: {
                "ip": place.get("IPAddress") or "",
                "aliases": [alias for alias in place.get("Aliases") or [] if alias != short_id],
            }
            for name, place in networks.items()
        },
        "network_mode": host["NetworkMode"],
        "binds": sorted(filter(None, map(_bind, details.get("Mounts") or []))),
        "tmpfs": _tmpfs(details),
        "pid_mode": host.get("PidMode") or "",
        "ipc_mode": host.get("IpcMode") or "",
        "devices": host.get("Devices") or [],
    }


def _program(details: dict[str, Any]) -> dict[str, Any]:
    config = details["Config"]
    return {
        "healthcheck": _healthcheck(config.get("Healthcheck")),
        "labels": config.get("Labels") or {},
        "env": shown(config.get("Env") or []),
        "cmd": config.get("Cmd"),
        "entrypoint": config.get("Entrypoint"),
    }


def _health(state: dict[str, Any]) -> dict[str, Any] | None:
    health = state.get("Health")
    if not health:
        return None
    log = [{"exit_code": item["ExitCode"], "output": item["Output"]} for item in health.get("Log") or []]
    return {"status": health["Status"], "failing_streak": health["FailingStreak"], "log": log}


def _healthcheck(check: dict[str, Any] | None) -> dict[str, Any] | None:
    if not check or not check.get("Test"):
        return None
    return {
        "test": check["Test"],
        "interval_s": check.get("Interval", 0) / NANOSECONDS,
        "timeout_s": check.get("Timeout", 0) / NANOSECONDS,
        "retries": check.get("Retries", 0),
        "start_period_s": check.get("StartPeriod", 0) / NANOSECONDS,
    }


def _bind(mount: dict[str, Any]) -> str | None:
    if mount["Type"] == "tmpfs":
        return None
    source = mount["Source"] if mount["Type"] == "bind" else mount["Name"]
    return f"{source}:{mount['Destination']}:{'rw' if mount['RW'] else 'ro'}"


def _tmpfs(details: dict[str, Any]) -> dict[str, str]:
    mounts = details.get("Mounts") or []
    by_mount = {mount["Destination"]: "" for mount in mounts if mount["Type"] == "tmpfs"}
    return {**by_mount, **(details["HostConfig"].get("Tmpfs") or {})}


def _sampled(subject: Subject) -> Iterator[dict[str, Any]]:
    until = time.monotonic() + float(subject.request.options.get("window_s", DEFAULT_WINDOW_S))
    while True:
        details = described(subject.inspect(subject.request.wanted("container")))
        health = details["health"]
        yield {
            "at": utc_text(now_ms()),
            "health": health["status"] if health else "none",
            **{key: details[key] for key in ("state", "restart_count", "started_at", "pid")},
        }
        if time.monotonic() >= until:
            return
        time.sleep(SAMPLE_S)


def _cpu_percent(read: dict[str, Any]) -> float:
    """Share of one CPU, from two readings of the engine one second apart."""
    now, before = read["cpu_stats"], read["precpu_stats"]
    used = now["cpu_usage"]["total_usage"] - before["cpu_usage"]["total_usage"]
    passed = now["system_cpu_usage"] - before.get("system_cpu_usage", 0)
    return round(100 * used / passed * now.get("online_cpus", 1), 2) if passed > 0 else 0.0
