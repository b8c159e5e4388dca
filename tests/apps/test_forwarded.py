"""Behind nginx with TLS: what it says of its clients, believed where the configuration names it."""

import json
import os
import urllib.parse

import pytest

from connect import connect
from front import Front
from gateway import MAIN, Gateway, Key
from s3check import refused
from web import Web

TRUSTED = '[server]\ntrusted_proxies = ["127.0.0.1"]\n'
CLIENT = "203.0.113.7"
BUCKET = "forwarded"


class Behind:
    """A gateway with nginx in front."""

    def __init__(self, directory, config):
        self.gateway = Gateway(directory / "gateway", keys=(MAIN,), config=config)
        self.front = Front(directory / "nginx")

    def __enter__(self):
        self.gateway.start()
        self.front.start(self.gateway.port)
        self.direct = connect(self.gateway, MAIN)
        self.direct.create_bucket(Bucket=BUCKET)
        return self

    def __exit__(self, *_):
        self.front.stop()
        assert self.gateway.stop() == 0, self.gateway.tail()

    def client(self, endpoint=None, **headers):
        """A client at nginx, or elsewhere, whose requests carry these headers as well."""
        url = endpoint or self.front.url("s3")
        client = connect(self.gateway, MAIN, endpoint_url=url, verify=str(self.front.trust))

        def add(request, **_):
            for name, value in headers.items():
                request.headers[name.replace("_", "-")] = value

        client.meta.events.register("before-send.s3", add)
        return client

    def set_policy(self, condition, effect="Allow"):
        statement = {
            "Effect": effect,
            "Principal": "*",
            "Action": "s3:GetObject",
            "Resource": f"arn:aws:s3:::{BUCKET}/*",
            "Condition": condition,
        }
        self.direct.put_public_access_block(
            Bucket=BUCKET,
            PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False},
        )
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.direct.put_bucket_policy(Bucket=BUCKET, Policy=policy)

    def logged(self, **wanted):
        found = []
        for line in self.gateway.log.read_text(errors="replace").splitlines():
            if line.startswith("{"):
                fields = json.loads(line)
                fields.update(fields.pop("fields", {}))
                if all(fields.get(name) == value for name, value in wanted.items()):
                    found.append(fields)
        return found


@pytest.fixture(params=[True, False], ids=["trusted", "untrusted"])
def behind(request, tmp_path):
    with Behind(tmp_path, TRUSTED if request.param else "") as running:
        running.trusted = request.param
        yield running


def test_address_and_tls_in_policies(behind):
    behind.direct.put_object(Bucket=BUCKET, Key="k", Body=b"x")
    web = Web(behind.front.url("s3"), behind.front.trust)
    path = f"/{BUCKET}/k"
    believed = 200 if behind.trusted else 403
    behind.set_policy({"IpAddress": {"aws:SourceIp": f"{CLIENT}/32"}})
    assert web.get(path, x_forwarded_for=CLIENT).status == believed
    assert web.get(path, x_forwarded_for="203.0.113.8").status == 403
    assert web.get(path, x_forwarded_for=f"{CLIENT}, 203.0.113.8").status == 403
    assert web.get(path, x_forwarded_for=CLIENT, forwarded="for=203.0.113.8").status == 403
    behind.set_policy({"Bool": {"aws:SecureTransport": "true"}})
    assert web.get(path, x_forwarded_for=CLIENT).status == believed
    plain = Web(behind.gateway.endpoint)
    assert plain.get(path).status == 403
    # Whoever is trusted is believed, TLS or not.
    assert plain.get(path, x_forwarded_for=CLIENT, x_forwarded_proto="https").status == believed
    assert plain.get(path, x_forwarded_for="nonsense", x_forwarded_proto="https").status == 403
    assert plain.get(path, x_forwarded_for=CLIENT, x_forwarded_proto="nonsense").status == 403


def test_no_denial_is_escaped_by_a_header_that_names_nobody(tmp_path):
    with Behind(tmp_path, TRUSTED) as behind:
        behind.direct.put_object(Bucket=BUCKET, Key="k", Body=b"x")
        path = f"/{BUCKET}/k"
        unclear = (
            {"x_forwarded_for": "nonsense"},
            {"x_forwarded_for": "203.0.113.8", "forwarded": f"for={CLIENT}"},
            {"forwarded": "for=unknown"},
            {"x_forwarded_proto": "https"},
        )
        behind.set_policy({"NotIpAddress": {"aws:SourceIp": f"{CLIENT}/32"}})
        plain = Web(behind.gateway.endpoint)
        assert plain.get(path, x_forwarded_for="203.0.113.8").status == 200
        for headers in unclear:
            assert plain.get(path, **headers).status == 403, headers
        behind.set_policy({"IpAddress": {"aws:SourceIp": f"{CLIENT}/32"}}, effect="Deny")

        def read(**headers):
            client = behind.client(endpoint=behind.gateway.endpoint, **headers)
            return client.get_object(Bucket=BUCKET, Key="k")["Body"].read()

        assert read(x_forwarded_for="203.0.113.8") == b"x"
        for headers in ({"x_forwarded_for": CLIENT}, *unclear):
            with refused("AccessDenied", 403):
                read(**headers)


def test_keys_of_customers(behind):
    """A key that nginx hands on in the clear came safely only where nginx is known to say so."""
    secret = {"SSECustomerKey": os.urandom(32), "SSECustomerAlgorithm": "AES256"}
    through = behind.client()
    if behind.trusted:
        through.put_object(Bucket=BUCKET, Key="c", Body=b"secret", **secret)
        assert through.get_object(Bucket=BUCKET, Key="c", **secret)["Body"].read() == b"secret"
    else:
        with refused("InvalidRequest", 400):
            through.put_object(Bucket=BUCKET, Key="c", Body=b"secret", **secret)
    behind.direct.put_object(Bucket=BUCKET, Key="d", Body=b"secret", **secret)


def test_where_answers_lead(behind):
    through = behind.client()
    upload = through.create_multipart_upload(Bucket=BUCKET, Key="m")["UploadId"]
    at = {"Bucket": BUCKET, "Key": "m", "UploadId": upload}
    part = through.upload_part(**at, PartNumber=1, Body=b"x")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": part}]}
    location = through.complete_multipart_upload(**at, MultipartUpload=parts)["Location"]
    scheme = "https" if behind.trusted else "http"
    host = urllib.parse.urlsplit(behind.front.url("s3")).netloc
    assert location == f"{scheme}://{host}/{BUCKET}/m"


def test_access_log(behind):
    behind.client(X_Forwarded_For=CLIENT).put_object(Bucket=BUCKET, Key="logged", Body=b"x")
    (line,) = behind.logged(key="logged")
    assert line["peer"].startswith("127.0.0.1:") and line["tls"] is False
    expected = (CLIENT, True) if behind.trusted else (None, None)
    assert (line.get("client"), line.get("client_tls")) == expected


def test_a_malformed_header_is_logged_once(tmp_path):
    with Behind(tmp_path, TRUSTED) as behind:
        for _ in range(3):
            Web(behind.gateway.endpoint).get("/", x_forwarded_for="nonsense")
        said = [line for line in behind.logged(level="WARN") if line.get("header") == "x-forwarded-for"]
        assert len(said) == 1, said
