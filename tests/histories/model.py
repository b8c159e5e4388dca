"""What may be in each key, going by what clients were told: the oracle of the histories.

A key of its own has one client that writes it, one call after the other; a shared one has several
at once. Of the former the model knows exactly what it holds, but for writes whose outcome nobody
was told; of the latter, which values a read may give.
"""

import dataclasses
import hashlib
import itertools
import random
import threading
import time

MIB = 1 << 20
# All bodies are slices of this.
NOISE = random.Random(7).randbytes(8 * MIB)
# The first part of every multipart object.
FIRST = 5 * MIB
_versions = itertools.count(1)


@dataclasses.dataclass(frozen=True)
class Content:
    """An object that somebody wrote."""

    version: int
    offset: int
    size: int
    parts: bool = False
    tag: str = ""

    @staticmethod
    def make(chance, size, parts=False):
        return Content(next(_versions), chance.randrange(len(NOISE) - size), size, parts)

    def pieces(self):
        own = b"%d " % self.version + NOISE[self.offset : self.offset + self.size]
        return [NOISE[:FIRST], own] if self.parts else [own]

    @property
    def body(self):
        return b"".join(self.pieces())

    @property
    def etag(self):
        digests = [hashlib.md5(piece).digest() for piece in self.pieces()]
        if not self.parts:
            return f'"{digests[0].hex()}"'
        return f'"{hashlib.md5(b"".join(digests)).hexdigest()}-{len(digests)}"'

    def __str__(self):
        kind = "multipart" if self.parts else "object"
        return f"{kind} {self.version} ({len(self.body)} bytes{', ' + self.tag if self.tag else ''})"


class Wrong(AssertionError):
    """The gateway said what cannot be."""


class OwnKey:
    """A key that one client writes."""

    def __init__(self, path):
        self.path = path
        # None: no object.
        self.possible = {None}
        # Changes with every write, so that a listing knows whether one came between.
        self.epoch = 0
        self.busy = False

    def begin(self, new):
        """Before a write or delete is sent."""
        self.busy, self.epoch = True, self.epoch + 1
        self.possible = {*self.possible, new}

    def acknowledged(self, new):
        self.possible, self.busy = {new}, False

    def unknown(self):
        """Its outcome was not told: either holds."""
        self.busy = False

    def refused(self, before):
        """It was certainly not done."""
        self.possible, self.busy = before, False

    def certain(self):
        """The one thing that it can hold, in a tuple; empty where there are several."""
        return tuple(self.possible) if len(self.possible) == 1 else ()

    def seen(self, found):
        """Checks what a read gave: a Content or None."""
        if found not in self.possible:
            expected = " or ".join(str(p) for p in self.possible)
            raise Wrong(f"{self.path} holds {found}, and can only hold {expected}")


@dataclasses.dataclass
class _Write:
    content: Content | None
    begun: float
    # None while nobody knows whether it was done.
    ended: float | None = None


class SharedKey:
    """A key that several clients write at once: reads give no value that was certainly replaced
    before they began, and none that nobody had begun to write before they ended."""

    def __init__(self, path):
        self.path = path
        self._lock = threading.Lock()
        self._writes = [_Write(None, 0.0, 0.0)]

    def begin(self, content):
        write = _Write(content, time.monotonic())
        with self._lock:
            self._writes.append(write)
        return write

    def acknowledged(self, write):
        with self._lock:
            write.ended = time.monotonic()

    def refused(self, write):
        with self._lock:
            self._writes.remove(write)

    def possible(self, begun):
        """What a read that began then may give now."""
        with self._lock:
            done = [w for w in self._writes if w.ended is not None and w.ended < begun]
            latest = max((w.begun for w in done), default=0.0)
            return [w.content for w in self._writes if w.ended is None or w.ended >= latest]

    def seen(self, found, begun):
        possible = self.possible(begun)
        if found not in possible:
            expected = " or ".join(str(p) for p in possible)
            raise Wrong(f"{self.path} holds {found}, and can only hold {expected}")
