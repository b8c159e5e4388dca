"""The fault proxy of tests/proxy between a client and a server."""

import dataclasses
import os
import subprocess
import threading

from gateway import ROOT


def binary():
    """The proxy: STOWGATE_FAULT_PROXY, else where tests/run.sh builds it."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    path = os.environ.get(
        "STOWGATE_FAULT_PROXY", os.path.join(target, "release", "stowgate-fault-proxy")
    )
    if not os.access(path, os.X_OK):
        raise RuntimeError(
            f"no proxy at {path}: build it with "
            "`cargo build --release --manifest-path tests/proxy/Cargo.toml --target-dir target`"
        )
    return path


@dataclasses.dataclass(frozen=True)
class Request:
    """A request that came through; `header` is the one that is remembered, or "-"."""

    method: str
    target: str
    header: str
    whole: bool
    status: int | None

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]


class Proxy:
    """One running proxy in front of a port; it ends with this process, whatever happens to that."""

    def __init__(self, port, header="x-amz-meta-version"):
        self._process = subprocess.Popen(
            [binary(), f"127.0.0.1:{port}", header],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self._lock = threading.Lock()
        word, _, number = self._process.stdout.readline().partition(" ")
        assert word == "listening", word
        self.port = int(number)

    def tell(self, command):
        """Sends a command and returns the lines of its answer."""
        with self._lock:
            self._process.stdin.write(command + "\n")
            lines = []
            while True:
                line = self._process.stdout.readline()
                if line == "ok\n":
                    return lines
                if not line or line.startswith("error"):
                    raise RuntimeError(f"{command}: {line}")
                lines.append(line.rstrip("\n"))

    def fault(self, command, **limits):
        """Makes something go wrong from now on; see the table in tests/proxy/src/main.rs."""
        self.tell(" ".join([command, *(f"{k}={v}" for k, v in limits.items())]))

    def heal(self):
        self.fault("pass")

    def aim(self, port):
        """Sends new connections to another port."""
        self.tell(f"target 127.0.0.1:{port}")

    def counts(self):
        """How many connections and requests have come."""
        (line,) = self.tell("counts")
        return {name: int(value) for name, value in (pair.split("=") for pair in line.split())}

    def requests(self):
        """Every request since the start, or since they were forgotten."""
        split = (line.split("\t") for line in self.tell("requests"))
        return [
            Request(method, target, header, whole == "whole", None if status == "-" else int(status))
            for method, target, header, whole, status in split
        ]

    def forget(self):
        self.tell("forget")

    def close(self):
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
