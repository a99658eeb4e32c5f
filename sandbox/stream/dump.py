"""Make consumers of a group look idle: rewrite their times inside a DUMP of the stream.

Redis has no command for it. In a dumped stream each consumer is its name (one length byte, then the
name), its seen-time and, from Redis 7.2 on, its active-time: int64 milliseconds, little-endian. The dump
ends with the format's version (2 bytes) and a CRC-64 over everything before it (8 bytes).
"""

from __future__ import annotations

import struct

from sandbox.stream.crc64 import crc64

#: RDB type of a stream → times kept of each consumer: 19 is Redis 7.0, 21 is Redis 7.2 and later.
_TIMES_PER_CONSUMER = {19: 1, 21: 2}
_LONGEST_PLAIN_NAME = 20  # longer strings may be stored compressed
_CHECKSUM_BYTES = 8


class UnknownDumpError(ValueError):
    """Raised when a dump is not one that this code knows how to change."""


def with_idle_consumers(dump: bytes, seen_ms: dict[str, int]) -> bytes:
    """Return the dump with each named consumer last seen and active at its time (Unix milliseconds).

    Raises UnknownDumpError for another kind of key, an unknown stream format or a consumer that is not there.
    """
    times = _times_per_consumer(dump)
    body = bytearray(dump[:-_CHECKSUM_BYTES])
    for name, at_ms in seen_ms.items():
        start = _end_of_name(body, name)
        body[start : start + 8 * times] = struct.pack("<q", at_ms) * times
    return bytes(body) + struct.pack("<Q", crc64(bytes(body)))


def _times_per_consumer(dump: bytes) -> int:
    times = _TIMES_PER_CONSUMER.get(dump[0] if dump else -1)
    if times is None:
        raise UnknownDumpError(f"a dump that starts with {dump[:1]!r} is no stream of Redis 7.0 to 8.0")
    return times


def _end_of_name(body: bytearray, name: str) -> int:
    if len(name) > _LONGEST_PLAIN_NAME:
        raise UnknownDumpError(
            f"consumer name {name!r} is over {_LONGEST_PLAIN_NAME} bytes, it may be compressed"
        )
    encoded = bytes([len(name)]) + name.encode("ascii")
    # The groups follow the entries, hence the last occurrence.
    at = body.rfind(encoded)
    if at < 0:
        raise UnknownDumpError(f"consumer {name!r} is not in the dump")
    return at + len(encoded)
