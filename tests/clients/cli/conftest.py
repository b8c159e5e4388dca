"""Gateways and the commands that ask them."""

import contextlib
import itertools

import pytest

import upstreams
from behind import Behind
from command import Commands
from connect import connect
from gateway import MAIN, TOKEN, Gateway

_numbers = itertools.count()

TEMPLATE = "attachments/{type}/company_{company}/{*}"


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


class Labelled(Behind):
    """A gateway before an upstream, whose keys have companies and types."""

    def _config(self, mode):
        section = f'name = "{self.bucket}"\n'
        lines = f'{section}key_template = "{TEMPLATE}"\n'
        return super()._config(mode).replace(section, lines, 1)

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
            one = Local(tmp_path / f"gateway-{next(_numbers)}", **settings)
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


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An upstream, the same for all tests."""
    with upstreams.make("stowgate", tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture
def behind(server, tmp_path):
    """Makes gateways before the upstream: `behind(mode, …)`."""
    with contextlib.ExitStack() as stack:

        def make(mode, **settings):
            one = Labelled(server, tmp_path / f"gateway-{next(_numbers)}", mode, **settings)
            stack.callback(one.close)
            return one.start()

        yield make


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""
