"""The CRC families of S3's checksums, bit by bit from their parameters: an oracle for small bodies."""

import base64
import hashlib
import zlib


def _table(polynomial):
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        table.append(value)
    return table


_CRC32C = _table(0x82F63B78)
_CRC64NVME = _table(0x9A6C9329AC4BC9B5)


def _run(table, bits, data):
    value = ones = (1 << bits) - 1
    for byte in data:
        value = table[(value ^ byte) & 0xFF] ^ value >> 8
    return (value ^ ones).to_bytes(bits // 8, "big")


RAW = {
    "CRC32": lambda data: zlib.crc32(data).to_bytes(4, "big"),
    "CRC32C": lambda data: _run(_CRC32C, 32, data),
    "CRC64NVME": lambda data: _run(_CRC64NVME, 64, data),
    "SHA1": lambda data: hashlib.sha1(data).digest(),
    "SHA256": lambda data: hashlib.sha256(data).digest(),
}


def checksum(algorithm, data):
    """The value as it stands in a header."""
    return base64.b64encode(RAW[algorithm](data)).decode()


def composite(algorithm, parts):
    """The checksum of checksums of a multipart object."""
    joined = b"".join(RAW[algorithm](part) for part in parts)
    return f"{checksum(algorithm, joined)}-{len(parts)}"
