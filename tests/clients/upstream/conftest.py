"""Gateways with an upstream behind them, each test over every upstream that can be had."""

import contextlib

import botocore.exceptions
import pytest

import upstreams
from gateways import behind, gateway, kind, still_alive


@pytest.fixture(scope="session", params=upstreams.chosen())
def server(request, tmp_path_factory):
    """An upstream, the same for all tests."""
    with upstreams.make(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@contextlib.contextmanager
def _unavailable():
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503, answer
    # A HEAD has no document to say the code in.
    assert answer["Error"]["Code"] in ("ServiceUnavailable", "503"), answer


@pytest.fixture
def unavailable():
    """Expects an honest 503."""
    return _unavailable
