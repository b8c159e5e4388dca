"""Gateways and the commands that ask them."""

import contextlib
import itertools

import pytest

from command import Commands
from connect import connect
from gateway import MAIN, TOKEN, Gateway
from gateways import Labelled, behind, gateway, server, still_alive

_numbers = itertools.count()


class Local:
    """A gateway that keeps everything on its disk."""

    def __init__(self, directory, **settings):
        self.gateway = Gateway(directory, **settings)
        self.config = self.gateway.directory / "stowgate.toml"

    def start(self):
        self.gateway.start()
        self.s3 = connect(self.gateway, MAIN)
        return self

    @property
    def run(self):
        """The commands, told by URL where it is and by the configuration who may ask."""
        where = ("--url", self.gateway.endpoint, "--config", self.config)
        return Commands(self.gateway.directory, *where)

    @property
    def offline(self):
        """The commands while it does not run."""
        return Commands(self.gateway.directory, "--config", self.config)


class Asked(Labelled):
    """A gateway before an upstream, and the commands that ask it."""

    @property
    def run(self):
        where = ("--url", self.gateway.endpoint)
        return Commands(self.gateway.directory, *where, STOWGATE_ADMIN_TOKEN=TOKEN)

    @property
    def offline(self):
        config = self.gateway.directory / "stowgate.toml"
        return Commands(self.gateway.directory, "--config", config)


@pytest.fixture
def local(tmp_path):
    """Makes gateways without an upstream: `local(…)`."""
    with contextlib.ExitStack() as stack:

        def make(**settings):
            one = Local(tmp_path / f"local-{next(_numbers)}", **settings)
            stack.callback(lambda: one.gateway.alive() and one.gateway.stop())
            return one.start()

        yield make


@pytest.fixture
def site(local):
    """One of them, with a bucket."""
    one = local()
    one.bucket = "files"
    one.s3.create_bucket(Bucket=one.bucket)
    return one


@pytest.fixture
def kind():
    """Gateways before an upstream that the commands are for."""
    return Asked
