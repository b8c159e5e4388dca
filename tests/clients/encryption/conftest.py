"""Gateways of their own for each test: what they have on the disk is looked at."""

import contextlib
import itertools

import pytest

from connect import connect
from gateway import MAIN, Gateway

_numbers = itertools.count()


@pytest.fixture
def encrypting(tmp_path):
    """Starts a gateway: `encrypting(config, …)`, with a client as `s3` and a bucket `b`."""
    with contextlib.ExitStack() as stack:

        def make(config="", **settings):
            gateway = Gateway(tmp_path / f"gateway-{next(_numbers)}", config=config, **settings)
            gateway = stack.enter_context(gateway)
            gateway.s3 = connect(gateway, MAIN)
            gateway.s3.create_bucket(Bucket="bucket")
            return gateway

        yield make


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""
