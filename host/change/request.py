"""The requests as they come on stdin: JSON objects, read key by key, refused in words."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeVar

from host.base.errors import BadRequestError
from host.base.login import Login
from host.base.request import document_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_T = TypeVar("_T")
_RELEASE = re.compile(r"[0-9a-f]{16}")
#: What of a release document the programs here read.
_MEANT: Mapping[str, type] = {
    **dict.fromkeys(("release", "container", "network", "stream", "group", "mode"), str),
    "image": dict,
    "redis": dict,
}


class CommandRequest:
    """One request; each reader names the key that is missing or of another type."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    @classmethod
    def parse(cls, text: str) -> CommandRequest:
        """Read the request; an empty one asks for nothing in particular."""
        return cls(document_of(text.strip() or "{}"))

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self._typed(name, str)
        if not value:
            raise BadRequestError(f"{name} is empty")
        return value

    def seconds(self, name: str, default: float | None = None) -> float:
        """Return a number of seconds, 0 or more."""
        value = self._document.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise BadRequestError(f"{name} must be a number of seconds, not {value!r}")
        return value

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self._typed(name, int)
        if isinstance(value, bool):
            raise BadRequestError(f"{name} must be a whole number")
        return value

    def flag(self, name: str, *, default: bool | None = None) -> bool:
        """Return true or false."""
        if default is not None and name not in self._document:
            return default
        return self._typed(name, bool)

    def texts(self, name: str) -> list[str]:
        """Return a list of texts."""
        values = self._typed(name, list)
        if not all(isinstance(value, str) for value in values):
            raise BadRequestError(f"{name} must be a list of texts")
        return values

    def object(self, name: str) -> dict[str, Any]:
        """Return a JSON object."""
        return self._typed(name, dict)

    def choice(self, name: str, default: str, *others: str) -> str:
        """Return one of the texts that are allowed."""
        value = self._document.get(name, default)
        if value not in (default, *others):
            raise BadRequestError(f"{name} must be one of {', '.join((default, *others))}, not {value!r}")
        return str(value)

    def optional_text(self, name: str) -> str | None:
        """Return a text, or None where the request says null or nothing."""
        return None if self._document.get(name) is None else self.text(name)

    def login(self) -> Login:
        """Return the Redis user, or nobody where the request names none."""
        if self._document.get("redis") is None:
            return Login()
        part = CommandRequest(self.object("redis"))
        return Login(part.text("user"), part.text("password"))

    def desired(self) -> dict[str, Any]:
        """Return the release document, whose id names files and must look like one."""
        desired = self.object("desired")
        for name, kind in _MEANT.items():
            if not isinstance(desired.get(name), kind):
                raise BadRequestError(f"desired.{name} is missing")
        if not _RELEASE.fullmatch(desired["release"]):
            raise BadRequestError(f"desired.release must be 16 hex digits, not {desired['release']!r}")
        if not isinstance(desired["image"].get("tag"), str):
            raise BadRequestError("desired.image.tag is missing")
        if missing := {"container", "host", "port", "db"} - desired["redis"].keys():
            raise BadRequestError(f"desired.redis lacks {', '.join(sorted(missing))}")
        return desired

    def _typed(self, name: str, kind: type[_T]) -> _T:
        value = self._document.get(name)
        if not isinstance(value, kind):
            raise BadRequestError(
                f"{name} is missing" if value is None else f"{name} must be {kind.__name__}"
            )
        return value
