"""Upload rules, and uploads that each of them refuses."""

import zlib

from clamd import EICAR, zipped

MIB = 1 << 20

PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1">%s</svg>'


def _chunk(kind, content):
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", b"\x00\x00\x00\x01\x00\x00\x00\x01\x08\x00\x00\x00\x00")
    + _chunk(b"IDAT", zlib.compress(b"\x00\x00"))
    + _chunk(b"IEND", b"")
)
EXE = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + b"\x00" * 44 + b"\x80\x00\x00\x00" + b"\x00" * 64 + b"PE\x00\x00"


def toml(address=None, **scanner):
    """Rules for every bucket, by prefix; the scanner's section where there is one."""
    text = """
[[rule]]
name = "guides"
bucket = "*"
prefix = "guides/"
extensions = ["pdf"]
content_types = ["application/pdf"]
match_content = true
max_size = "10 MiB"
block_dangerous = true

[[rule]]
name = "pictures"
bucket = "*"
prefix = "pictures/"
detected_types = ["image/*"]
min_size = 10
block_dangerous = true

[[rule]]
name = "named"
bucket = "*"
prefix = "named/"
names = "safe"
unique_names = true

[[rule]]
name = "strict"
bucket = "*"
prefix = "strict/"
names = "refuse"
"""
    if address is None:
        return text
    settings = {"address": address, "connect_timeout": "2s", "scan_timeout": "5s", **scanner}
    lines = "".join(f'{name} = "{value}"\n' for name, value in settings.items())
    return (
        text
        + '\n[[rule]]\nname = "scanned"\nbucket = "*"\nprefix = "scanned/"\nantivirus = true\n'
        + f"\n[antivirus]\n{lines}\n"
    )


# Key, content type, body, status, code, rule and words of the refusal.
REFUSED = {
    "EICAR in a zip": (
        "scanned/a.zip", "application/zip", zipped("eicar.com", EICAR), 403, "AccessDenied", "scanned", "Eicar-Test-Signature",
    ),
    "a program named .pdf": (
        "guides/a.pdf", "application/pdf", EXE, 400, "InvalidArgument", "guides", "not application/pdf",
    ),
    "a program named .png": ("pictures/a.png", "image/png", EXE, 400, "InvalidArgument", "pictures", "image/*"),
    "an SVG with a script": (
        "pictures/a.svg", "image/svg+xml", SVG % b"<script>alert(1)</script>", 403, "AccessDenied", "pictures", "a script",
    ),
    "an SVG with a handler far behind": (
        "pictures/b.svg", "image/svg+xml", SVG % (b" " * 70_000 + b"<g onload='x()'/>"), 403, "AccessDenied", "pictures", "a script",
    ),
    "a PDF of a byte too much": (
        "guides/b.pdf", "application/pdf", PDF + b"\n" * (10 * MIB + 1 - len(PDF)), 400, "EntityTooLarge", "guides", "more than 10485760",
    ),
    "a PDF that is an archive": (
        "guides/c.pdf", "application/pdf", PDF + b"\n" * 100_000 + zipped("a.txt", b"a" * 500), 403, "AccessDenied", "guides", "archive",
    ),
    "a GIF that is a page": (
        "pictures/a.gif", "image/gif", GIF + b"/*<script>alert(1)</script>*/", 403, "AccessDenied", "pictures", "a page",
    ),
    "a picture that is none": ("pictures/c.png", "image/png", b"hello, hello", 400, "InvalidArgument", "pictures", "text/plain"),
    "too little": ("pictures/d.gif", "image/gif", GIF[:9], 400, "EntityTooSmall", "pictures", "fewer than 10"),
    "another extension": ("guides/a.txt", "application/pdf", PDF, 400, "InvalidArgument", "guides", "extension"),
    "another type": ("guides/d.pdf", "text/plain", PDF, 400, "InvalidArgument", "guides", "text/plain"),
    "an unsafe name": ("strict/a b.txt", "text/plain", b"x", 400, "InvalidArgument", "strict", "safe"),
}

# Key, content type and body of what is allowed.
ALLOWED = {
    "a PDF of exactly 10 MiB": ("guides/a.pdf", "application/pdf", PDF + b"\n" * (10 * MIB - len(PDF))),
    "a picture": ("pictures/a.png", "image/png", PNG),
    "an SVG": ("pictures/a.svg", "image/svg+xml", SVG % b"<path d='M0 0'/>"),
    "a clean archive": ("scanned/a.zip", "application/zip", zipped("a.txt", b"clean" * 100_000)),
    "a safe name": ("strict/a_b.txt", "text/plain", b"x"),
}
