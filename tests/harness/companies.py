"""Keys that are bound to a company, and gateways in every mode whose buckets have several companies'."""

import dataclasses
import json

import upstreams
from behind import Behind, bucket_toml, spool_toml, upstream_toml
from gateway import ALT, MAIN, READER, THIRD, Gateway, Key

COMPANY = Key("AKCOMPANYONE", "company-secret-key-012345", "read-write", ALT.owner, "Alt", company="1")
# Whatever role it has, a key of a company is one.
ADMIN = dataclasses.replace(COMPANY, access="AKCOMPANYADMIN", role="admin")
EVERYTHING = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}
USER = dataclasses.replace(COMPANY, access="AKCOMPANYUSER", role="policy", policy=json.dumps(EVERYTHING))
KEYS = (MAIN, ALT, THIRD, READER, COMPANY, ADMIN, USER)

BELOW = "attachments/invoice/company_"
OWN = f"{BELOW}1/2025-01-31/101530_a1b2c3d4_bill.pdf"
THEIRS = f"{BELOW}2/2025-01-31/101530_a1b2c3d4_bill.pdf"
NONE = f"{BELOW}2/2025-01-31/101530_a1b2c3d4_none.pdf"

WORLDS = ["local", *(f"{mode} {name}" for mode in ("upstream", "fallback") for name in upstreams.chosen())]


class Local:
    """A gateway without an upstream."""

    mode = "local"
    asked = staticmethod(list)
    forget = staticmethod(lambda: None)

    def __init__(self, directory):
        self.gateway = Gateway(directory, keys=KEYS)


class Mapped(Behind):
    """A gateway all of whose buckets lie in the upstream."""

    def __init__(self, server, directory, mode):
        super().__init__(server, directory, mode, keys=KEYS)

    def _config(self, mode):
        upstream = upstream_toml(f"http://127.0.0.1:{self.proxy.port}", self.server.key)
        return upstream + spool_toml() + bucket_toml("*", mode, upstream="main")

    def forget(self):
        """From now on only new requests count."""
        self.proxy.forget()

    def asked(self):
        """What the upstream was asked since, but for what the gateway asks of its own accord."""
        requests = self.proxy.requests()
        return [f"{it.method} {it.target}" for it in requests if ".stowgate-probe-" not in it.target]
