"""A gateway as an application's operator would set it up, and the bucket upstream behind it."""

import contextlib
import dataclasses
import http.client
import json
import urllib.parse

from behind import Behind
from connect import connect
from fault_proxy import Proxy
from gateway import BUILT_IN, MAIN, TOKEN, Gateway, Key

MODES = ("local", "upstream", "fallback")


def application_key(bucket):
    """The application's key, which can do with its bucket what the application does, and no more."""
    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": ["s3:ListBucket", "s3:ListBucketMultipartUploads"],
                "Resource": f"arn:aws:s3:::{bucket}",
            },
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:PutObjectAcl",
                    "s3:DeleteObject",
                    "s3:AbortMultipartUpload",
                    "s3:ListMultipartUploadParts",
                ],
                "Resource": f"arn:aws:s3:::{bucket}/*",
            },
        ],
    }
    text = json.dumps(document, indent=1)
    return Key("AKAPPLICATION", "application-secret-0123456", "policy", MAIN.owner, "Main", text)


def everybody_reads(bucket, *prefixes):
    """A bucket policy that lets everybody read objects, and do nothing else."""
    resources = [f"arn:aws:s3:::{bucket}/{prefix}*" for prefix in prefixes or ("",)]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": resources}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


class Operated:
    """What there is to ask of a gateway, an application's bucket and what is upstream of it."""

    # Whether the side API wants a token.
    token = True

    def side(self, method, path, body=None):
        """Status and decoded answer of the side API."""
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=60)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {TOKEN}", "content-type": "text/plain"}
            connection.request(method, path, body, headers if self.token else {})
            response = connection.getresponse()
            answer = response.read()
            assert response.headers["content-type"] == "application/json", (response.status, answer)
            return response.status, json.loads(answer)

    def backend(self, key):
        """Where the gateway records that an object is: `local` or `s3`."""
        status, answer = self.side("GET", f"/storage/objects/{self.bucket}/{urllib.parse.quote(key)}")
        assert status == 200, answer
        return answer["storage_backend"]

    def expect_at(self, mode, *keys):
        """Expects objects to be where this mode puts them while the upstream is there, and the record
        to say so."""
        if mode == "fallback":
            self.drained()
        there = set(self.keys_there())
        for key in keys:
            assert self.backend(key) == ("local" if mode == "local" else "s3"), key
            assert (key in there) == (mode != "local"), (key, there)

    def access_log(self, **wanted):
        """The lines of the access log with these fields."""
        found = []
        for line in self.gateway.log.read_text(errors="replace").splitlines():
            with contextlib.suppress(ValueError):
                fields = _flat(json.loads(line))
                if all(fields.get(name) == value for name, value in wanted.items()):
                    found.append(fields)
        return found


def _flat(line):
    return {**line, **line.get("fields", {})} if isinstance(line, dict) else {}


class Site(Operated, Behind):
    """A gateway whose configuration file says where the application's bucket is."""

    def __init__(self, server, directory, bucket, mode, template=None, more="", keys=()):
        self._template = template
        keys = (MAIN, application_key(bucket), *keys)
        super().__init__(server, directory, mode, name=bucket, more=more, keys=keys)
        self.key = keys[1]

    def _config(self, mode):
        text = super()._config(mode)
        if self._template:
            name = f'name = "{self.bucket}"\n'
            text = text.replace(name, f'{name}key_template = "{self._template}"\n', 1)
        return text


@dataclasses.dataclass
class Switch:
    """The variables that an application sets for its own storage switch."""

    bucket: str
    named: str
    on: dict
    off: dict


VIDEOVOTE = Switch(
    "videovote-uploads", "AWS_BUCKET_NAME", {"USE_CLOUD_STORAGE": "true"}, {"USE_CLOUD_STORAGE": "false"}
)
PSC = Switch("psc-accounting", "S3_BUCKET", {"STORAGE_BACKEND": "s3"}, {"STORAGE_BACKEND": "local"})


class Switched(Operated):
    """A gateway that is configured by the application's own variables, which name the upstream. The
    bucket upstream has the same name, and so is made anew."""

    def __init__(self, server, directory, switch, keys=None):
        self.server, self.switch, self.bucket = server, switch, switch.bucket
        self.there = switch.bucket
        self.proxy = Proxy(server.port)
        self.up = connect(server, server.key)
        self._empty_there()
        self.key = keys[1] if keys else None
        self._keys = keys
        # Where nothing but the built-in key is there, the side API wants none on this machine.
        self.token = bool(keys)
        self._directory = directory
        self.gateway = None

    def _empty_there(self):
        known = [one["Name"] for one in self.up.list_buckets()["Buckets"]]
        if self.there not in known:
            self.up.create_bucket(Bucket=self.there)
        for key in self.keys_there():
            self.up.delete_object(Bucket=self.there, Key=key)

    def start(self, cloud, credentials=True, key=None):
        """Starts it, or starts it again, with the cloud on or off, and credentials or none."""
        if self.gateway is not None:
            assert self.gateway.stop() == 0, self.gateway.tail()
        key = key or self.server.key
        token = {} if self.token else {"STOWGATE_ADMIN_TOKEN": ""}
        environment = {**token, self.switch.named: self.bucket, **(self.switch.on if cloud else self.switch.off)}
        if credentials:
            environment.update(
                AWS_REGION="us-east-1",
                AWS_ACCESS_KEY_ID=key.access,
                AWS_SECRET_ACCESS_KEY=key.secret,
                S3_ENDPOINT_URL=f"http://127.0.0.1:{self.proxy.port}",
            )
        self.gateway = Gateway(self._directory, keys=self._keys, environment=environment)
        self.gateway.start()
        return self

    @property
    def s3(self):
        return connect(self.gateway, MAIN if self._keys else BUILT_IN)

    def keys_there(self):
        """Every key upstream, but for those of trials of the permissions."""
        pages = self.up.get_paginator("list_objects_v2").paginate(Bucket=self.there)
        keys = [one["Key"] for page in pages for one in page.get("Contents", ())]
        return [key for key in keys if not key.startswith(".stowgate-probe-")]

    def close(self):
        try:
            if self.gateway is not None and self.gateway.alive():
                self.proxy.heal()
                assert self.gateway.stop() == 0, self.gateway.tail()
        finally:
            self.proxy.close()
