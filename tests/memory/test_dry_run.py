"""A plan of a migration takes the same memory whatever the number of objects.

The index has memory of its own, as every reader of it fills it: all objects are listed before, and
what the plan takes beyond that is measured.

`STOWGATE_MEMORY_OBJECTS` sets the number that is compared with a thousand.
"""

import os
import threading

import pytest

import upstreams
from behind import bucket_toml, upstream_toml
from gateway import MAIN, Gateway
from plain import Client

OBJECTS = int(os.environ.get("STOWGATE_MEMORY_OBJECTS", "200000"))
FEW = 1000
LIMIT_KIB = 32 * 1024
WRITERS = 8


def fill(port, count):
    failures = []

    def write(writer):
        client = Client(port, MAIN)
        try:
            for number in range(writer, count, WRITERS):
                key = f"attachments/invoice/company_{number % 50}/2025-01-01/120000_{number:08d}_a.pdf"
                client.ask("PUT", f"/front/{key}", body=b"x")
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures, failures


def planned(directory, server, count):
    """The peaks of a process before and after a plan, in KiB."""
    config = upstream_toml(server.endpoint, server.key) + bucket_toml(
        "front", "local", upstream="main", upstream_bucket="there"
    )
    # The index's cache fills up to its own bound, whoever reads.
    config += '[store]\ncache_size = "4 MiB"\n'
    gateway = Gateway(directory, config=config).start()
    try:
        fill(gateway.port, count)
        assert gateway.stop() == 0, gateway.tail()
        gateway.start()
        for _ in range(2):
            assert len(Client(gateway.port, MAIN).list("front")) == count
        before = gateway.status("VmHWM")
        status, plan = gateway.side("POST", "/storage/migrate-to-s3?dry_run=true", timeout=600)
        assert status == 200, plan
        assert (plan["objects"], len(plan["by_company"])) == (count, 50)
        return before, gateway.status("VmHWM")
    finally:
        gateway.stop()


@pytest.mark.timeout(7200)
def test_dry_runs(tmp_path, capsys):
    with upstreams.make("stowgate", tmp_path / "upstream") as server:
        Client(server.port, server.key).ask("PUT", "/there")
        few = planned(tmp_path / "few", server, FEW)
        many = planned(tmp_path / "many", server, OBJECTS)
    with capsys.disabled():
        print()
        for count, (before, after) in ((FEW, few), (OBJECTS, many)):
            print(f"plan of {count}: peak {before / 1024:.1f} MiB before, {after / 1024:.1f} MiB after")
    assert (many[1] - many[0]) - (few[1] - few[0]) < LIMIT_KIB
