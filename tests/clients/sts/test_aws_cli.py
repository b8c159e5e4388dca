"""The aws command: what every one of its users tries first, and sessions of its own making."""

import json
import os
import subprocess

import pytest

from gateway import MAIN, clean_environment
from sessions import arn


@pytest.fixture
def aws(gateway, tmp_path):
    """Runs aws with these variables, and gives what it prints."""

    def run(*arguments, **variables):
        environment = clean_environment()
        environment.update(
            AWS_DEFAULT_REGION="us-east-1",
            AWS_ENDPOINT_URL=gateway.endpoint,
            AWS_CONFIG_FILE=os.devnull,
            AWS_SHARED_CREDENTIALS_FILE=os.devnull,
            AWS_EC2_METADATA_DISABLED="true",
            AWS_MAX_ATTEMPTS="1",
            AWS_PAGER="",
            HOME=str(tmp_path),
            **variables,
        )
        command = os.environ.get("STOWGATE_AWS_CLI", "aws")
        done = subprocess.run(
            [command, *map(str, arguments), "--output", "json"],
            capture_output=True, env=environment, cwd=tmp_path, timeout=110, text=True,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run


KEY = {"AWS_ACCESS_KEY_ID": MAIN.access, "AWS_SECRET_ACCESS_KEY": MAIN.secret}


def as_session(credentials):
    names = {"AccessKeyId": "ACCESS_KEY_ID", "SecretAccessKey": "SECRET_ACCESS_KEY", "SessionToken": "SESSION_TOKEN"}
    return {f"AWS_{variable}": credentials[name] for name, variable in names.items()}


def test_get_caller_identity(aws):
    who = json.loads(aws("sts", "get-caller-identity", **KEY))
    assert who["Account"] == MAIN.owner


def test_a_session_of_the_key(aws, bucket, tmp_path):
    made = json.loads(aws("sts", "get-session-token", "--duration-seconds", 900, **KEY))["Credentials"]
    (tmp_path / "file").write_text("hello")
    aws("s3", "cp", tmp_path / "file", f"s3://{bucket}/k", **as_session(made))
    aws("s3", "cp", f"s3://{bucket}/k", tmp_path / "back", **as_session(made))
    assert (tmp_path / "back").read_text() == "hello"


def test_a_role_by_token(aws, bucket, issue, tmp_path):
    (tmp_path / "token").write_text(issue())
    (tmp_path / "file").write_text("hello")
    made = json.loads(
        aws(
            "sts", "assume-role-with-web-identity", "--role-arn", arn("manager"),
            "--role-session-name", "cli", "--web-identity-token", issue(),
        )
    )["Credentials"]
    aws("s3", "cp", tmp_path / "file", f"s3://{bucket}/home/7/k", **as_session(made))
    by_file = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": arn("manager")}
    aws("s3", "cp", f"s3://{bucket}/home/7/k", tmp_path / "back", **by_file)
    assert (tmp_path / "back").read_text() == "hello"
    assert ":assumed-role/manager/" in json.loads(aws("sts", "get-caller-identity", **by_file))["Arn"]
