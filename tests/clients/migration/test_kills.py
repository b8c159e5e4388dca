"""Clients go on while gateway and upstream are killed: nothing is lost, nothing comes back, and
nothing older stands over anything newer."""

import os
import random
import threading
import time

import botocore.exceptions
import pytest

from connect import connect
from gateway import MAIN

SCALE = int(os.environ.get("STOWGATE_MIGRATION_SCALE", "1"))
SMALL = 300 * SCALE
LARGE = 3
PART = 5 * 1024 * 1024
CLIENTS = 4


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
    keys = [f"small/{number:05}" for number in range(SMALL)]
    for key in keys:
        site.put(key, key.encode())
    large = {}
    for number in range(LARGE):
        key = f"large/{number}"
        upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key=key)["UploadId"]
        where = {"Bucket": site.bucket, "Key": key, "UploadId": upload}
        parts = []
        for part in range(1, 5):
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
        assert site.head(key)["ETag"] == etag and len(site.get(key)) == 4 * PART


def disturb(site, server, id, state):
    """Kills the gateway four times and the upstream twice, if there is time."""
    for turn in range(6):
        time.sleep(0.4)
        if site.migrations.get(id)["state"] == state:
            return turn
        if turn % 3 == 1:
            server.process.kill()
            server.process.wait()
            time.sleep(1)
            server.start()
        else:
            site.restart(kill=True)
    return 6


@pytest.mark.parametrize("mode", ["local", "fallback"])
def test_migration_and_rollback(behind, server, mode):
    site = behind("local")
    keys, large = fill(site)
    site.restart(mode)
    clients = [Client(site, number, keys[number::CLIENTS]) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    id = site.migrations.start("s3", requests_per_second=400)
    kills = disturb(site, server, id, "done")
    view = site.migrations.over(id, seconds=240)
    assert view["progress"]["failed"] == 0, site.migrations.report(id, outcome="failed")
    lines = [line["key"] for line in site.migrations.report(id)]
    assert len(lines) == len(set(lines)), "an object is reported once"
    site.migrations.ask(id, "rollback")
    kills += disturb(site, server, id, "rolled_back")
    for client in clients:
        client.stop()
    site.migrations.over(id, "rolled_back", seconds=240)
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
