"""Packs what runs on the target into one zipapp: the looks, the switch, and the two libraries they need.

Only pure Python goes in, so that one archive runs on every host's Python from 3.10 on. Its digest is over
names and contents, and so the same wherever it was packed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from checks.digests import sha256_file
from checks.errors import ChecksError

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).resolve().parent.parent
DIGEST_FILE = "host/tool_digest.txt"
BOOTSTRAP = "host/bootstrap.py"
LOCK = "requirements/host.txt"
#: No binary wheel is ever built for this platform, so that the installer takes each package's pure one.
PURE_PLATFORM = "wasm32-pyodide2024"
OLDEST_PYTHON = "3.10"
#: What an installer leaves for itself; it differs from machine to machine.
LEFT_OUT = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock")
EPOCH = (1980, 1, 1, 0, 0, 0)
FILE_MODE = 0o644 << 16


def pack(out: Path, project: Path = PROJECT) -> str:
    """Write the archive of `project` to `out`; return the digest of its contents. Raises ChecksError."""
    contents = dict(_contents(project, _site(project, out.parent)))
    digest = manifest_digest(contents)
    _write(out, contents, digest)
    return digest


def manifest_digest(contents: dict[str, Path]) -> str:
    r"""Return sha256 over the lines `name\0sha256\n` of what is in the archive, sorted by name."""
    lines = (f"{name}\0{sha256_file(path)}\n" for name, path in sorted(contents.items()))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _contents(project: Path, site: Path) -> Iterator[tuple[str, Path]]:
    yield "__main__.py", project / BOOTSTRAP
    for folder, parent in (
        (project / "host", project),
        (site, site),
    ):
        yield from ((path.relative_to(parent).as_posix(), path) for path in _files(folder))


def _files(folder: Path) -> list[Path]:
    files = (path for path in folder.rglob("*") if path.is_file() and path.name not in LEFT_OUT)
    unwanted = {"__pycache__", "bin"}
    return sorted(path for path in files if not unwanted & set(path.relative_to(folder).parts))


def _site(project: Path, build: Path) -> Path:
    """Install the libraries, once for each state of the lock file."""
    lock = project / LOCK
    site = build / f"site-{sha256_file(lock)[:16]}"
    if not site.exists():
        half_done = site.with_name(f"{site.name}.{os.getpid()}")
        _install(lock, half_done)
        _put_in_place(half_done, site)
    return site


def _put_in_place(half_done: Path, place: Path) -> None:
    """Rename the folder; where another process was first, its folder has the same in it."""
    try:
        half_done.rename(place)
    except OSError:
        shutil.rmtree(half_done)
        if not place.exists():
            raise


def _install(lock: Path, folder: Path) -> None:
    command = [
        *(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--target", str(folder)),
        *("--require-hashes", "--only-binary", ":all:", "--no-compile-bytecode"),
        *("--python-version", OLDEST_PYTHON, "--python-platform", PURE_PLATFORM, "--requirements", str(lock)),
    ]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise ChecksError(
            f"The target's libraries could not be installed: {result.stderr.strip()}",
            "See that packages can be reached, then pack again; `make lock` mends a list that does not fit.",
        )
    binaries = [path.name for path in folder.rglob("*.so")]
    if binaries:
        shutil.rmtree(folder)
        raise ChecksError(
            f"The target's libraries hold code for one kind of machine: {', '.join(binaries)}.",
            "Take a release of that package that has a pure Python wheel.",
        )


def _write(out: Path, contents: dict[str, Path], digest: str) -> None:
    """Write the archive beside its place and move it there whole, though others may be packing too."""
    out.parent.mkdir(parents=True, exist_ok=True)
    half_done = out.with_name(f"{out.name}.{os.getpid()}")
    with zipfile.ZipFile(half_done, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, path in sorted(contents.items()):
            archive.writestr(_member(name), path.read_bytes())
        archive.writestr(_member(DIGEST_FILE), digest + "\n")
    half_done.replace(out)


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, EPOCH)
    member.compress_type = zipfile.ZIP_DEFLATED
    member.external_attr = FILE_MODE
    return member
