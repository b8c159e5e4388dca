"""Gateways with an upstream of their own behind them, which may be killed."""

import pytest

import upstreams
from gateways import behind, gateway, kind, still_alive


def _chosen():
    real = [name for name in upstreams.chosen() if name == "versitygw"]
    return real or ["stowgate"]


@pytest.fixture(params=_chosen())
def server(request, tmp_path):
    """An upstream that keeps what it has when it is killed."""
    with upstreams.make(request.param, tmp_path / request.param) as running:
        yield running
