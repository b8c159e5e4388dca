"""Files to upload: pictures and documents that programs accept as such."""

import random
import struct
import zlib


def png(width=24, height=16, seed=0):
    """A picture of random colours."""
    colours = random.Random(seed)
    rows = b"".join(b"\0" + colours.randbytes(3 * width) for _ in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


def jpeg(size=600, seed=0):
    """What begins as a JPEG does."""
    return b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\0\0\1\0\1\0\0" + random.Random(seed).randbytes(size)


def mp4(size, seed=0):
    """What begins as an MP4 does."""
    return b"\0\0\0\x18ftypisom\0\0\2\0isommp42" + random.Random(seed).randbytes(size)


def pdf(title="Programme", pages=3, size=0, seed=0):
    """A document of some pages, of about `size` bytes where that is more."""
    count = 3 + 2 * pages
    kids = " ".join(f"{4 + 2 * page} 0 R" for page in range(pages))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    for page in range(pages):
        text = f"BT /F1 24 Tf 72 720 Td ({title}, page {page + 1}) Tj ET".encode()
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources "
            b"<< /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (5 + 2 * page)
        )
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text))
    if size:
        filling = random.Random(seed).randbytes(size)
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(filling), filling))
        count += 1
    body, offsets = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(body)
    body += b"xref\n0 %d\n0000000000 65535 f \n" % (count + 1)
    body += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    body += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count + 1, start)
    return bytes(body)
