"""A gateway with an upstream behind it, and the fault proxy between the two."""

import functools
import itertools
import secrets

import botocore.exceptions

from connect import connect
from gateway import KEYS, MAIN, Gateway
from fault_proxy import Proxy
from migrating import Migrations
from waiting import eventually

_numbers = itertools.count()

# What stands for "the upstream is away", each in its own way.
OUTAGES = (
    "refuse",
    "reset",
    "blackhole",
    "answer 503 ServiceUnavailable",
    "answer 500 InternalError",
    "answer 403 InvalidAccessKeyId",
    "cut down 0",
)

# Short, so that what hangs is found out soon.
TIMES = {"connect_timeout": "1s", "first_byte_timeout": "2s", "stall_timeout": "2s"}


def upstream_toml(endpoint, key, **settings):
    """The section of the upstream `main`. A setting of `None` is left out."""
    values = {
        "endpoint": endpoint,
        "region": "us-east-1",
        "access_key": key.access,
        "secret_key": key.secret,
        **TIMES,
        **settings,
    }
    return "[upstream.main]\n" + _lines(values)


def bucket_toml(name, mode, **settings):
    """A section of a bucket."""
    return "[[bucket]]\n" + _lines({"name": name, "mode": mode, **settings})


def spool_toml(**settings):
    """The section of the spool."""
    return "[spool]\n" + _lines({"max_backoff": "1s", **settings})


def _lines(values):
    text = ""
    for name, value in values.items():
        if isinstance(value, bool):
            text += f"{name} = {str(value).lower()}\n"
        elif isinstance(value, int):
            text += f"{name} = {value}\n"
        elif value is not None:
            text += f'{name} = "{value}"\n'
    return text + "\n"


def fresh_bucket():
    """A name that no other test has."""
    return f"b{next(_numbers)}-{secrets.token_hex(4)}"


def decides_conditions(server):
    """Whether a server decides conditions on writes."""
    s3, bucket = connect(server, server.key), fresh_bucket()
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    decided = 0
    for condition in ({"IfNoneMatch": "*"}, {"IfMatch": '"' + "0" * 32 + '"'}):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=b"y", **condition)
        except botocore.exceptions.ClientError as error:
            decided += error.response["Error"]["Code"] == "PreconditionFailed"
    return decided == 2


class Behind:
    """A running gateway whose bucket lies, or may lie, in an upstream bucket of another name."""

    def __init__(
        self, server, directory, mode, prefix="", upstream=None, spool=None, more="", name=None, keys=KEYS
    ):
        self.server, self.mode, self.prefix = server, mode, prefix
        fresh = fresh_bucket()
        self.bucket = name or fresh
        self.there = f"{fresh}-up"
        self.proxy = Proxy(server.port)
        self.up = connect(server, server.key)
        self.up.create_bucket(Bucket=self.there)
        self._upstream, self._spool, self._more = upstream or {}, spool or {}, more
        self.gateway = Gateway(directory, keys=keys, config=self._config(mode))
        self._client = (None, None)

    def _config(self, mode):
        endpoint = f"{self.server.scheme}://127.0.0.1:{self.proxy.port}"
        return (
            upstream_toml(endpoint, self.server.key, **self._upstream)
            + spool_toml(**self._spool)
            + bucket_toml(
                self.bucket,
                mode,
                upstream="main",
                upstream_bucket=self.there,
                upstream_prefix=self.prefix or None,
            )
            + self._more
        )

    @property
    def s3(self):
        """A client of the gateway, wherever it listens now."""
        port, client = self._client
        if port != self.gateway.port:
            client = connect(self.gateway, MAIN, read_timeout=60)
            self._client = (self.gateway.port, client)
        return client

    def start(self):
        self.gateway.start()
        return self

    def restart(self, mode=None, kill=False, **spool):
        """Ends it, cleanly or not, and starts it again, perhaps in another mode."""
        if kill:
            self.gateway.kill()
        else:
            assert self.gateway.stop() == 0, self.gateway.tail()
        self.mode = mode or self.mode
        self._spool = spool or self._spool
        self.gateway.configure(self._config(self.mode))
        self.gateway.start()

    def put(self, key, body=b"content", **settings):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **settings)

    def get(self, key, **settings):
        return self.s3.get_object(Bucket=self.bucket, Key=key, **settings)["Body"].read()

    def head(self, key, **settings):
        return self.s3.head_object(Bucket=self.bucket, Key=key, **settings)

    def delete(self, key, **settings):
        return self.s3.delete_object(Bucket=self.bucket, Key=key, **settings)

    def keys(self, **settings):
        """Every key that the gateway lists."""
        return _keys(self.s3, self.bucket, **settings)

    def keys_there(self):
        """Every key of the upstream bucket, as the gateway would name it, but for the objects that a
        trial of the permissions makes and removes."""
        listed = _keys(self.up, self.there, Prefix=self.prefix)
        keys = [key.removeprefix(self.prefix) for key in listed]
        return [key for key in keys if not key.startswith(".stowgate-probe-")]

    def uploads_there(self):
        """The keys of uploads under way in the upstream bucket, but for those of trials."""
        listed = self.up.list_multipart_uploads(Bucket=self.there).get("Uploads", ())
        return [one["Key"] for one in listed if ".stowgate-probe-" not in one["Key"]]

    def get_there(self, key):
        """An upstream object: its answer, with the body under `Content`."""
        answer = self.up.get_object(Bucket=self.there, Key=self.prefix + key)
        answer["Content"] = answer["Body"].read()
        return answer

    def put_there(self, key, body, **settings):
        """Writes behind the gateway's back."""
        return self.up.put_object(Bucket=self.there, Key=self.prefix + key, Body=body, **settings)

    @functools.cached_property
    def migrations(self):
        """Its migrations."""
        return Migrations(self.gateway)

    def spool(self):
        """What waits to be forwarded."""
        return spool_of(self.gateway)

    def waiting(self):
        """How many keys wait to be forwarded, dead letters included."""
        return waiting(self.spool())

    def drained(self, seconds=30):
        """Waits until nothing waits any more."""
        eventually(lambda: self.waiting() == 0, seconds, lambda: f"an empty spool: {self.spool()}")

    def close(self):
        """Ends everything, and expects the gateway to end well."""
        try:
            if self.gateway.alive():
                self.proxy.heal()
                assert self.gateway.stop() == 0, self.gateway.tail()
        finally:
            if self.gateway.alive():
                self.gateway.kill()
            self.proxy.close()


def spool_of(gateway):
    """The answer of /storage/spool, once the gateway has read what was left over from before."""
    status, answer = gateway.side("GET", "/storage/spool")
    assert status == 200, answer
    if not answer["summary"]["complete"]:
        return eventually(lambda: _complete(gateway), 30, "a spool that is read")
    return answer


def _complete(gateway):
    _, answer = gateway.side("GET", "/storage/spool")
    return answer if answer["summary"]["complete"] else None


def waiting(answer):
    """The number of keys in an answer of /storage/spool."""
    return answer["summary"]["waiting"] + answer["summary"]["dead_letters"]


def _keys(client, bucket, **settings):
    pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, **settings)
    return [entry["Key"] for page in pages for entry in page.get("Contents", ())]
