"""Gateways for the side API: on the disk alone, and with an upstream behind them."""

import pytest

from gateways import Labelled, behind, gateway, server, still_alive


@pytest.fixture
def kind():
    """Gateways whose keys have companies."""
    return Labelled
