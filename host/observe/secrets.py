"""Where the secrets lie, who may read them, and whether one has leaked. Their contents are never told."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from host.base.secret_files import contents
from host.observe.environment import suspects
from host.observe.errors import NotThereError
from host.observe.observation import collector

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from host.observe.subject import Subject

READABLE_BY_OTHERS = 0o044
LARGEST_SEARCHED = 64_000_000
LOG_LINES = 10_000
SHORTEST_SECRET = 6
MOUNTS = Path("/proc/self/mountinfo")
_EXCHANGE_KEY = re.compile(r"(binance|exchange|bybit|okx).*(key|secret)", re.IGNORECASE)


@collector("host.secrets", "lstat of the secrets' folder and of every file in it")
def secrets(subject: Subject) -> list[dict[str, Any]]:
    """Say of the folder and of each secret who owns it, who may read it, and on what it lies."""
    folder = subject.state.secrets
    if not folder.is_dir():
        raise NotThereError(f"there is no folder {folder}")
    return [_described(path) for path in (folder, *sorted(folder.iterdir()))]


@collector(
    "container.secret_leaks", "the container's description and mounts, searched for every known secret"
)
def leaks(subject: Subject) -> dict[str, Any]:
    """Name the places where a secret can be read by somebody whom it does not concern."""
    details = subject.inspect(subject.request.wanted("container"))
    config, known = details["Config"], known_secrets(subject)
    mounted = [Path(mount["Source"]) for mount in details.get("Mounts") or [] if mount["Type"] == "bind"]
    labels = config.get("Labels") or {}
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    return {
        "secrets_known": len(known),
        "env_names_suspect": suspects(config.get("Env") or [], known),
        "label_names_suspect": sorted(name for name, value in labels.items() if holds(value, known)),
        "log_suspect": holds(_log(subject), known),
        "processes_suspect": sorted(_suspect_processes(subject, known)),
        "command_suspect": any(holds(word, known) for word in command),
        "world_readable_mounts": _open_secret_mounts(details, subject.state.secrets),
        **_copies_of(known, [subject.state.root, *mounted], subject.state.secrets),
        "exchange_key_files": _of_an_exchange(subject.state.root),
    }


def known_secrets(subject: Subject) -> list[str]:
    """Return what must not be found anywhere: the request's secrets and the host's secret files."""
    values = [*subject.request.secrets(), *contents(subject.state.secrets)]
    return sorted({value for value in values if len(value) >= SHORTEST_SECRET})


def file_system_of(path: Path) -> str:
    """Return the type of the file system that `path` lies on."""
    rows = (line.split() for line in MOUNTS.read_text().splitlines())
    mounts = [(row[4], row[row.index("-") + 1]) for row in rows]
    within = [mount for mount in mounts if path == Path(mount[0]) or Path(mount[0]) in path.parents]
    return max(within, key=lambda mount: len(mount[0]), default=("", "unknown"))[1]


def _described(path: Path) -> dict[str, Any]:
    status = path.lstat()
    return {
        "path": str(path),
        "kind": "folder" if path.is_dir() else "link" if path.is_symlink() else "file",
        "mode": f"{status.st_mode & 0o7777:04o}",
        "uid": status.st_uid,
        "gid": status.st_gid,
        "fs_type": file_system_of(path.resolve()),
        "size": status.st_size,
    }


def _open_secret_mounts(details: dict[str, Any], folder: Path) -> list[dict[str, str]]:
    """Secrets that are mounted into the container from files that others may read."""
    readable = []
    for mount in details.get("Mounts") or []:
        source = Path(mount.get("Source") or "")
        is_secret = folder in source.parents or str(mount["Destination"]).startswith("/run/secrets")
        if is_secret and mount["Type"] == "bind" and source.exists():
            readable += [_open(path) for path in _files(source) if path.stat().st_mode & READABLE_BY_OTHERS]
    return readable


def _log(subject: Subject) -> str:
    """Return the newest lines of the container's log, as the engine keeps them."""
    raw: bytes = subject.engine.logs(subject.request.wanted("container"), tail=LOG_LINES)
    return raw.decode(errors="replace")


def _suspect_processes(subject: Subject, known: list[str]) -> Iterator[str]:
    """Name the processes in the container whose environment or command line holds a secret."""
    table = subject.engine.top(subject.request.wanted("container"), "-eo pid")
    for pid, *_ in table["Processes"]:
        for part in ("environ", "cmdline"):
            try:
                text = Path("/proc", pid, part).read_text(errors="replace")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue
            if holds(text, known):
                yield f"{part} of process {pid}"


def _copies_of(known: list[str], places: Iterable[Path], folder: Path) -> dict[str, Any]:
    """Search every file below `places` but the secrets' own folder, however it may be read."""
    copies, too_large = [], []
    for path in sorted({path for place in places for path in _files(place)}):
        if folder in path.parents:
            continue
        try:
            if path.stat().st_size > LARGEST_SEARCHED:
                too_large.append(str(path))
            elif holds(path.read_bytes().decode(errors="replace"), known):
                copies.append(_open(path))
        except FileNotFoundError:  # another run tidies up after itself
            continue
    return {"copies": copies, "not_searched": too_large}


def _of_an_exchange(root: Path) -> list[str]:
    """Name the files below the host's state that are called like an exchange's key."""
    return sorted(str(path) for path in _files(root) if _EXCHANGE_KEY.search(path.name))


def _files(place: Path) -> Iterator[Path]:
    """Give the files below a place; a folder that goes away meanwhile has none."""
    if place.is_file():
        yield place
    for folder, _, names in os.walk(place):
        paths = (Path(folder, name) for name in names)
        yield from (path for path in paths if not path.is_symlink())


def _open(path: Path) -> dict[str, str]:
    return {"path": str(path), "mode": f"{path.stat().st_mode & 0o7777:04o}"}


def holds(text: str, known: list[str]) -> bool:
    """Say whether a secret stands in a text."""
    return any(secret in text for secret in known)
