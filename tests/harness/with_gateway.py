"""Runs a command beside a fresh gateway, told where it is by environment variables."""

import os
import subprocess
import sys
import tempfile

from gateway import MAIN, Gateway


def main(command):
    with tempfile.TemporaryDirectory() as directory, Gateway(directory) as gateway:
        environment = dict(
            os.environ,
            STOWGATE_ENDPOINT=gateway.endpoint,
            STOWGATE_TEST_ACCESS_KEY=MAIN.access,
            STOWGATE_TEST_SECRET_KEY=MAIN.secret,
        )
        return subprocess.call(command, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
