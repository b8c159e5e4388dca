"""Measures an upstream directly and through gateways before it, in one run: see README.md."""

import argparse
import contextlib
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "harness"))

import upstreams  # noqa: E402
from behind import bucket_toml, upstream_toml  # noqa: E402
from gateway import Gateway  # noqa: E402

VERSITYGW = HERE.parent / "target" / "tools" / "bin"


def pin(pid, processors):
    """Keeps a process, with all its threads, on these processors."""
    for task in os.listdir(f"/proc/{pid}/task"):
        os.sched_setaffinity(int(task), processors)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", choices=("versitygw", "stowgate"), default="stowgate")
    parser.add_argument("--pin", action="store_true", help="the upstream has a processor of its own")
    parser.add_argument("--directory", help="where the servers keep their data")
    parser.add_argument("options", nargs="*", help="options of the client, after --")
    arguments = parser.parse_args()
    for found in VERSITYGW.glob("versitygw-*"):
        os.environ.setdefault("STOWGATE_VERSITYGW", str(found))
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.directory)))
        server = stack.enter_context(upstreams.make(arguments.upstream, home / "upstream"))
        endpoints = [f"direct=127.0.0.1:{server.port}@{server.pid}"]
        processes = []
        for mode in ("upstream", "fallback"):
            # The usual times: a busy machine is no outage.
            usual = dict.fromkeys(("connect_timeout", "first_byte_timeout", "stall_timeout"))
            config = upstream_toml(server.endpoint, server.key, **usual)
            config += bucket_toml("bench", mode, upstream="main")
            gateway = stack.enter_context(Gateway(home / f"gateway-{mode}", keys=(server.key,), config=config))
            endpoints.append(f"{mode}=127.0.0.1:{gateway.port}@{gateway.pid}")
            processes.append(gateway.pid)
        if arguments.pin:
            all_of_them = os.sched_getaffinity(0)
            first = {min(all_of_them)}
            pin(server.pid, first)
            for pid in [os.getpid(), *processes]:
                pin(pid, all_of_them - first or first)
        command = [
            "cargo", "run", "--quiet", "--release", "--manifest-path", str(HERE / "Cargo.toml"), "--",
            "--access-key", server.key.access, "--secret-key", server.key.secret, *arguments.options,
        ]
        for endpoint in endpoints:
            command += ["--endpoint", endpoint]
        return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
