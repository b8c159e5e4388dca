"""Gateways with an upstream behind them, each test over every upstream that can be had."""

import contextlib
import itertools

import botocore.exceptions
import pytest

import upstreams
from behind import Behind

_numbers = itertools.count()


@pytest.fixture(scope="session", params=upstreams.chosen())
def server(request, tmp_path_factory):
    """An upstream, the same for all tests."""
    with upstreams.make(request.param, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def behind(server, tmp_path):
    """Makes gateways before the upstream: `behind(mode, …)`."""
    with contextlib.ExitStack() as stack:

        def make(mode, **settings):
            one = Behind(server, tmp_path / f"gateway-{next(_numbers)}", mode, **settings)
            stack.callback(one.close)
            return one.start()

        yield make


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""


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
