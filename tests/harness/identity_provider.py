"""An identity provider: keys, tokens signed with them, and a server of its set of keys."""

import base64
import contextlib
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

ISSUER = "https://login.example"
AUDIENCE = "stowgate"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _number(value, length=None):
    return encoded(value.to_bytes(length or (value.bit_length() + 7) // 8, "big"))


class RsaKey:
    """A key that signs RS256."""

    algorithm = "RS256"

    def __init__(self, name):
        self.name = name
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def public(self):
        numbers = self._key.public_key().public_numbers()
        return {"kty": "RSA", "kid": self.name, "use": "sig", "n": _number(numbers.n), "e": _number(numbers.e)}

    def sign(self, text):
        return self._key.sign(text, padding.PKCS1v15(), hashes.SHA256())


class EcKey:
    """A key that signs ES256."""

    algorithm = "ES256"

    def __init__(self, name):
        self.name = name
        self._key = ec.generate_private_key(ec.SECP256R1())

    def public(self):
        numbers = self._key.public_key().public_numbers()
        x, y = _number(numbers.x, 32), _number(numbers.y, 32)
        return {"kty": "EC", "kid": self.name, "crv": "P-256", "x": x, "y": y}

    def sign(self, text):
        r, s = utils.decode_dss_signature(self._key.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def token(key, **claims):
    """A token of that key, good for an hour; a claim of None is left out."""
    now = int(time.time())
    usual = {"iss": ISSUER, "aud": AUDIENCE, "sub": "7", "iat": now, "exp": now + 3600}
    claims = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    header = {"alg": key.algorithm, "typ": "JWT", "kid": key.name}
    text = ".".join(encoded(json.dumps(part).encode()) for part in (header, claims))
    return f"{text}.{encoded(key.sign(text.encode()))}"


def key_set(*keys):
    return json.dumps({"keys": [key.public() for key in keys]})


class KeyServer:
    """Serves a set of keys, or answers 503 while it is away."""

    def __init__(self, *keys):
        self.keys = list(keys)
        self.away = False
        self.asked = 0
        self._server = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self._server.server_address[1]}/.well-known/jwks.json"

    def __enter__(self):
        owner = self

        class Answers(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                owner.asked += 1
                status = 503 if owner.away or self.path != "/.well-known/jwks.json" else 200
                body = key_set(*owner.keys).encode() if status == 200 else b"away"
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
