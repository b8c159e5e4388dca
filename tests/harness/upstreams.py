"""S3 servers that a gateway can stand in front of, each started on a port of its own.

- `moto`: a Python package that believes any key; an independent reading of S3.
- `versitygw`: a real server over files, which checks signatures.
- `stowgate`: another gateway, with everything on its disk.

Which can be had is `available`; a test says with `WHERE` what an upstream does otherwise than S3.
"""

import contextlib
import dataclasses
import http.client
import os
import pathlib
import socket
import subprocess
import time

from gateway import Gateway, Key, clean_environment
from waiting import end_process

KEY = Key("AKUPSTREAMEXAMPLE", "upstream/secret+key/01234", "admin", "upstream-id", "Upstream")


@dataclasses.dataclass(frozen=True)
class Traits:
    """What is to be known of a server."""

    # Refuses a request whose key or signature is wrong.
    checks_keys: bool = True
    # Keys are paths of files: `a` and `a/b` exclude each other, and so on.
    files: bool = False
    # Has been shown to fail conditional writes as S3 does.
    conditional_writes: bool = True
    # Says of a page that more follows only where that is so, whatever prefix and delimiter say.
    exact_pages: bool = True
    # Takes as much as came of a request that breaks off for the whole.
    takes_cut_requests: bool = False
    # Knows an upload by its id alone, whatever key it is asked for with.
    mixes_uploads: bool = False
    # Serves HTTPS.
    tls: bool = True


TRAITS = {
    "moto": Traits(checks_keys=False, tls=False, takes_cut_requests=True, mixes_uploads=True),
    "versitygw": Traits(files=True, exact_pages=False),
    "stowgate": Traits(),
}


def free_port():
    with contextlib.closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Server:
    """A process that serves S3 on a loopback port. It can be stopped, killed and started again on
    the same port."""

    tls = None

    def __init__(self, name, directory):
        self.name, self.key = name, KEY
        self.traits = TRAITS[name]
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.port = None
        self.process = None

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        raise NotImplementedError

    def start(self, seconds=60):
        self.port = self.port or free_port()
        with open(self.directory / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=self.directory,
            )
        end = time.monotonic() + seconds
        while not self._answers():
            assert self.process.poll() is None, (self.directory / "server.log").read_text()[-4000:]
            assert time.monotonic() < end, f"{self.name} does not answer"
            time.sleep(0.05)
        return self

    def _answers(self):
        try:
            if self.tls:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5):
                    return True
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", "/")
                connection.getresponse().read()
                return True
        except OSError:
            return False

    def stop(self):
        end_process(self.process)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


class Moto(Server):
    """moto's server; it forgets everything when it ends."""

    def command(self):
        return [_moto(), "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]


class Versity(Server):
    """versitygw over a directory."""

    def __init__(self, name, directory, tls=None):
        super().__init__(name, directory)
        self.tls = tls
        (self.directory / "buckets").mkdir(exist_ok=True)

    def command(self):
        secure = ["--cert", self.tls.cert, "--key", self.tls.key] if self.tls else []
        return [
            _versity(), "--port", f"127.0.0.1:{self.port}", "--access", self.key.access,
            "--secret", self.key.secret, "--region", "us-east-1", "--keep-alive", "--quiet", *secure,
            "posix", str(self.directory / "buckets"),
        ]


class Stowgate(Server):
    """A gateway of local buckets."""

    def __init__(self, name, directory, tls=None):
        super().__init__(name, directory)
        self.tls = tls
        self.gateway = Gateway(self.directory, keys=(self.key,), tls=tls)

    def start(self, seconds=30):
        self.gateway.start(seconds)
        self.port, self.process = self.gateway.port, self.gateway.process
        return self

    def stop(self):
        if self.gateway.alive():
            self.gateway.stop()


_KINDS = {"moto": Moto, "versitygw": Versity, "stowgate": Stowgate}


def make(name, directory, **settings):
    """A server of that name that is not started yet."""
    return _KINDS[name](name, directory, **settings)


def _moto():
    return os.environ.get("STOWGATE_MOTO_PYTHON", "")


def _versity():
    return os.environ.get("STOWGATE_VERSITYGW", "")


def available(name):
    """Whether the server can be had: tests/run.sh says where it is."""
    path = {"moto": _moto, "versitygw": _versity, "stowgate": lambda: "/bin/true"}[name]()
    return bool(path) and os.access(path, os.X_OK)


def chosen():
    """The servers to test with: STOWGATE_UPSTREAMS, separated by commas, else all that there are."""
    if names := os.environ.get("STOWGATE_UPSTREAMS"):
        missing = [name for name in names.split(",") if not available(name)]
        assert not missing, f"not to be had: {missing}"
        return names.split(",")
    return [name for name in _KINDS if available(name)]
