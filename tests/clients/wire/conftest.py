"""Requests signed by hand and sent over a plain socket."""

import hashlib

import pytest

import sigv4
from gateway import MAIN


class Speaker:
    """Signs and sends on one connection, and checks that it is fit for use afterwards."""

    def __init__(self, dial, gateway):
        self._dial = dial
        self.host = f"127.0.0.1:{gateway.port}"
        self.connection = None

    def sign(self, method, path, body=b"", key=MAIN, **settings):
        settings.setdefault("payload", hashlib.sha256(body).hexdigest())
        settings.setdefault("host", self.host)
        return sigv4.sign(key, method, path, **settings)

    def presign(self, method, path, key=MAIN, **settings):
        settings.setdefault("host", self.host)
        return sigv4.presign(key, method, path, **settings)

    def send(self, request, body=b"", **settings):
        """Sends a request made by `sign` or `presign`; the connection is used further after it."""
        if self.connection is None:
            self.connection = self._dial()
        response = self.connection.request(request, body, **settings)
        self.settle(response)
        return response

    def call(self, method, path, body=b"", **settings):
        return self.send(self.sign(method, path, body, **settings), body)

    def settle(self, response):
        """After any answer the connection is either announced closed and closed, or usable."""
        if response.closes:
            assert self.connection.closed_by_peer()
            self.connection = None
            return
        again = self.connection.request(self.sign("GET", "/"))
        assert again.status == 200, "the connection was left out of step"
        if again.closes:
            self.connection = None


@pytest.fixture
def speak(dial, gateway):
    return Speaker(dial, gateway)
