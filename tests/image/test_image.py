"""What the Dockerfile says, done by hand: its build command, then the binary as its user.

No image is built: the instructions are read and carried out on this machine.
"""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import time

import pytest

from gateway import ROOT, binary, clean_environment

INSTRUCTION = re.compile(r"^([A-Z]+)\s+(.*)$")


def instructions():
    """The Dockerfile's instructions as pairs, continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    return [m.groups() for line in text.splitlines() if (m := INSTRUCTION.match(line))]


def only(name):
    """The argument of an instruction that stands once."""
    (value,) = [v for n, v in instructions() if n == name]
    return value


def variables():
    return dict(word.split("=", 1) for n, v in instructions() if n == "ENV" for word in shlex.split(v))


def test_the_build_command():
    (command,) = [v for n, v in instructions() if n == "RUN" and v.startswith("cargo build")]
    subprocess.run(shlex.split(command) + ["--quiet"], cwd=ROOT, check=True)
    copied = [v.split()[1] for n, v in instructions() if n == "COPY" and v.startswith("--from=build")]
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    assert [pathlib.Path(c).relative_to("/src/target") for c in copied] == [
        pathlib.Path(binary()).relative_to(target)
    ]


def test_it_stays_small():
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {"target", ".git"} <= set(ignored)


@pytest.fixture
def place(tmp_path):
    """A folder that the image's user can reach, with the binary in it; and that user."""
    user, group = (int(n) for n in only("USER").split(":"))
    assert user != 0 and group != 0
    if os.getuid() != 0:
        user, group = os.getuid(), os.getgid()
    for folder in (tmp_path, *tmp_path.parents):
        if folder.stat().st_uid == os.getuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    data = tmp_path / "data"
    data.mkdir()
    os.chown(data, user, group)
    shutil.copy(binary(), tmp_path / "stowgate")
    return tmp_path, user, group


def test_it_runs_unprivileged(place):
    folder, user, group = place
    said = variables()
    assert said["STOWGATE_LISTEN"].startswith("0.0.0.0:")
    assert said["STOWGATE_DATA_DIR"] == only("VOLUME")
    port = 20_000 + os.getpid() % 20_000
    environment = clean_environment() | {
        "PATH": f"{folder}:{os.environ['PATH']}",
        "STOWGATE_LISTEN": f"0.0.0.0:{port}",
        "STOWGATE_DATA_DIR": str(folder / "data"),
    }
    run = dict(cwd="/", user=user, group=group, extra_groups=[] if os.getuid() == 0 else None)
    entry = [*json.loads(only("ENTRYPOINT")), *json.loads(only("CMD"))]
    # Outside loopback the keys that everyone knows are refused.
    refused = subprocess.run(entry, env=environment, capture_output=True, timeout=30, **run)
    assert refused.returncode == 2, refused.stderr
    environment |= {"STOWGATE_ACCESS_KEY": "AKIMAGE", "STOWGATE_SECRET_KEY": "an-image-test-secret"}
    probe = json.loads(only("HEALTHCHECK").split("CMD", 1)[1])
    down = subprocess.run(probe, env=environment, capture_output=True, timeout=30, **run)
    assert down.returncode != 0
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(entry, env=environment, stdout=log, stderr=log, **run)
    try:
        end = time.monotonic() + 30
        while subprocess.run(probe, env=environment, capture_output=True, timeout=30, **run).returncode:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < end, (folder / "log").read_text()
            time.sleep(0.05)
        assert any((folder / "data").iterdir())
        process.send_signal(getattr(signal, only("STOPSIGNAL")))
        assert process.wait(30) == 0, (folder / "log").read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
