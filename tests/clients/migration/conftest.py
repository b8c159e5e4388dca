"""Gateways with an upstream of their own behind them, which may be killed."""

import contextlib

import pytest

import upstreams
from behind import Behind
from migrating import Migrations


def _chosen():
    real = [name for name in upstreams.chosen() if name == "versitygw"]
    return real or ["stowgate"]


@pytest.fixture(params=_chosen())
def server(request, tmp_path):
    """An upstream that keeps what it has when it is killed."""
    with upstreams.make(request.param, tmp_path / request.param) as running:
        yield running


@pytest.fixture
def behind(server, tmp_path):
    """Makes a gateway before the upstream: `behind(mode, …)`."""
    with contextlib.ExitStack() as stack:

        def make(mode, **settings):
            one = Behind(server, tmp_path / "gateway", mode, **settings)
            stack.callback(one.close)
            one.start()
            one.migrations = Migrations(one.gateway)
            return one

        yield make


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""
