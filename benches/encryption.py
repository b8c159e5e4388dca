"""Measures a gateway that encrypts beside one that does not, in one run: see README.md."""

import argparse
import contextlib
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "harness"))

from gateway import MAIN, Gateway  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directory", help="where the gateways keep their data")
    parser.add_argument("options", nargs="*", help="options of the client, after --")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.directory)))
        endpoints = []
        for name, config in (("plain", ""), ("encrypted", "[encryption]\ndefault = true\n")):
            gateway = stack.enter_context(Gateway(home / name, keys=(MAIN,), config=config))
            endpoints.append(f"{name}=127.0.0.1:{gateway.port}@{gateway.pid}")
        command = [
            "cargo", "run", "--quiet", "--release", "--manifest-path", str(HERE / "Cargo.toml"), "--",
            "--access-key", MAIN.access, "--secret-key", MAIN.secret, *arguments.options,
        ]
        for endpoint in endpoints:
            command += ["--endpoint", endpoint]
        return subprocess.call(command)


if __name__ == "__main__":
    sys.exit(main())
