"""A steady load of writes through an outage of the upstream.

`STOWGATE_OUTAGE_SECONDS` makes it longer: 600 by hand.
"""

import collections
import hashlib
import os
import random
import threading
import time

import pytest

from connect import connect
from gateway import MAIN

SECONDS = float(os.environ.get("STOWGATE_OUTAGE_SECONDS", "20"))
WRITERS = 4
NOISE = random.Random(3).randbytes(1 << 20)


class Writer(threading.Thread):
    """Writes its own keys over and over, each version marked, and never expects a refusal."""

    def __init__(self, number, site, over):
        super().__init__(daemon=True)
        self.number, self.site, self.over = number, site, over
        self.random = random.Random(number)
        self.s3 = connect(site.gateway, MAIN, read_timeout=60)
        # Each key's last version, None where it was deleted, and every version's body and ETag.
        self.last, self.versions = {}, {}
        self.failure = None

    def run(self):
        count = 0
        try:
            while not self.over.is_set():
                count += 1
                self.step(f"w{self.number}/k{self.random.randrange(25)}", f"{self.number}.{count}")
                time.sleep(0.005)
        except Exception as error:
            self.failure = error

    def step(self, key, version):
        at = {"Bucket": self.site.bucket, "Key": key}
        if self.random.random() < 0.1:
            self.s3.delete_object(**at)
            self.last[key] = None
            return
        size = self.random.choice((0, 10, 3000, 60_000, 300_000))
        start = self.random.randrange(len(NOISE) - size)
        body = version.encode() + NOISE[start : start + size]
        etag = self.s3.put_object(
            **at, Body=body, ContentType="text/x-load", Metadata={"version": version}
        )["ETag"]
        assert etag == f'"{hashlib.md5(body).hexdigest()}"'
        self.last[key] = version
        self.versions[version] = (body, etag)


def wait(writers, seconds):
    """Lets them work so long; fails as soon as one of them does."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for writer in writers:
            if writer.failure is not None:
                raise writer.failure
        time.sleep(0.1)


@pytest.mark.timeout(SECONDS * 4 + 300)
@pytest.mark.parametrize("fault", ["refuse", "blackhole"])
def test_every_write_is_acknowledged_and_forwarded_once(behind, fault, capsys):
    site = behind("fallback")
    over = threading.Event()
    writers = [Writer(n, site, over) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    try:
        wait(writers, 3)
        site.proxy.fault(fault)
        wait(writers, SECONDS)
        site.proxy.heal()
        wait(writers, 5)
    finally:
        over.set()
        for writer in writers:
            writer.join(60)
    assert not [w.failure for w in writers if w.failure]
    site.drained(60 + SECONDS)
    last = {key: version for w in writers for key, version in w.last.items() if version}
    versions = {version: it for w in writers for version, it in w.versions.items()}
    with capsys.disabled():
        print(f"\n{len(versions)} writes were acknowledged")
    assert site.keys() == site.keys_there() == sorted(last)
    for key, version in last.items():
        body, etag = versions[version]
        there = site.get_there(key)
        assert there["Content"] == body, key
        assert there["Metadata"] == {"version": version} and there["ContentType"] == "text/x-load"
        assert site.head(key)["ETag"] == etag, key
        assert site.get(key) == body
    in_order_and_once(site, last)


def in_order_and_once(site, last):
    """What the proxy saw: of each key ascending versions, none of them taken twice, none after the
    last."""
    taken = collections.defaultdict(list)
    for request in site.proxy.requests():
        begins = request.method == "PUT" or (request.method == "POST" and request.query == "uploads=")
        if begins and request.header != "-" and request.status is not None and request.status < 300:
            taken[request.path.partition(site.there + "/")[2]].append(request.header)
    assert taken
    for key, seen in taken.items():
        numbers = [int(version.partition(".")[2]) for version in seen]
        assert numbers == sorted(set(numbers)), f"{key}: {seen}"
        if last.get(key):
            assert seen[-1] == last[key], f"{key}: {seen}, last {last[key]}"
