"""The machine itself: what it is, how loaded, how full, what its clock says."""

from __future__ import annotations

import os
import platform
import shutil
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.base.times import now_ms
from host.observe.observation import collector

if TYPE_CHECKING:
    from host.observe.subject import Subject

SELINUX = Path("/sys/fs/selinux/enforce")
SELINUX_CONFIG = Path("/etc/selinux/config")
UNIFIED_CGROUP = Path("/sys/fs/cgroup/cgroup.controllers")


@collector(
    "host.facts", "uname, /etc/os-release, /proc/{{uptime,loadavg,meminfo}}, /sys/fs/selinux, the clock"
)
def facts(_subject: Subject) -> dict[str, Any]:
    """Describe the host; sizes in bytes, `now_ms` its clock."""
    system = platform.freedesktop_os_release()
    memory = _memory()
    return {
        "hostname": socket.gethostname(),
        "kernel": platform.release(),
        "os_id": system.get("ID", ""),
        "os_version": system.get("VERSION_ID", ""),
        "python": platform.python_version(),
        "uid": os.geteuid(),
        "now_ms": now_ms(),
        "uptime_s": float(Path("/proc/uptime").read_text().split()[0]),
        "load": list(os.getloadavg()),
        "cpus": os.cpu_count(),
        "memory": {"total": memory["MemTotal"], "available": memory["MemAvailable"]},
        "swap": {"total": memory["SwapTotal"], "free": memory["SwapFree"]},
        "selinux": selinux(),
        "cgroup": "v2" if UNIFIED_CGROUP.exists() else "v1",
    }


@collector("host.disk", "statvfs of the engine's root folder and of the deployment's state folder")
def disk(subject: Subject) -> list[dict[str, Any]]:
    """Say how full the disks are that a deploy writes to, in bytes."""
    wanted = [Path(subject.engine.info()["DockerRootDir"]), subject.state.root]
    return [_usage(path) for path in wanted]


def selinux() -> str:
    """Return enforcing, permissive, disabled (configured, not loaded) or absent."""
    if SELINUX.exists():
        return "enforcing" if SELINUX.read_text().strip() == "1" else "permissive"
    return "disabled" if SELINUX_CONFIG.exists() else "absent"


def _memory() -> dict[str, int]:
    lines = (line.split() for line in Path("/proc/meminfo").read_text().splitlines())
    return {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines}


def _usage(path: Path) -> dict[str, Any]:
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    usage = shutil.disk_usage(nearest)
    return {"path": str(path), "measured_at": str(nearest), "total": usage.total, "free": usage.free}
