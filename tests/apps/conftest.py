"""The upstream, and each application with a gateway of its own in every mode. A mode's tests come
together, so that its gateways and applications are started once."""

import contextlib

import pytest

import driving
import upstreams
from gateways import gateway, still_alive
from sites import MODES, Switched


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """What is upstream: a real server, where it can be had."""
    name = "versitygw" if upstreams.available("versitygw") else "stowgate"
    with upstreams.make(name, tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture(scope="session", params=MODES)
def mode(request):
    return request.param


@pytest.fixture(scope="session")
def videovote(server, mode, tmp_path_factory):
    """VideoVote and its gateway."""
    with driving.videovote(server, tmp_path_factory.mktemp("videovote"), mode) as running:
        yield running


@pytest.fixture(scope="session")
def makeplus(server, mode, tmp_path_factory):
    """MakePlus and its gateway, both behind nginx."""
    with driving.makeplus(server, tmp_path_factory.mktemp("makeplus"), mode) as running:
        yield running


@pytest.fixture(scope="session")
def psc(server, mode, tmp_path_factory):
    """PSC Accounting and its gateway."""
    with driving.psc(server, tmp_path_factory.mktemp("psc"), mode) as running:
        yield running


@pytest.fixture
def switched(server, tmp_path):
    """Makes gateways that an application's own variables configure: `switched(variables, …)`."""
    with contextlib.ExitStack() as stack:

        def make(switch, **settings):
            one = Switched(server, tmp_path / f"{switch.bucket}-gateway", switch, **settings)
            stack.callback(one.close)
            return one

        yield make
