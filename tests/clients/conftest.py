"""One gateway for the session, clients of several owners, and a fresh bucket for each test.

`STOWGATE_TEST_ENDPOINT` points the SDK suites at another S3 server, to try the tests themselves.
"""

import itertools
import os
import secrets
import ssl
import urllib.parse

import pytest

import certificate
import wire
from connect import connect
from gateway import ALT, MAIN, READER, THIRD, Gateway

_numbers = itertools.count()


class External:
    """A server that is not ours to start."""

    tls = None

    def __init__(self, endpoint):
        self.endpoint = endpoint
        self.port = urllib.parse.urlsplit(endpoint).port

    def alive(self):
        return True


@pytest.fixture(scope="session")
def gateway(tmp_path_factory):
    """The gateway over plain HTTP."""
    if endpoint := os.environ.get("STOWGATE_TEST_ENDPOINT"):
        yield External(endpoint)
        return
    with Gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture(scope="session")
def tls_gateway(tmp_path_factory):
    """A second gateway, over TLS."""
    directory = tmp_path_factory.mktemp("tls-gateway")
    with Gateway(directory, tls=certificate.issue(directory)) as running:
        yield running


@pytest.fixture(autouse=True)
def still_alive(gateway):
    """Whatever a test sends, the server lives on."""
    yield
    assert gateway.alive(), gateway.tail()


@pytest.fixture(scope="session")
def client(gateway):
    """Makes clients with settings of their own."""
    return lambda key=MAIN, **settings: connect(gateway, key, **settings)


@pytest.fixture(scope="session")
def s3(gateway):
    """The main key's client: role admin."""
    return connect(gateway, MAIN)


@pytest.fixture(scope="session")
def alt(gateway):
    """Another owner's client: role read-write."""
    return connect(gateway, ALT)


@pytest.fixture(scope="session")
def third(gateway):
    """A third owner's client: role read-write."""
    return connect(gateway, THIRD)


@pytest.fixture(scope="session")
def reader(gateway):
    """A client that only reads what alt owns."""
    return connect(gateway, READER)


def bucket_name():
    return f"t{next(_numbers)}-{secrets.token_hex(5)}"


def empty(s3, bucket):
    """Aborts its uploads and deletes its objects."""
    for page in s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        for upload in page.get("Uploads", ()):
            s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": o["Key"]} for o in page.get("Contents", ())]
        if keys:
            answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})
            assert "Errors" not in answer, answer["Errors"]


@pytest.fixture
def new_bucket(s3):
    """Makes buckets that go away with the test."""
    made = []

    def make(owner=s3, name=None):
        name = name or bucket_name()
        owner.create_bucket(Bucket=name)
        made.append((owner, name))
        return name

    yield make
    for owner, name in made:
        empty(owner, name)
        owner.delete_bucket(Bucket=name)


@pytest.fixture
def bucket(new_bucket):
    """A fresh bucket of the main key."""
    return new_bucket()


@pytest.fixture
def connection(gateway):
    """A plain connection."""
    with wire.Connection(gateway.port) as opened:
        yield opened


@pytest.fixture
def dial(gateway):
    """Opens plain connections, all closed with the test."""
    opened = []

    def open_one(**settings):
        opened.append(wire.Connection(gateway.port, **settings))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture(scope="session")
def tls_context(tls_gateway):
    """Trusts the TLS gateway's certificate."""
    return ssl.create_default_context(cafile=tls_gateway.tls.cert)
