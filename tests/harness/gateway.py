"""Starts the gateway's binary on a free port, waits until it serves, and ends it.

Knows the command line and the configuration file, nothing of S3.
"""

import contextlib
import dataclasses
import http.client
import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """The binary under test: STOWGATE_BIN, else the release build."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    path = os.environ.get("STOWGATE_BIN", os.path.join(target, "release", "stowgate"))
    if not os.access(path, os.X_OK):
        raise RuntimeError(f"no binary at {path}: build it with `cargo build --release`")
    return path


@dataclasses.dataclass(frozen=True)
class Key:
    """One access key and the owner that it acts for."""

    access: str
    secret: str
    role: str
    owner: str
    name: str
    # The policy of a key with the role policy, as JSON.
    policy: str = ""
    # The company that the key is bound to.
    company: str = ""

    def toml(self):
        policy = f"policy = '''\n{self.policy}'''\n" if self.policy else ""
        company = f'company = "{self.company}"\n' if self.company else ""
        return (
            "[[key]]\n"
            f'access_key = "{self.access}"\n'
            f'secret_key = "{self.secret}"\n'
            f'role = "{self.role}"\n'
            f'user_id = "{self.owner}"\n'
            f'display_name = "{self.name}"\n'
            f'email = "{self.owner}@example.com"\n{policy}{company}\n'
        )


MAIN = Key("AKMAINEXAMPLE", "main/secret+key/0123456789", "admin", "main-canonical-id", "Main")
ALT = Key("AKALTEXAMPLE", "alt-secret-key-0123456789", "read-write", "alt-canonical-id", "Alt")
THIRD = Key("AKTHIRDEXAMPLE", "third-secret-key-01234567", "read-write", "third-canonical-id", "Third")
# Reads what Alt owns and can write nothing.
READER = Key("AKREADEREXAMPLE", "reader-secret-key-012345", "read-only", "alt-canonical-id", "Alt")
KEYS = (MAIN, ALT, THIRD, READER)
# The key of a gateway that was given none.
BUILT_IN = Key("stowgate", "stowgate-secret", "admin", "stowgate", "stowgate")

# What opens the side API.
TOKEN = "side-api-token-0123456789abcdef"


class NotServing(RuntimeError):
    """The process ended, or did not serve within its time."""


class Gateway:
    """One running process on its own data directory. Without keys it has no configuration file: the
    environment says everything, and the key is the built-in one."""

    def __init__(self, directory, keys=KEYS, config="", tls=None, environment=None):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.data = self.directory / "data"
        self.log = self.directory / "gateway.log"
        self.tls = tls
        self.process = None
        self.port = None
        self.environment = dict(environment or {})
        self._keys = keys
        self._config = self.directory / "stowgate.toml"
        if keys is not None:
            self.configure(config)

    def configure(self, config):
        """Writes the configuration file of the next start."""
        text = f'listen = "127.0.0.1:0"\ndata_dir = "{self.data}"\n\n' + config + "\n"
        if self.tls is not None:
            text += f'[tls]\ncert = "{self.tls.cert}"\nkey = "{self.tls.key}"\n\n'
        self._config.write_text(text + "".join(k.toml() for k in self._keys))
        self._config.chmod(0o600)

    @property
    def scheme(self):
        return "https" if self.tls else "http"

    @property
    def endpoint(self):
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def start(self, seconds=30):
        """Starts it and returns once it says that it serves objects."""
        listening = threading.Event()
        self.port = None
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [binary(), "serve", *self._arguments()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**clean_environment(), "STOWGATE_ADMIN_TOKEN": TOKEN, **self.environment},
                cwd=self.directory,
            )
        threading.Thread(
            target=self._drain, args=(self.process.stdout, listening), daemon=True
        ).start()
        if not listening.wait(seconds) or self.port is None:
            raise NotServing(f"no listening line; its log:\n{self.tail()}")
        self.wait_ready(seconds)
        return self

    def _arguments(self):
        if self._keys is None:
            return ["--listen", "127.0.0.1:0", "--data-dir", str(self.data)]
        return ["--config", str(self._config)]

    def _drain(self, stream, listening):
        with open(self.log, "ab") as log:
            for line in stream:
                log.write(line)
                log.flush()
                found = re.search(rb"listening on https?://\S*?:(\d+)", line)
                if found and self.port is None:
                    self.port = int(found.group(1))
                    listening.set()
        listening.set()

    def wait_ready(self, seconds=30):
        """Polls the readiness endpoint until it answers 200."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.alive():
                raise NotServing(f"it ended while starting; its log:\n{self.tail()}")
            if self.ready():
                return
            time.sleep(0.02)
        raise NotServing(f"not ready after {seconds} s; its log:\n{self.tail()}")

    def ready(self):
        if self.tls:
            context = ssl.create_default_context(cafile=self.tls.cert)
            connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5, context=context)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            try:
                connection.request("GET", "/storage/health/ready")
                return connection.getresponse().status == 200
            except OSError:
                return False

    def side(self, method, path, timeout=60):
        """Calls the side API: the status and the decoded JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"authorization": f"Bearer {TOKEN}"})
            response = connection.getresponse()
            body = response.read()
            try:
                return response.status, json.loads(body)
            except ValueError:
                raise AssertionError(f"{method} {path}: {response.status} {body[:300]!r}") from None

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """SIGKILL, as a crash."""
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=30):
        """SIGTERM, and its exit code."""
        if self.alive():
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise NotServing(f"SIGTERM did not end it in {seconds} s; its log:\n{self.tail()}") from None

    def check(self, *arguments):
        """Runs the offline check on its data directory."""
        return subprocess.run(
            [binary(), "check", "--data-dir", str(self.data), *arguments],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=120,
        )

    def status(self, field):
        """A field of /proc/PID/status, such as VmHWM, in KiB."""
        with open(f"/proc/{self.pid}/status", encoding="ascii") as file:
            for line in file:
                name, _, value = line.partition(":")
                if name == field:
                    return int(value.split()[0])
        raise KeyError(field)

    def tail(self, size=4000):
        return self.log.read_bytes()[-size:].decode("utf-8", "replace") if self.log.exists() else ""

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        if self.alive():
            self.stop()


def clean_environment():
    """The environment without what would configure the gateway or a client behind the test's back."""
    names = ("STOWGATE_", "AWS_", "S3_", "STORAGE_BACKEND", "USE_CLOUD_STORAGE")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(names)}
    kept.update(NO_PROXY="127.0.0.1,localhost", no_proxy="127.0.0.1,localhost")
    return kept
