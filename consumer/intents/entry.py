"""One entry of the stream as it was delivered, whole or, where it is too large, by its beginning."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

#: How many bytes of an entry that is too large are kept.
START_BYTES = 1024


class Excerpt(NamedTuple):
    """What is kept of an entry that is too large: its first bytes, how many there are, and their SHA-1.

    Its bytes are its names and values in their order; the digest and the start have a zero byte between.
    SHA-1 is what a script in Redis can compute, which makes excerpts, too; nothing rests on nobody finding
    another entry with the same.
    """

    start: bytes
    size: int
    sha1: str


class Entry(NamedTuple):
    """One delivered entry.

    `fields` is None when its body was trimmed away or is too large; then `excerpt` stands for it. `repeated`
    holds the pairs as they came when a field stands in it twice. `deliveries` counts this one and those
    before it that came to no end.
    """

    id: str
    fields: dict[bytes, bytes] | None
    repeated: list[tuple[bytes, bytes]] | None = None
    excerpt: Excerpt | None = None
    deliveries: int = 1

    @classmethod
    def of(cls, entry_id: str, flat: Sequence[bytes], most_bytes: int, deliveries: int = 1) -> Self:
        """Return the entry of names and values `flat`, as an excerpt when it has more than `most_bytes`."""
        if sum(map(len, flat)) > most_bytes:
            return cls(entry_id, None, None, excerpt_of(flat), deliveries)
        parts = iter(flat)
        fields = dict(zip(parts, parts, strict=True))
        if 2 * len(fields) == len(flat):
            return cls(entry_id, fields, deliveries=deliveries) if deliveries > 1 else cls(entry_id, fields)
        pairs = list(zip(flat[::2], flat[1::2], strict=True))
        return cls(entry_id, fields, pairs, None, deliveries)


def excerpt_of(flat: Sequence[bytes]) -> Excerpt:
    """Return what is kept of names and values that are too large."""
    whole = b"\0".join(flat)
    digest = hashlib.sha1(whole, usedforsecurity=False).hexdigest()
    return Excerpt(whole[:START_BYTES], sum(map(len, flat)), digest)
