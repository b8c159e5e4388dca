"""Peak memory stays the same whatever the size of an object.

`STOWGATE_MEMORY_MIB` sets the object's size: 5120 for the figure that is published, by hand.
"""

import os
import threading
import time

import pytest

from gateway import MAIN, Gateway
from plain import Client

MIB = 1 << 20
SIZE = int(os.environ.get("STOWGATE_MEMORY_MIB", "512")) * MIB
LIMIT_KIB = 96 * 1024
PART = 64 * MIB
READERS = 8
BLOCK = os.urandom(MIB)


def blocks(size):
    """A body made as it is sent. Each block differs, so that misplaced ones are noticed."""
    for start in range(0, size, MIB):
        mark = start.to_bytes(8, "big")
        yield (mark + BLOCK[8:])[: min(MIB, size - start)]


def consume(port, path, size, failures):
    """Reads an object and checks the mark of each block."""
    try:
        response = Client(port, MAIN, timeout=600).call("GET", path)
        assert response.status == 200, response.status
        for start in range(0, size, MIB):
            length = min(MIB, size - start)
            block = bytearray()
            while len(block) < length:
                piece = response.read(length - len(block))
                assert piece, f"ended at {start + len(block)} of {size}"
                block += piece
            assert block[:8] == start.to_bytes(8, "big")[:length]
            assert block[8:] == BLOCK[8:length]
        assert response.read(1) == b""
    except Exception as error:
        failures.append(error)


@pytest.mark.timeout(7200)
def test_memory(tmp_path, capsys):
    lines = [f"objects of {SIZE // MIB} MiB, limit {LIMIT_KIB // 1024} MiB"]

    def note(gateway, what, began):
        peak = gateway.status("VmHWM")
        took = time.monotonic() - began
        lines.append(f"after {what}: peak {peak / 1024:.1f} MiB, {took:.1f} s")
        assert peak < LIMIT_KIB, lines

    with Gateway(tmp_path) as gateway:
        client = Client(gateway.port, MAIN, timeout=600)
        client.ask("PUT", "/memory-test")
        try:
            began = time.monotonic()
            client.ask("PUT", "/memory-test/single", body=blocks(SIZE), length=SIZE)
            note(gateway, "one PUT", began)

            began = time.monotonic()
            parts = [(part(start), min(PART, SIZE - start)) for start in range(0, SIZE, PART)]
            client.multipart("/memory-test/parts", parts)
            note(gateway, f"a multipart upload of {len(parts)} parts", began)

            for path in ("/memory-test/single", "/memory-test/parts"):
                began, failures = time.monotonic(), []
                threads = [
                    threading.Thread(target=consume, args=(gateway.port, path, SIZE, failures))
                    for _ in range(READERS)
                ]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                assert not failures, failures
                note(gateway, f"{READERS} downloads at once of {path}", began)
        finally:
            with capsys.disabled():
                print("\n".join(["", *lines]))


def part(start):
    """The blocks of one part, with the marks that they have in the whole object."""
    for at in range(start, min(start + PART, SIZE), MIB):
        yield (at.to_bytes(8, "big") + BLOCK[8:])[: min(MIB, SIZE - at)]
