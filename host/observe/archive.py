"""Files in a tar stream, by path and digest. Nothing is written to disk."""

from __future__ import annotations

import hashlib
import tarfile
from io import BytesIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def files_of(chunks: Iterable[bytes], parent: str) -> list[dict[str, Any]]:
    """List the files of a tar stream as {path, size, mode, sha256}, sorted by path below `parent`.

    `sha256` of anything that is no regular file is None, and `link` says where a link leads.
    """
    with tarfile.open(fileobj=BytesIO(b"".join(chunks))) as archive:
        files = [_described(archive, member, parent) for member in archive if not member.isdir()]
    return sorted(files, key=lambda file: str(file["path"]))


def _described(archive: tarfile.TarFile, member: tarfile.TarInfo, parent: str) -> dict[str, Any]:
    content = archive.extractfile(member) if member.isreg() else None
    return {
        "path": f"{parent}/{member.name}",
        "size": member.size,
        "mode": f"{member.mode & 0o7777:04o}",
        "sha256": hashlib.sha256(content.read()).hexdigest() if content else None,
        **({"link": member.linkname} if member.linkname else {}),
    }
