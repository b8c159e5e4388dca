"""A gateway with keys of every kind, and buckets of the account alt."""

import json
import urllib.request

import pytest

from connect import answer_of, connect
from gateway import ALT, MAIN, READER, THIRD, Gateway, Key

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::app-*", "arn:aws:s3:::app-*/*"]},
        {"Effect": "Deny", "Action": "s3:*", "Resource": "arn:aws:s3:::app-*/private/*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::*/home/${aws:username}/*"},
    ],
}
USER = Key("AKUSEREXAMPLE", "user-secret-key-0123456789", "policy", ALT.owner, "Alt", json.dumps(POLICY, indent=1))
COMPANY = Key("AKCOMPANYONE", "company-secret-key-012345", "read-write", ALT.owner, "Alt", company="1")


class Public:
    """Somebody without a key."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def status(self, path, method="GET", body=None, **headers):
        """The status of a plain request."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.endpoint + path, data=body, method=method, headers=names)
        try:
            with urllib.request.urlopen(request) as answer:
                answer.read()
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    keys = (MAIN, ALT, THIRD, READER, USER, COMPANY)
    with Gateway(tmp_path_factory.mktemp("access"), keys=keys) as running:
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture(scope="session")
def user(gateway):
    """A key of alt with a policy alone."""
    return connect(gateway, USER)


@pytest.fixture(scope="session")
def company(gateway):
    """A key of alt that is bound to the company 1."""
    return connect(gateway, COMPANY)


@pytest.fixture(scope="session")
def public(gateway):
    return Public(gateway.endpoint)


@pytest.fixture
def bucket(new_bucket, alt):
    """A fresh bucket of alt."""
    return new_bucket(alt)


@pytest.fixture
def answer():
    """Calls, and gives the status and the code of the error, or 200."""
    return answer_of
