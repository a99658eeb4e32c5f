import struct

import pytest

from sandbox.stream.crc64 import crc64
from sandbox.stream.dump import UnknownDumpError, with_idle_consumers


def dump(kind: int, *times_ms: int, name: bytes = b"ghost") -> bytes:
    body = bytes([kind]) + b"entries" + bytes([len(name)]) + name
    body += b"".join(struct.pack("<q", at) for at in times_ms) + b"\x00\x0b\x00"
    return body + struct.pack("<Q", crc64(body))


def test_redis_7_0_keeps_one_time_per_consumer() -> None:
    assert with_idle_consumers(dump(19, 1), {"ghost": 77}) == dump(19, 77)


def test_redis_8_keeps_a_second_time_per_consumer() -> None:
    assert with_idle_consumers(dump(21, 1, 2), {"ghost": 77}) == dump(21, 77, 77)


def test_another_kind_of_key_is_refused() -> None:
    with pytest.raises(UnknownDumpError, match="no stream of Redis"):
        with_idle_consumers(dump(0, 1), {"ghost": 77})


def test_a_consumer_that_is_not_there_is_refused_by_name() -> None:
    with pytest.raises(UnknownDumpError, match="'nobody' is not in the dump"):
        with_idle_consumers(dump(19, 1), {"nobody": 77})


def test_a_name_that_may_be_compressed_is_refused() -> None:
    with pytest.raises(UnknownDumpError, match="may be compressed"):
        with_idle_consumers(dump(19, 1), {"g" * 21: 77})
