"""Concurrent writers that remember what was acknowledged, and the check of what came back.

The memory is outside the process that is killed: the oracle of the kill test. Every worker has
keys and buckets of its own, so the state of each is known exactly, but for the one operation that
was under way when the process died: that one may have happened or not, never in part.
"""

import base64
import dataclasses
import hashlib
import http.client
import os
import random
import threading
import xml.etree.ElementTree as ElementTree

from plain import NAMESPACE, Client, Refused

MIB = 1 << 20
# All bodies are slices of this: comparing them needs no digests.
NOISE = os.urandom(6 * MIB)
BUCKETS = ("kill-first", "kill-second.bucket")
ABSENT = None


@dataclasses.dataclass(frozen=True)
class Stored:
    """What a key holds: a slice of the noise, perhaps behind a whole first part, and a tag."""

    offset: int
    size: int
    tag: str = ""
    first: int = 0

    @property
    def body(self):
        return NOISE[: self.first] + NOISE[self.offset : self.offset + self.size]


class Worker(threading.Thread):
    """Runs random operations until told to stop or until the process is gone."""

    def __init__(self, number, port, key, shared):
        super().__init__(daemon=True)
        self.random = random.Random(f"{shared.seed}-{number}")
        self.number, self.shared = number, shared
        self.states, self.buckets = {}, {}
        self.failure = None
        self._port, self._key = port, key

    def reopen(self, port):
        """A thread for the next round with this one's memory."""
        other = Worker(self.number, port, self._key, self.shared)
        other.random, other.states, other.buckets = self.random, self.states, self.buckets
        return other

    def run(self):
        client = Client(self._port, self._key)
        while not self.shared.over.is_set():
            try:
                self.step(client)
                self.shared.acknowledge()
            except (OSError, http.client.HTTPException) as error:
                if not self.shared.dying.is_set():
                    self.failure = error
                return
            except Exception as error:
                self.failure = error
                return
        client.close()

    def step(self, client):
        kinds = (self.put, self.delete, self.multipart, self.tag, self.bucket)
        self.random.choices(kinds, weights=(60, 20, 4, 8, 4))[0](client)

    def path(self):
        bucket = self.random.choice(BUCKETS)
        return f"/{bucket}/w{self.number}/dir {self.random.randrange(4)}/k{self.random.randrange(12)}"

    def begin(self, path, new):
        """Notes that the key may soon hold something else, and returns how to settle it."""
        self.states[path] = {*self.states.get(path, {ABSENT}), new}

        def settle():
            self.states[path] = {new}

        return settle

    def slice(self):
        size = self.random.choices(
            (
                self.random.randrange(10, 4096),
                self.random.randrange(4096, 128 * 1024),
                self.random.randrange(128 * 1024, MIB),
                self.random.randrange(MIB, 5 * MIB),
            ),
            weights=(60, 25, 12, 3),
        )[0]
        return Stored(self.random.randrange(len(NOISE) - size), size)

    def put(self, client):
        path, new = self.path(), self.slice()
        settle = self.begin(path, new)
        headers, _ = client.ask("PUT", path, body=new.body)
        assert headers["etag"] == f'"{hashlib.md5(new.body).hexdigest()}"'
        settle()

    def delete(self, client):
        path = self.path()
        settle = self.begin(path, ABSENT)
        client.ask("DELETE", path)
        settle()

    def multipart(self, client):
        path, new = self.path(), self.slice()
        parts = [new.body]
        if self.random.random() < 0.4:
            new = dataclasses.replace(new, first=5 * MIB)
            parts = [NOISE[: 5 * MIB], *parts]
        settle = []
        # Until the completion is sent nothing can have changed.
        client.multipart(path, parts, lambda: settle.append(self.begin(path, new)))
        settle[0]()

    def tag(self, client):
        """Puts a tag on a key that is there."""
        known = [p for p, s in self.states.items() if len(s) == 1 and s != {ABSENT}]
        if not known:
            return
        path = self.random.choice(known)
        (old,) = self.states[path]
        new = dataclasses.replace(old, tag=f"t{self.random.randrange(1000)}")
        settle = self.begin(path, new)
        document = f"<Tagging><TagSet><Tag><Key>k</Key><Value>{new.tag}</Value></Tag></TagSet></Tagging>"
        digest = base64.b64encode(hashlib.md5(document.encode()).digest()).decode()
        client.ask(
            "PUT",
            path,
            query=[("tagging", "")],
            headers=[("content-md5", digest)],
            body=document.encode(),
        )
        settle()

    def bucket(self, client):
        name = f"kill-w{self.number}-{self.random.randrange(6)}"
        (there,) = self.buckets.get(name, {False})
        self.buckets[name] = {True, False}
        client.ask("DELETE" if there else "PUT", f"/{name}")
        self.buckets[name] = {not there}


class Shared:
    """What the workers of one test have in common."""

    def __init__(self, seed):
        self.seed = seed
        self.over, self.dying, self.enough = threading.Event(), threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._left = 0

    def expect(self, operations):
        """Starts a round that is to be cut off after this many acknowledgements."""
        self.over.clear()
        self.dying.clear()
        self.enough.clear()
        self._left = operations

    def acknowledge(self):
        with self._lock:
            self._left -= 1
            if self._left <= 0:
                self.enough.set()


def verify(client, workers):
    """Compares what the process holds with what was acknowledged, and settles what was open."""
    listed = {f"/{b}/{k}": entry for b in BUCKETS for k, entry in client.list(b).items()}
    expected = set()
    for worker in workers:
        for path, possible in worker.states.items():
            found = _verify_key(client, path, possible, listed.get(path))
            worker.states[path] = {found}
            if found is not ABSENT:
                expected.add(path)
        _verify_buckets(client, worker)
    assert set(listed) == expected, "the listing holds what no one wrote, or lacks what was"
    return len(expected)


def _verify_key(client, path, possible, entry):
    try:
        headers, body = client.ask("GET", path)
    except Refused as error:
        assert error.status == 404, error
        assert ABSENT in possible, f"{path} is lost: one of {possible} was acknowledged"
        assert entry is None, f"{path} is listed and cannot be read"
        return ABSENT
    tag = _tag(client, path) if headers.get("x-amz-tagging-count") else ""
    matching = [s for s in possible if s is not ABSENT and s.tag == tag and s.body == body]
    assert matching, f"{path} holds {len(body)} bytes, tag {tag!r}, that are none of {possible}"
    head, _ = client.ask("HEAD", path)
    assert entry == (len(body), headers["etag"]) == (int(head["content-length"]), head["etag"]), path
    return matching[0]


def _tag(client, path):
    _, body = client.ask("GET", path, query=[("tagging", "")])
    return next(ElementTree.fromstring(body).iter(NAMESPACE + "Value")).text


def _verify_buckets(client, worker):
    for name, possible in worker.buckets.items():
        try:
            client.ask("HEAD", f"/{name}")
            found = True
        except Refused as error:
            assert error.status == 404, error
            found = False
        assert found in possible, f"bucket {name}: is {found}, acknowledged {possible}"
        worker.buckets[name] = {found}
