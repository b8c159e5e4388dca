"""Gateways for the side API: on the disk alone, and with an upstream behind them."""

import contextlib
import itertools

import pytest

import upstreams
from behind import Behind

_numbers = itertools.count()

TEMPLATE = "attachments/{type}/company_{company}/{*}"


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An upstream, the same for all tests."""
    with upstreams.make("stowgate", tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture
def behind(server, tmp_path):
    """Makes gateways before the upstream: `behind(mode, …)`, whose keys have companies."""
    with contextlib.ExitStack() as stack:

        def make(mode, bucket="", **settings):
            directory = tmp_path / f"gateway-{next(_numbers)}"
            lines = f'key_template = "{TEMPLATE}"\n{bucket}'
            one = _Labelled(server, directory, mode, lines, **settings)
            stack.callback(one.close)
            return one.start()

        yield make


class _Labelled(Behind):
    def __init__(self, server, directory, mode, lines, **settings):
        self._lines = lines
        super().__init__(server, directory, mode, **settings)

    def _config(self, mode):
        section = f'name = "{self.bucket}"\n'
        return super()._config(mode).replace(section, section + self._lines, 1)


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""
