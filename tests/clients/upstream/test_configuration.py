"""A wrong configuration of the upstream is named: in the log, and by the side API."""

import http.client
import json
import re
import time

import pytest

import certificate
import upstreams
from behind import Behind, bucket_toml, fresh_bucket, upstream_toml
from connect import connect
from gateway import MAIN, Gateway, Key
from waiting import eventually

OPERATIONS = ("head", "list", "put", "get", "delete", "multipart")


@pytest.fixture(scope="module")
def secure(tmp_path_factory):
    """A Stowgate that serves HTTPS with a certificate nobody trusts."""
    directory = tmp_path_factory.mktemp("secure")
    with upstreams.make("stowgate", directory, tls=certificate.issue(directory)) as running:
        yield running


def front(tmp_path, mode, bucket, **settings):
    """A gateway with this upstream section."""
    config = upstream_toml(settings.pop("endpoint"), settings.pop("key"), **settings)
    config += bucket_toml(bucket, mode, upstream="main")
    return Gateway(tmp_path / "front", config=config)


def lines(gateway):
    """Whole lines of the log so far, without what the access log says."""
    text = gateway.log.read_text("utf-8", "replace")
    return [line for line in text.splitlines() if "stowgate::access" not in line]


def shouts(gateway, *patterns):
    """The first line at warn or error that matches all patterns."""
    for line in lines(gateway):
        if re.search(r"WARN|ERROR|warn|error", line) and all(re.search(p, line, re.I) for p in patterns):
            return line
    return None


def named(gateway, bucket, *patterns):
    """Checks the three places that must name the fault."""
    line = eventually(lambda: shouts(gateway, *patterns), 20, lambda: f"a line with {patterns} in {lines(gateway)}")
    status, tried = gateway.side("GET", "/storage/test-s3")
    assert status == 503, tried
    assert all(re.search(p, json.dumps(tried, ensure_ascii=False), re.I) for p in patterns), tried
    status, info = gateway.side("GET", "/storage/info")
    assert status == 200
    assert all(re.search(p, json.dumps(info, ensure_ascii=False), re.I) for p in patterns), info
    for text in (line, json.dumps(tried), json.dumps(info)):
        assert MAIN.secret not in text and upstreams.KEY.secret not in text
        assert "wrong-secret-of-upstream" not in text
    return tried


def test_a_good_one(behind):
    site = behind("fallback")
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 200, tried
    text = json.dumps(tried)
    assert all(operation in text for operation in OPERATIONS), tried
    assert "latency" in text, tried
    assert site.keys_there() == [], "the trial leaves nothing behind"
    assert "Uploads" not in site.up.list_multipart_uploads(Bucket=site.there)
    status, info = site.gateway.side("GET", "/storage/info")
    assert status == 200
    text = json.dumps(info)
    assert site.bucket in text and "fallback" in text and site.there in text
    assert site.server.key.secret not in text and MAIN.secret not in text


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_wrong_secret(behind, server, tmp_path, mode):
    if not server.traits.checks_keys:
        pytest.skip("this upstream believes any key")
    site = behind("local")
    key = Key(server.key.access, "wrong-secret-of-upstream", "admin", "x", "x")
    with front(tmp_path, mode, site.there, endpoint=server.endpoint, key=key) as gateway:
        named(gateway, site.there, r"secret|SignatureDoesNotMatch")
        works_as_far_as_it_goes(gateway, site.there, mode)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_an_unknown_key(behind, server, tmp_path, mode):
    if not server.traits.checks_keys:
        pytest.skip("this upstream believes any key")
    site = behind("local")
    key = Key("AKUNKNOWNEXAMPLE", "wrong-secret-of-upstream", "admin", "x", "x")
    with front(tmp_path, mode, site.there, endpoint=server.endpoint, key=key) as gateway:
        named(gateway, site.there, r"access.?key|InvalidAccessKeyId")
        works_as_far_as_it_goes(gateway, site.there, mode)


def works_as_far_as_it_goes(gateway, bucket, mode):
    """In `fallback` writes are taken; in `upstream` they are 503. Never the client's fault."""
    s3 = connect(gateway, MAIN)
    if mode == "fallback":
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"x"
        return
    for call in (
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x"),
        lambda: s3.get_object(Bucket=bucket, Key="k"),
        lambda: s3.list_objects_v2(Bucket=bucket),
    ):
        with pytest.raises(s3.exceptions.ClientError) as caught:
            call()
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_missing_bucket(server, tmp_path, mode):
    name = fresh_bucket()
    with front(tmp_path, mode, name, endpoint=server.endpoint, key=server.key) as gateway:
        named(gateway, name, r"NoSuchBucket|no such bucket|does not exist|no bucket", name)
        works_as_far_as_it_goes(gateway, name, mode)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_wrong_region(behind, server, tmp_path, mode):
    if server.name != "versitygw":
        pytest.skip("this upstream takes any region")
    site = behind("local")
    settings = {"endpoint": server.endpoint, "key": server.key, "region": "eu-far-9"}
    with front(tmp_path, mode, site.there, **settings) as gateway:
        named(gateway, site.there, r"region|eu-far-9")
        works_as_far_as_it_goes(gateway, site.there, mode)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_https_where_http_is_spoken(behind, server, tmp_path, mode):
    site = behind("local")
    endpoint = server.endpoint.replace("http://", "https://")
    with front(tmp_path, mode, site.there, endpoint=endpoint, key=server.key) as gateway:
        named(gateway, site.there, r"https|TLS")
        works_as_far_as_it_goes(gateway, site.there, mode)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_http_where_https_is_spoken(secure, tmp_path, mode):
    endpoint = secure.endpoint.replace("https://", "http://")
    with front(tmp_path, mode, "some-bucket", endpoint=endpoint, key=secure.key) as gateway:
        named(gateway, "some-bucket", r"https|TLS|HTTP/1")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_certificate_that_is_not_trusted(secure, tmp_path, mode):
    with front(tmp_path, mode, "some-bucket", endpoint=secure.endpoint, key=secure.key) as gateway:
        named(gateway, "some-bucket", r"certificate")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)


def test_a_certificate_that_is_trusted(secure, tmp_path):
    bucket = fresh_bucket()
    connect(secure, secure.key).create_bucket(Bucket=bucket)
    settings = {"endpoint": secure.endpoint, "key": secure.key, "ca_file": secure.tls.cert}
    with front(tmp_path, "upstream", bucket, **settings) as gateway:
        status, tried = gateway.side("GET", "/storage/test-s3")
        assert status == 200, tried
        s3 = connect(gateway, MAIN)
        body = bytes(range(256)) * 5000
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == body
        assert connect(secure, secure.key).head_object(Bucket=bucket, Key="k")["ContentLength"] == len(body)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_nobody_there(behind, server, tmp_path, mode):
    site = behind("local")
    endpoint = f"http://127.0.0.1:{upstreams.free_port()}"
    with front(tmp_path, mode, site.there, endpoint=endpoint, key=server.key) as gateway:
        named(gateway, site.there, r"refused|connect")
        works_as_far_as_it_goes(gateway, site.there, mode)


@pytest.mark.parametrize(
    "method, operation",
    [("PUT", "PutObject"), ("DELETE", "DeleteObject"), ("POST", "CreateMultipartUpload")],
)
def test_a_permission_that_is_missing(behind, method, operation):
    site = behind("fallback")
    site.proxy.fault("answer 403 AccessDenied", method=method)
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 503, tried
    text = json.dumps(tried)
    assert "AccessDenied" in text and (operation in text or f"s3:{operation}" in text), tried
    assert re.search(r"needs|permission|s3:", text), tried


def test_a_local_bucket_tries_nothing(behind):
    site = behind("local")
    assert site.proxy.counts()["connections"] == 0
    status, info = site.gateway.side("GET", "/storage/info")
    assert status == 200 and site.bucket in json.dumps(info)
    assert site.proxy.counts()["connections"] == 0


def test_the_side_api_wants_its_token(behind):
    site = behind("fallback")
    for path in ("/storage/info", "/storage/test-s3", "/storage/spool"):
        connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=10)
        connection.request("GET", path)
        response = connection.getresponse()
        assert response.status in (401, 403), (path, response.status)
        assert "error" in json.loads(response.read())
        connection.close()


def test_starting_does_not_wait_for_the_upstream(server, tmp_path):
    """A black hole from the first moment, and the gateway serves within two seconds."""
    site = Behind(server, tmp_path / "gateway", "fallback")
    try:
        site.proxy.fault("blackhole")
        began = time.monotonic()
        site.start()
        assert time.monotonic() - began < 2
        site.put("k", b"x")
        assert site.get("k") == b"x"
    finally:
        site.close()


def test_configured_buckets_are_there_as_soon_as_it_is_ready(server, tmp_path):
    """On an empty data directory, again and again."""
    for number in range(12):
        site = Behind(server, tmp_path / str(number), "fallback")
        try:
            site.start()
            site.put("k", b"x")
            assert site.get("k") == b"x"
        finally:
            site.close()
