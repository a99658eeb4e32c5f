"""The code digest, made again from a list of files: what lies in an image or in a container."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from checks.judge.evidence import need

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT = "/app/"
_COUNTED = (".py", ".lua", ".json")


def code_digest(files: Iterable[Mapping[str, Any]]) -> str:
    r"""Hash `consumer/<path>\0<sha256>\n` over the code files, sorted by path.

    `files` are {path, sha256} as observed under /app/consumer. Raises UnseenError when there is none.
    """
    lines = sorted((_relative(file["path"]), file["sha256"]) for file in files if _counts(file["path"]))
    need(lines, "code file of the consumer")
    return sha256("".join(f"{path}\0{digest}\n" for path, digest in lines).encode()).hexdigest()


def modules(files: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return module name → sha256 for each Python file."""
    return {
        _module(_relative(file["path"])): file["sha256"] for file in files if file["path"].endswith(".py")
    }


def _counts(path: str) -> bool:
    return path.endswith(_COUNTED) and "__pycache__" not in path


def _relative(path: str) -> str:
    return path.removeprefix(ROOT)


def _module(path: str) -> str:
    return path.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
