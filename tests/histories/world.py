"""One gateway with buckets in all modes, its upstream, and what is wrong with them at the moment."""

import threading
import time

from behind import (
    bucket_toml,
    decides_conditions,
    fresh_bucket,
    spool_of,
    spool_toml,
    upstream_toml,
    waiting,
)
from connect import connect
from fault_proxy import Proxy
from gateway import MAIN, Gateway
from plain import Client, Refused
from waiting import eventually

MODES = ("local", "upstream", "fallback")
# How long after the upstream's return an answer may still be 503.
GRACE = 15.0
# Long enough for a busy machine, on which nothing else may be taken for an outage.
TIMES = {"connect_timeout": "2s", "first_byte_timeout": "4s", "stall_timeout": "4s"}


def exists(client, bucket):
    try:
        client.ask("HEAD", f"/{bucket}")
    except Refused:
        return False
    return True


class World:
    """What the clients of one history share."""

    def __init__(self, server, directory):
        self.server = server
        self.conditional = decides_conditions(server)
        self.proxy = Proxy(server.port)
        self.up = connect(server, server.key)
        self.modes = {fresh_bucket(): mode for mode in MODES}
        # Buckets that were in local mode at any time: what is upstream is not all of them.
        self.once_local = {bucket for bucket, mode in self.modes.items() if mode == "local"}
        for bucket in self.modes:
            self.up.create_bucket(Bucket=bucket)
        self.gateway = Gateway(directory, config=self._config())
        self.serving, self.over = threading.Event(), threading.Event()
        # Counts the starts: what began under another one may have lost its answer.
        self.life = 0
        self._last_fault = None
        self._faulty = False
        self._fault = ("pass", {})

    def _config(self):
        text = upstream_toml(f"http://127.0.0.1:{self.proxy.port}", self.server.key, **TIMES)
        text += spool_toml(max_backoff="1s")
        for bucket, mode in self.modes.items():
            text += bucket_toml(bucket, mode, upstream="main")
        return text

    def start(self):
        self.gateway.configure(self._config())
        self.gateway.start()
        client = self.client()
        eventually(lambda: all(exists(client, bucket) for bucket in self.modes), 30, "the buckets")
        self.life += 1
        self.serving.set()

    def end(self, kill):
        self.serving.clear()
        if kill:
            self.gateway.kill()
            # What it had sent arrives now or never: a network that delivers it after a later write
            # of the next process is beyond what the gateway can know of.
            command, limits = self._fault
            self.proxy.fault("refuse")
            self.proxy.fault(command, **limits)
        else:
            assert self.gateway.stop() == 0, self.gateway.tail()

    def restart(self, chance, kill, switch):
        """Ends it and starts it again, perhaps with every bucket in another mode."""
        self.end(kill)
        if switch:
            modes = list(self.modes.values())
            chance.shuffle(modes)
            self.modes = dict(zip(self.modes, modes))
            self.once_local |= {bucket for bucket, mode in self.modes.items() if mode == "local"}
        self.start()

    def fault(self, command, **limits):
        self._faulty = True
        self._fault = (command, limits)
        self.proxy.fault(command, **limits)

    def heal(self):
        self._fault = ("pass", {})
        self.proxy.heal()
        if self._faulty:
            self._last_fault = time.monotonic()
        self._faulty = False

    def away(self, begun):
        """Whether a call that began then may be told now that the upstream is away."""
        return self._faulty or (self._last_fault is not None and begun - self._last_fault < GRACE)

    def client(self):
        return Client(self.gateway.port, MAIN, timeout=90)

    def spool(self):
        return spool_of(self.gateway)

    def drained(self, seconds=90):
        eventually(
            lambda: waiting(self.spool()) == 0, seconds, lambda: f"an empty spool: {self.spool()}"
        )

    def close(self):
        try:
            if self.gateway.alive():
                self.gateway.kill()
        finally:
            self.proxy.close()
