"""CRC-64 as Redis computes it over a DUMP payload (Jones polynomial, reflected, no final xor)."""

_POLYNOMIAL = 0x95AC9329AC4BC9B5  # 0xad93d23594c935a9, bits reversed


def _row(index: int) -> int:
    for _ in range(8):
        index = (index >> 1) ^ (_POLYNOMIAL if index & 1 else 0)
    return index


_TABLE = tuple(_row(index) for index in range(256))


def crc64(data: bytes) -> int:
    """Return the checksum; `crc64(b"123456789") == 0xe9c6d914c4b8d9ca` (in Redis's source)."""
    crc = 0
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    return crc
