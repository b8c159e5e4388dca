"""Gateways in every mode, with keys that are bound to a company: what one company asks of another's
keys is answered alike whether they are there or not, and whatever becomes of the upstream."""

import contextlib

import botocore.exceptions
import pytest

import upstreams
from companies import COMPANY, NONE, OWN, THEIRS, WORLDS, Local, Mapped
from connect import answer_of, connect


@pytest.fixture(scope="session", params=WORLDS)
def site(request, tmp_path_factory):
    """A gateway in each mode, before each upstream."""
    mode, _, name = request.param.partition(" ")
    directory = tmp_path_factory.mktemp(mode)
    if not name:
        local = Local(directory)
        with local.gateway as running:
            yield local
            assert running.stop() == 0, running.tail()
        return
    with upstreams.make(name, directory / "upstream") as server:
        mapped = Mapped(server, directory / "gateway", mode)
        with contextlib.closing(mapped):
            yield mapped.start()


@pytest.fixture(scope="session")
def gateway(site):
    return site.gateway


@pytest.fixture(scope="session")
def company(gateway):
    """A key of alt that is bound to the company 1."""
    return connect(gateway, COMPANY)


@pytest.fixture
def bucket(new_bucket, alt):
    """A bucket of alt in which two companies have something."""
    name = new_bucket(alt)
    for key in (OWN, THEIRS):
        alt.put_object(Bucket=name, Key=key, Body=b"content")
    return name


@pytest.fixture
def unasked(site):
    """Expects that no test's request has come to the upstream from here on."""
    site.forget()
    yield
    assert site.asked() == []


@pytest.fixture(scope="session")
def seen():
    """All that a client sees of an error, with the key that it named left out."""

    def call(operation, key, **arguments):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            operation(**arguments)
        answer = caught.value.response
        own = ("date", "x-amz-request-id", "x-amz-id-2", "content-length")
        headers = answer["ResponseMetadata"]["HTTPHeaders"]
        headers = {name: value for name, value in headers.items() if name not in own}
        error = answer["Error"]
        error = {name: str(error[name]).replace(key, "KEY") for name in error if name not in ("RequestId", "HostId")}
        return answer["ResponseMetadata"]["HTTPStatusCode"], error, headers

    return call


@pytest.fixture(scope="session")
def same(seen):
    """Expects that a key of another company answers an operation alike, there or not: refused."""

    def check(client, operation, bucket, arguments):
        call = getattr(client, operation)
        there, absent = (seen(call, key, Bucket=bucket, Key=key, **arguments) for key in (THEIRS, NONE))
        assert there == absent, operation
        assert there[0] == 403, operation

    return check


@pytest.fixture(scope="session")
def answer():
    """Calls, and gives the status and the code of the error, or 200."""
    return answer_of
