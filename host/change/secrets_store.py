"""Secret files of the consumer: written whole, 0400, owned by the container's user, never printed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from host.base.errors import BadRequestError
from host.change.errors import SecretMissingError
from host.change.records import write_bytes

if TYPE_CHECKING:
    from pathlib import Path

_MODE = 0o400
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")


@dataclass(frozen=True)
class Secret:
    """A secret to be put: the file's name, its content, and who may read it."""

    name: str
    content: bytes = field(repr=False)
    uid: int
    gid: int


def put(folder: Path, secret: Secret, *, check: bool = False) -> bool:
    """Write the secret unless it stands there already, rights included; return whether it had to change."""
    path = _path(folder, secret.name)
    if _fits(path, secret):
        return False
    if not check:
        write_bytes(path, secret.content, _MODE, (secret.uid, secret.gid))
    return True


def fingerprint(folder: Path, names: list[str], key: bytes) -> str:
    """Return the HMAC-SHA256 (hex) over the sorted names and contents: equal exactly when all secrets are.

    A plain digest of a short secret could be guessed from a label; this one cannot without the key.
    """
    lines = [f"{name}\0{hashlib.sha256(_content(folder, name)).hexdigest()}\n" for name in sorted(names)]
    return hmac.new(key, "".join(lines).encode(), hashlib.sha256).hexdigest()


def decode(name: str, text: str) -> bytes:
    """Return the bytes of a base64 text; raise BadRequestError, without the text, when it is none."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadRequestError(f"{name} is not base64") from None


def _path(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise BadRequestError(f"{name!r} is no name of a secret: lower case letters, digits and _.- only")
    return folder / name


def _fits(path: Path, secret: Secret) -> bool:
    if not path.is_file():
        return False
    status = path.stat()
    rights = (stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid)
    return rights == (_MODE, secret.uid, secret.gid) and path.read_bytes() == secret.content


def _content(folder: Path, name: str) -> bytes:
    try:
        return _path(folder, name).read_bytes()
    except FileNotFoundError:
        raise SecretMissingError(f"there is no secret {name} on this host") from None
