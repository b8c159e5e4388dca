"""Runs an application in the Python environment that its requirements made. It is told the endpoint
and the keys by the environment alone, as for any S3 service."""

import os
import pathlib
import re
import subprocess
import threading

from gateway import ROOT, clean_environment
from waiting import end_process

HERE = pathlib.Path(__file__).resolve().parent


def home(name):
    """The Python environment of an application: below STOWGATE_VENVS, else where tests/run.sh makes
    it."""
    target = os.environ.get("CARGO_TARGET_DIR", str(ROOT / "target"))
    venvs = pathlib.Path(os.environ.get("STOWGATE_VENVS", os.path.join(target, "venv")))
    python = venvs / f"app-{name}" / "bin"
    if not (python / "python").exists():
        raise RuntimeError(f"no environment at {python}: tests/run.sh apps makes it")
    return python


def storage_environment(endpoint, key):
    """What is changed in an application's environment: its endpoint and its keys."""
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": key.access,
        "AWS_SECRET_ACCESS_KEY": key.secret,
        "AWS_REGION": "us-east-1",
    }


class Application:
    """A running application."""

    def __init__(self, name, directory, command, environment):
        self.name = name
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._command = command
        self.environment = environment
        self.port = None
        self.process = None

    def _environment(self):
        return {
            **clean_environment(),
            "PYTHONPATH": str(HERE / self.name),
            "PYTHONDONTWRITEBYTECODE": "1",
            **self.environment,
        }

    def run(self, *arguments):
        """Runs one of its commands to its end."""
        done = subprocess.run(
            [home(self.name) / "python", *arguments],
            cwd=self.directory,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def start(self, seconds=60):
        listening = threading.Event()
        self.process = subprocess.Popen(
            [home(self.name) / "python", "-m", *self._command],
            cwd=self.directory,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        threading.Thread(target=self._drain, args=(listening,), daemon=True).start()
        assert listening.wait(seconds) and self.port, self.tail()
        return self

    def _drain(self, listening):
        with open(self.log, "ab") as log:
            for line in self.process.stdout:
                log.write(line)
                log.flush()
                if found := re.search(rb"http://127\.0\.0\.1:(\d+)", line):
                    self.port = self.port or int(found.group(1))
                    listening.set()
        listening.set()

    @property
    def log(self):
        return self.directory / "application.log"

    @property
    def base(self):
        return f"http://127.0.0.1:{self.port}"

    def tail(self):
        return self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""

    def stop(self):
        end_process(self.process)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()


def gunicorn(wsgi, port=0):
    """The command that serves a WSGI application, on a free port where none is given."""
    return ["gunicorn", "--bind", f"127.0.0.1:{port}", "--threads", "4", "--graceful-timeout", "5", wsgi]
