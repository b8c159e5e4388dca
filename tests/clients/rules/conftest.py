"""A gateway with upload rules, and a scanner behind it."""

import pytest

import upload_rules
from clamd import Clamd
from connect import connect
from gateway import MAIN, Gateway


@pytest.fixture(scope="session")
def clamd():
    with Clamd() as running:
        yield running


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, clamd):
    config = upload_rules.toml(clamd.address)
    with Gateway(tmp_path_factory.mktemp("ruled"), config=config) as running:
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture(scope="session")
def s3(gateway):
    """Its main key's client, whatever other suites run beside this one."""
    return connect(gateway, MAIN)
