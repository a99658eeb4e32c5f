from sandbox.stream.crc64 import crc64


def test_the_checksum_is_the_one_that_redis_computes() -> None:
    assert crc64(b"123456789") == 0xE9C6D914C4B8D9CA


def test_the_checksum_of_nothing_is_zero() -> None:
    assert crc64(b"") == 0
