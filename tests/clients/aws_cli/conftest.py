"""The aws command, pointed at the gateway."""

import json
import os
import subprocess

import pytest

from gateway import MAIN, clean_environment


@pytest.fixture(scope="session")
def command():
    """The aws executable: STOWGATE_AWS_CLI."""
    return os.environ.get("STOWGATE_AWS_CLI", "aws")


@pytest.fixture
def aws(gateway, command, tmp_path):
    """Runs aws and returns what it prints; `fails` expects it to fail and returns its complaint."""
    environment = clean_environment()
    environment.update(
        AWS_ACCESS_KEY_ID=MAIN.access,
        AWS_SECRET_ACCESS_KEY=MAIN.secret,
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=str(tmp_path / "aws-config"),
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
        AWS_PAGER="",
        HOME=str(tmp_path),
    )
    (tmp_path / "aws-config").write_text("[default]\ns3 =\n    multipart_threshold = 8MB\n")

    def run(*arguments, fails=False, input=None):
        words = [command, "--endpoint-url", gateway.endpoint, *map(str, arguments)]
        done = subprocess.run(
            words, capture_output=True, env=environment, input=input, cwd=tmp_path, timeout=110
        )
        if fails:
            assert done.returncode != 0, done.stdout
            return done.stderr.decode()
        assert done.returncode == 0, done.stderr.decode() + done.stdout.decode()
        return done.stdout

    return run


@pytest.fixture
def api(aws):
    """Runs `aws s3api` and returns its JSON, or its complaint where it `fails`."""

    def run(*arguments, **settings):
        text = aws("s3api", *arguments, "--output", "json", **settings)
        if settings.get("fails"):
            return text
        return json.loads(text) if text.strip() else {}

    return run
