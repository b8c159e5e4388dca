"""Fixtures of suites whose tests make their own gateways before an upstream. A suite imports those
that it wants into its conftest.py, and says there which `server` and which `kind`, where they differ."""

import contextlib
import itertools

import pytest

import upstreams
from behind import Behind

_numbers = itertools.count()

TEMPLATE = "attachments/{type}/company_{company}/{*}"


class Labelled(Behind):
    """A gateway before an upstream, whose keys have companies and types. `bucket` has more lines of
    its bucket's section."""

    def __init__(self, server, directory, mode, bucket="", **settings):
        self._lines = f'key_template = "{TEMPLATE}"\n{bucket}'
        super().__init__(server, directory, mode, **settings)

    def _config(self, mode):
        section = f'name = "{self.bucket}"\n'
        return super()._config(mode).replace(section, section + self._lines, 1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """An upstream, the same for all tests."""
    with upstreams.make("stowgate", tmp_path_factory.mktemp("upstream")) as running:
        yield running


@pytest.fixture
def kind():
    """What `behind` makes."""
    return Behind


@pytest.fixture
def behind(server, kind, tmp_path):
    """Makes gateways before the upstream: `behind(mode, …)`."""
    with contextlib.ExitStack() as stack:

        def make(mode, *arguments, **settings):
            one = kind(server, tmp_path / f"gateway-{next(_numbers)}", mode, *arguments, **settings)
            stack.callback(one.close)
            return one.start()

        yield make


@pytest.fixture
def gateway():
    """None for all: these suites have their own."""


@pytest.fixture(autouse=True)
def still_alive():
    """What each gateway came to is looked at where it is closed."""
