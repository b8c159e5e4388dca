"""SIGKILL under mixed concurrent load: what was acknowledged is there and whole.

`STOWGATE_KILL_ROUNDS` and `STOWGATE_KILL_SEED` change how often and which history.
"""

import http.client
import os
import random
import shutil
import threading
import time

import pytest

from gateway import MAIN, Gateway
from plain import Client
from workload import BUCKETS, Shared, Worker, verify

ROUNDS = int(os.environ.get("STOWGATE_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("STOWGATE_KILL_SEED", str(random.SystemRandom().randrange(1 << 32))))
WORKERS = 8


def check(gateway):
    """The offline check finds nothing."""
    done = gateway.check()
    assert done.returncode == 0, done.stdout + done.stderr


def compact(gateway, shared):
    """Has the log compacted again and again, until nobody answers any more."""
    while not shared.dying.is_set():
        try:
            status, answer = gateway.side("POST", "/storage/compact?dead=1")
        except (OSError, http.client.HTTPException):
            return
        assert status in (202, 409), answer
        time.sleep(0.05)


def run_round(gateway, workers, shared, operations):
    """Runs the load until so many operations were acknowledged, and kills the process within it."""
    shared.expect(operations)
    for worker in workers:
        worker.start()
    compacting = threading.Thread(target=compact, args=(gateway, shared), daemon=True)
    compacting.start()
    assert shared.enough.wait(300), [w.failure for w in workers]
    shared.dying.set()
    gateway.kill()
    shared.over.set()
    compacting.join(60)
    assert not compacting.is_alive()
    for worker in workers:
        worker.join(60)
        assert not worker.is_alive()
        if worker.failure is not None:
            raise worker.failure


@pytest.mark.timeout(600)
def test_kill(tmp_path, capsys):
    chance = random.Random(SEED)
    shared = Shared(SEED)
    gateway = Gateway(tmp_path)
    lines = []
    try:
        gateway.start()
        client = Client(gateway.port, MAIN)
        for bucket in BUCKETS:
            client.ask("PUT", f"/{bucket}")
        workers = [Worker(n, gateway.port, MAIN, shared) for n in range(WORKERS)]
        for number in range(ROUNDS):
            operations = chance.randrange(150, 900)
            run_round(gateway, workers, shared, operations)
            check(gateway)
            began = time.monotonic()
            gateway.start()
            started = time.monotonic() - began
            objects = verify(Client(gateway.port, MAIN), workers)
            lines.append(f"round {number}: {operations} operations, {objects} objects, up in {started:.2f} s")
            workers = [w.reopen(gateway.port) for w in workers]
        # The index can be thrown away: the log has everything.
        gateway.kill()
        shutil.rmtree(gateway.data / "index")
        gateway.start()
        verify(Client(gateway.port, MAIN), workers)
        lines.append("without its index: everything is back")
        # And after a clean stop.
        assert gateway.stop() == 0, gateway.tail()
        check(gateway)
        gateway.start()
        verify(Client(gateway.port, MAIN), workers)
        assert gateway.stop() == 0, gateway.tail()
    except BaseException:
        lines.append(f"failed with STOWGATE_KILL_SEED={SEED}\n{gateway.tail()}")
        raise
    finally:
        if gateway.alive():
            gateway.kill()
        with capsys.disabled():
            print("\n".join(["", *lines]))
