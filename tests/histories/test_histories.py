"""Random histories against the model: several clients, all modes, an upstream that fails in every
way, and a gateway that is killed at random moments.

`STOWGATE_HISTORIES` says how many, `STOWGATE_HISTORY_SEED` which one to begin with, and
`STOWGATE_HISTORY_STEPS` how many operations each has. Threads are not replayed exactly: a seed
that failed may take a few tries.
"""

import os
import random
import time

import pytest

import upstreams
from actor import Actor, Everything
from gateway import MAIN
from model import SharedKey, Wrong
from plain import Client, Refused
from waiting import eventually
from world import World

COUNT = int(os.environ.get("STOWGATE_HISTORIES", "20"))
STEPS = int(os.environ.get("STOWGATE_HISTORY_STEPS", "400"))
FIRST = int(os.environ.get("STOWGATE_HISTORY_SEED", str(random.SystemRandom().randrange(1 << 24))))
ACTORS = 4

FAULTS = (
    ("refuse", {}),
    ("refuse", {}),
    ("reset", {}),
    ("blackhole", {}),
    ("answer 503 SlowDown", {}),
    ("answer 500 InternalError", {}),
    ("answer 403 InvalidAccessKeyId", {}),
    ("answer 404 NoSuchBucket", {}),
    ("cut down 0", {}),
    ("cut down 200", {}),
    ("cut up 100", {}),
    ("cut up 100000", {}),
    ("delay 100", {}),
    ("throttle 2000000", {}),
    ("cut down 0", {"times": 3}),
    ("cut down 0", {"method": "PUT"}),
    ("cut down 0", {"method": "DELETE"}),
    ("answer 503 SlowDown", {"method": "PUT"}),
    ("answer 403 AccessDenied", {"method": "DELETE"}),
    ("blackhole", {"method": "GET"}),
    ("blackhole", {"times": 2}),
    ("reset", {"times": 5}),
)


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Every upstream, running."""
    running = []
    try:
        for name in upstreams.chosen():
            running.append(upstreams.make(name, tmp_path_factory.mktemp(name)).start())
        yield running
    finally:
        for server in running:
            server.stop()


def disturb(world, chance, log):
    """Something happens: a fault, its end, a crash, a restart in other modes."""
    roll = chance.random()
    if roll < 0.45:
        command, limits = chance.choice(FAULTS)
        if command.startswith("cut up") and world.server.traits.takes_cut_requests:
            command = "cut down 0"
        log.append(f"{time.monotonic():.3f} fault {command} {limits}")
        world.fault(command, **limits)
    elif roll < 0.7:
        log.append(f"{time.monotonic():.3f} healed")
        world.heal()
    else:
        kill, switch = roll < 0.92, chance.random() < 0.35
        log.append(f"{time.monotonic():.3f} {'killed' if kill else 'stopped'}")
        world.restart(chance, kill, switch)
        log.append(f"{time.monotonic():.3f} serving, modes {list(world.modes.values())}")


def run(world, actors, chance, log):
    """Lets the clients work and things happen until there were enough operations."""
    for actor in actors:
        actor.start()
    at, end = 0, time.monotonic() + 300
    while not world.over.is_set():
        at += chance.randrange(10, 50)
        while sum(a.done for a in actors) < min(at, STEPS) and not world.over.is_set():
            if time.monotonic() > end:
                raise Wrong(f"only {sum(a.done for a in actors)} of {STEPS} operations in 300 s")
            time.sleep(0.01)
        if sum(a.done for a in actors) >= STEPS or world.over.is_set():
            break
        disturb(world, chance, log)
    world.over.set()
    for actor in actors:
        actor.join(120)
        assert not actor.is_alive()
    for actor in actors:
        if actor.failure is not None:
            raise actor.failure


def settle(world, actors, shared, log):
    """Everything is well again: what is there is what was acknowledged, here and upstream."""
    log.append(f"{time.monotonic():.3f} all is healed")
    world.heal()
    world.drained()
    for bucket in world.modes:
        compare(world, bucket, actors, shared)
    world.end(kill=True)
    world.start()
    for bucket in world.modes:
        compare(world, bucket, actors, shared)


def compare(world, bucket, actors, shared):
    client = Client(world.gateway.port, MAIN)
    # What the upstream's return means for this bucket may not have been noticed yet.
    eventually(lambda: answers(client, bucket), 20, f"a listing of {bucket}")
    listed = client.list(bucket)
    there = set()
    for page in world.up.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        there.update(o["Key"] for o in page.get("Contents", ()))
    # A trial of the permissions that was killed leaves its object.
    there = {key for key in there if not key.startswith(".stowgate-probe-")}
    known = set()
    for actor in actors:
        actor.adopt()
        for key in actor.keys[bucket]:
            known.add(key.path.split("/", 2)[2])
            found = actor.fetch(key.path, set(key.possible), whole=True)
            if found is False:
                raise Wrong(f"{key.path} cannot be read although all is well")
            key.seen(found)
            Actor.listed(key, listed.get(key.path.split("/", 2)[2]))
    for key in shared:
        if key.path.startswith(f"/{bucket}/"):
            known.add(key.path.split("/", 2)[2])
            began = time.monotonic()
            key.seen(actors[0].fetch(key.path, Everything(key), whole=True), began)
    if strangers := set(listed) - known:
        raise Wrong(f"{bucket} lists what nobody wrote: {strangers}")
    if risen := there - set(listed):
        raise Wrong(f"upstream {bucket} still holds what is deleted: {risen}")
    if bucket not in world.once_local and (lacking := set(listed) - there):
        raise Wrong(f"upstream {bucket} lacks {lacking}")
    if world.modes[bucket] == "local":
        # What was to be forwarded waits for another mode, and what it replaces upstream stays.
        return
    for name in there:
        headers, body = client.ask("GET", f"/{bucket}/{name}")
        answer = world.up.get_object(Bucket=bucket, Key=name)
        if answer["Body"].read() != body or listed[name] != (len(body), headers["etag"]):
            raise Wrong(f"{bucket}/{name} differs upstream")
        if answer["Metadata"].get("version") != headers["x-amz-meta-version"]:
            raise Wrong(f"{bucket}/{name} has another version upstream")


def answers(client, bucket):
    try:
        client.list(bucket)
    except Refused:
        return False
    return True


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_history(servers, tmp_path, seed):
    chance = random.Random(seed)
    server = servers[seed % len(servers)]
    log = [f"seed {seed}, upstream {server.name}"]
    world = World(server, tmp_path)
    try:
        world.start()
        shared = [SharedKey(f"/{bucket}/shared/k{n}") for bucket in world.modes for n in range(2)]
        actors = []
        for number in range(ACTORS):
            Actor(number, world, seed, shared, actors, log)
        run(world, actors, chance, log)
        settle(world, actors, shared, log)
    except BaseException as error:
        kept = tmp_path / "history.log"
        kept.write_text("\n".join(log))
        print(f"STOWGATE_HISTORY_SEED={seed} STOWGATE_HISTORIES=1 (upstream {server.name}); history in {kept}")
        print("\n".join(telling(log, str(error))))
        print(world.gateway.tail(6000))
        raise
    finally:
        world.close()


def telling(log, message):
    """The lines of the log that concern the key that the error names, and all that happened."""
    words = [w.strip(":,") for w in message.split() if w.startswith("/")]
    chosen = [l for l in log if "client" not in l or any(w in l for w in words)]
    return chosen[-120:]
