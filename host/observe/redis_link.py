"""What Redis says, as the server sent it: nothing is decoded on the way, nothing hidden."""

from __future__ import annotations

import base64
from itertools import islice
from typing import TYPE_CHECKING, Any

from host.base.login import Login
from host.base.redis_link import Address, open_client

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = 1000


class RedisLink:
    """Asks one command at a time. A reply is bytes, int, None or a list of these."""

    def __init__(self, host: str, port: int, db: int, login: Login | None) -> None:
        self.address = f"{host}:{port}"
        self._client = open_client(Address(host, port, db, login or Login()), text=False)

    def ask(self, *command: str | int) -> Any:
        """Return the server's raw reply; raise redis.RedisError when it is an error or does not come."""
        return self._client.execute_command(*command)  # type: ignore[no-untyped-call]  # untyped in the library

    def table(self, *command: str | int) -> dict[str, Any]:
        """Return a reply of names and values as a dictionary."""
        return named(self.ask(*command))

    def info(self, section: str) -> dict[str, str]:
        """Return one section of INFO."""
        lines = self.ask("INFO", section).decode().splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line and not line.startswith("#"))

    def entries_after(
        self, stream: str, entry_id: str, last_id: str, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Give the entries with `entry_id` < id <= `last_id`, oldest first, page by page, at most `limit`."""
        return islice(self._pages("XRANGE", stream, f"({entry_id}", last_id), limit)

    def newest(self, stream: str, entry_id: str, last_id: str, limit: int) -> Iterator[dict[str, Any]]:
        """Give the entries with `entry_id` < id <= `last_id`, newest first, at most `limit`."""
        return islice(self._pages("XREVRANGE", stream, last_id, f"({entry_id}"), limit)

    def _pages(self, command: str, stream: str, begin: str, end: str) -> Iterator[dict[str, Any]]:
        while True:
            page = self.ask(command, stream, begin, end, "COUNT", PAGE)
            yield from (entry(raw_id, flat) for raw_id, flat in page)
            if len(page) < PAGE:
                return
            begin = f"({page[-1][0].decode()}"


def named(flat: list[Any]) -> dict[str, Any]:
    """Pair a flat reply: [name, value, name, value] to {name: value}, values in JSON."""
    return {name.decode(): plain(value) for name, value in zip(flat[::2], flat[1::2], strict=True)}


def plain(value: Any) -> Any:
    """Turn a reply into JSON: text where it is UTF-8, else {"base64": …}."""
    if isinstance(value, list):
        return [plain(item) for item in value]
    if not isinstance(value, bytes):
        return value
    try:
        return value.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def entry(raw_id: bytes, flat: list[bytes]) -> dict[str, Any]:
    """Return one stream entry as {id, fields}, or {id, raw_base64} when its names are no keys.

    Names that are not text, or that come twice, would lose something in an object.
    """
    names = [plain(name) for name in flat[::2]]
    if any(isinstance(name, dict) for name in names) or len(set(names)) < len(names):
        return {"id": raw_id.decode(), "raw_base64": [base64.b64encode(part).decode() for part in flat]}
    return {"id": raw_id.decode(), "fields": dict(zip(names, map(plain, flat[1::2]), strict=True))}


def order_of(entry_id: str) -> tuple[int, int]:
    """Return a stream id as numbers, which order as the stream does."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)
