"""Clients go on while gateway and upstream are killed: nothing is lost, nothing comes back, and
nothing older stands over anything newer."""

import concurrent.futures
import os
import random
import threading
import time

import botocore.exceptions
import pytest

from connect import connect
from gateway import MAIN

# By hand, how many objects there are, and how many kills while they are moved each way.
SMALL = int(os.environ.get("STOWGATE_MIGRATION_SMALL", "300"))
LARGE = int(os.environ.get("STOWGATE_MIGRATION_LARGE", "3"))
PARTS = int(os.environ.get("STOWGATE_MIGRATION_PARTS", "4"))
KILLS = int(os.environ.get("STOWGATE_MIGRATION_KILLS", "4"))
UPSTREAM_KILLS = int(os.environ.get("STOWGATE_MIGRATION_UPSTREAM_KILLS", "2"))
# Slow enough that the kills of a small run come on its way.
RATE = {"requests_per_second": 400} if SMALL <= 300 else {}
PART = 5 * 1024 * 1024
CLIENTS = 4
# How long a migration may take, in seconds.
PATIENCE = 240 + SMALL // 20


class Client(threading.Thread):
    """Writes, overwrites and deletes its own keys, and knows what each may be."""

    def __init__(self, site, number, keys):
        super().__init__(daemon=True)
        self.site, self.number = site, number
        self.may = {key: [key.encode()] for key in keys}
        self.random = random.Random(number)
        self.stopped = threading.Event()
        self.writes = 0

    def run(self):
        port, s3 = None, None
        while not self.stopped.wait(0.002):
            if port != self.site.gateway.port:
                port = self.site.gateway.port
                if port is None:
                    continue
                s3 = connect(self.site.gateway, MAIN, read_timeout=20, retries={"max_attempts": 0})
            key = self.random.choice(list(self.may))
            body = None if self.random.random() < 0.3 else b"%d by %d" % (self.writes, self.number)
            self.writes += 1
            # Until there is an answer, it may be either.
            self.may[key].append(body)
            try:
                if body is None:
                    s3.delete_object(Bucket=self.site.bucket, Key=key)
                else:
                    s3.put_object(Bucket=self.site.bucket, Key=key, Body=body)
            except botocore.exceptions.BotoCoreError:
                continue
            except botocore.exceptions.ClientError as error:
                assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (500, 503), error
                continue
            self.may[key] = [body]

    def stop(self):
        self.stopped.set()
        self.join(60)
        assert not self.is_alive()


def fill(site):
    keys = [f"small/{number:06}" for number in range(SMALL)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: site.put(key, key.encode()), keys))
    large = {}
    for number in range(LARGE):
        key = f"large/{number}"
        upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key=key)["UploadId"]
        where = {"Bucket": site.bucket, "Key": key, "UploadId": upload}
        parts = []
        for part in range(1, PARTS + 1):
            body = bytes([number, part]) * (PART // 2)
            etag = site.s3.upload_part(**where, PartNumber=part, Body=body)["ETag"]
            parts.append({"PartNumber": part, "ETag": etag})
        site.s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
        large[key] = site.head(key)["ETag"]
    return keys, large


def check(site, clients, large):
    listed = set(site.keys())
    for client in clients:
        for key, may in client.may.items():
            try:
                found = site.get(key)
            except site.s3.exceptions.NoSuchKey:
                found = None
            assert found in may, (key, found, may)
            assert (key in listed) == (found is not None), key
    for key, etag in large.items():
        assert site.head(key)["ETag"] == etag and len(site.get(key)) == PARTS * PART


def disturb(site, server, id, state):
    """Kills gateway and upstream again and again, as long as there is something to disturb."""
    turns = ["gateway"] * KILLS
    for turn in range(UPSTREAM_KILLS):
        turns.insert(1 + turn * len(turns) // UPSTREAM_KILLS, "upstream")
    for number, turn in enumerate(turns):
        approach(site, id, number, len(turns))
        if site.migrations.get(id)["state"] == state:
            return number
        if turn == "upstream":
            server.process.kill()
            server.process.wait()
            time.sleep(1)
            server.start()
        else:
            site.restart(kill=True)
    return len(turns)


def approach(site, id, number, kills):
    """Waits for the moment of a kill: of a large run, when a part of the objects has gone."""
    time.sleep(0.4)
    if not RATE:
        site.migrations.wait_seen(id, (SMALL + LARGE) * number // kills, PATIENCE)


@pytest.mark.parametrize("mode", ["local", "fallback"])
def test_migration_and_rollback(behind, server, mode):
    site = behind("local")
    keys, large = fill(site)
    site.restart(mode)
    clients = [Client(site, number, keys[number::CLIENTS]) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    id = site.migrations.start("s3", **RATE)
    kills = disturb(site, server, id, "done")
    view = site.migrations.over(id, seconds=PATIENCE)
    assert view["progress"]["failed"] == 0, site.migrations.report(id, outcome="failed")
    lines = [line["key"] for line in site.migrations.report(id)]
    assert len(lines) == len(set(lines)), "an object is reported once"
    site.migrations.ask(id, "rollback")
    kills += disturb(site, server, id, "rolled_back")
    for client in clients:
        client.stop()
    site.migrations.over(id, "rolled_back", seconds=PATIENCE)
    site.drained(120)
    check(site, clients, large)
    site.restart("local")
    site.drained(120)
    writes = sum(client.writes for client in clients)
    print(f"{mode}: {writes} writes, {kills} kills, {view['progress']}")
    assert kills > 2 and writes > 100
    for key in large:
        assert key not in site.keys_there()
    if mode == "local":
        check(site, clients, large)
        assert site.keys_there() == [], "nothing is left upstream"
