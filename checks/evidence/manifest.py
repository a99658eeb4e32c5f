"""What a run's folder held when it was signed: every file by its SHA-256, in the format of `sha256sum`."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from checks.evidence import signature

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "manifest.sha256"


def write(folder: Path, key: Path) -> None:
    """List every file of the folder, and sign the list. Raises ChecksError if the key cannot sign."""
    manifest = folder / NAME
    lines = (f"{digest}  {name}\n" for name, digest in sorted(_digests(folder).items()))
    manifest.write_text("".join(lines), encoding="utf-8")
    signature.sign(manifest, key)


def problems(folder: Path, allowed_signers: Path) -> Iterator[str]:
    """Name what is not as it was signed: the list itself, or files that differ, are gone or came since."""
    manifest = folder / NAME
    signed = signature.verify(manifest, allowed_signers)
    if not signed.valid:
        yield f"nobody vouches for {NAME}: {signed.problem}"
        return
    listed = dict(_entries(manifest.read_text(encoding="utf-8")))
    there = _digests(folder)
    yield from (f"{name} is gone" for name in sorted(listed.keys() - there.keys()))
    yield from (f"{name} was not signed" for name in sorted(there.keys() - listed.keys()))
    common = sorted(listed.keys() & there.keys())
    yield from (f"{name} is not what was signed" for name in common if listed[name] != there[name])


def _entries(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        digest, _, name = line.partition("  ")
        yield name, digest


def _digests(folder: Path) -> dict[str, str]:
    own = (NAME, signature.signature_path(folder / NAME).name)
    paths = (path for path in folder.rglob("*") if path.is_file())
    digests = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths
    }
    return {name: digest for name, digest in digests.items() if name not in own}
