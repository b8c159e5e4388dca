"""A wrong configuration of the upstream is named: in the log, and by the side API."""

import contextlib
import http.client
import json
import re
import socket
import time

import botocore.exceptions
import pytest

import certificate
import upstreams
from crude import Crude
from fault_proxy import Proxy
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


@pytest.fixture
def proxied(server):
    """A fault proxy before the upstream, and its URL."""
    with Proxy(server.port) as proxy:
        yield proxy, f"http://127.0.0.1:{proxy.port}"


def front(tmp_path, mode, bucket, **settings):
    """A gateway with this upstream section."""
    config = upstream_toml(settings.pop("endpoint"), settings.pop("key"), **settings)
    config += bucket_toml(bucket, mode, upstream="main")
    return Gateway(tmp_path / "front", config=config)


def lines(gateway):
    """Whole lines of the log so far, without what the access log says."""
    text = gateway.log.read_text("utf-8", "replace")
    return [line for line in text.splitlines() if "stowgate::access" not in line]


def warnings(gateway):
    """The lines at warn or error that are about the upstream."""
    told = (line for line in lines(gateway) if re.search(r'"level":"(WARN|ERROR)"', line))
    return [line for line in told if "upstream" in line]


def has_all(text, patterns):
    return all(re.search(pattern, text, re.I) for pattern in patterns)


def shouts(gateway, *patterns):
    """The first line at warn or error that matches all patterns."""
    return next((line for line in warnings(gateway) if has_all(line, patterns)), None)


def named(gateway, bucket, *patterns):
    """Checks that the fault is named: in one line of the log, in one of /storage/test-s3 and in
    /storage/info, there also where the bucket is described."""
    line = eventually(lambda: shouts(gateway, *patterns), 20, lambda: f"a line with {patterns} in {lines(gateway)}")
    status, tried = gateway.side("GET", "/storage/test-s3")
    assert status == 503 and not tried["ok"], tried
    (upstream,) = tried["upstreams"]
    assert len(upstream["faults"]) == 1 and has_all(upstream["faults"][0], patterns), tried
    assert bucket in upstream["faults"][0], tried
    info, state = eventually(lambda: described(gateway, bucket), 20, f"{bucket} in /storage/info")
    assert info["upstreams"][0]["last_trial"]["faults"] == upstream["faults"], info
    assert has_all(state, patterns), info
    for text in (line, json.dumps(tried), json.dumps(info)):
        assert MAIN.secret not in text and upstreams.KEY.secret not in text
        assert "wrong-secret-of-upstream" not in text
    return tried


def described(gateway, bucket):
    """The answer of /storage/info and what it says of the bucket, once that is made."""
    status, info = gateway.side("GET", "/storage/info")
    assert status == 200, info
    return next(((info, one["state"]) for one in info["buckets"] if one["name"] == bucket), None)


def told_once(gateway, at_most=1):
    """However many requests come, the log does not say it again."""
    s3 = connect(gateway, MAIN)
    bucket = gateway.side("GET", "/storage/info")[1]["buckets"][0]["name"]
    calls = (
        lambda key: s3.put_object(Bucket=bucket, Key=key, Body=b"x"),
        lambda key: s3.head_object(Bucket=bucket, Key=key),
        lambda key: s3.get_object(Bucket=bucket, Key=key),
        lambda key: s3.list_objects_v2(Bucket=bucket),
        lambda key: s3.delete_object(Bucket=bucket, Key=key),
    )
    for number in range(6):
        for call in calls:
            with contextlib.suppress(botocore.exceptions.ClientError):
                call(f"key-{number}")
    gateway.side("GET", "/storage/test-s3")
    said = warnings(gateway)
    assert 1 <= len(said) <= at_most, said


def test_a_good_one(behind):
    site = behind("fallback")
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 200, tried
    text = json.dumps(tried)
    assert all(operation in text for operation in OPERATIONS), tried
    assert "latency" in text, tried
    assert probes_there(site) == [], "the trial leaves nothing behind"
    assert not warnings(site.gateway)
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
        named(gateway, site.there, r"SignatureDoesNotMatch: the secret key does not belong to the key", key.access)
        works_as_far_as_it_goes(gateway, site.there, mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_an_unknown_key(behind, server, tmp_path, mode):
    if not server.traits.checks_keys:
        pytest.skip("this upstream believes any key")
    site = behind("local")
    key = Key("AKUNKNOWNEXAMPLE", "wrong-secret-of-upstream", "admin", "x", "x")
    with front(tmp_path, mode, site.there, endpoint=server.endpoint, key=key) as gateway:
        named(gateway, site.there, r"the service does not know the key AKUNKNOWNEXAMPLE; correct access_key")
        works_as_far_as_it_goes(gateway, site.there, mode)
        told_once(gateway)


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
        named(gateway, name, rf"NoSuchBucket: there is no bucket {name}; make it or correct its name")
        works_as_far_as_it_goes(gateway, name, mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_wrong_region(behind, server, tmp_path, mode):
    if server.name != "versitygw":
        pytest.skip("this upstream takes any region")
    site = behind("local")
    settings = {"endpoint": server.endpoint, "key": server.key, "region": "eu-far-9"}
    with front(tmp_path, mode, site.there, **settings) as gateway:
        named(gateway, site.there, r"the bucket is in region us-east-1, not in eu-far-9; correct region")
        works_as_far_as_it_goes(gateway, site.there, mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_https_where_http_is_spoken(behind, server, tmp_path, mode):
    site = behind("local")
    endpoint = server.endpoint.replace("http://", "https://")
    with front(tmp_path, mode, site.there, endpoint=endpoint, key=server.key) as gateway:
        named(gateway, site.there, r"the service does not speak TLS there: is it http:// instead of https://")
        works_as_far_as_it_goes(gateway, site.there, mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_http_where_https_is_spoken(secure, tmp_path, mode):
    endpoint = secure.endpoint.replace("https://", "http://")
    with front(tmp_path, mode, "some-bucket", endpoint=endpoint, key=secure.key) as gateway:
        named(gateway, "some-bucket", r"does not speak HTTP: is it https:// instead of http://")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_certificate_that_is_not_trusted(secure, tmp_path, mode):
    with front(tmp_path, mode, "some-bucket", endpoint=secure.endpoint, key=secure.key) as gateway:
        named(gateway, "some-bucket", r"the service's certificate is not trusted: name its authority's in ca_file")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        told_once(gateway)


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
        named(gateway, site.there, r"connection refused: is the service running, and are address and port right")
        works_as_far_as_it_goes(gateway, site.there, mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_name_that_does_not_resolve(server, tmp_path, mode):
    endpoint = "http://no-such-host.invalid:9000"
    with front(tmp_path, mode, "some-bucket", endpoint=endpoint, key=server.key) as gateway:
        named(gateway, "some-bucket", r"the endpoint's name cannot be resolved: check the name and the DNS")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        told_once(gateway)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_black_hole(server, proxied, tmp_path, mode):
    """The trial waits for one answer and no more, and /storage/test-s3 not for each permission."""
    proxy, endpoint = proxied
    proxy.fault("blackhole")
    with front(tmp_path, mode, "some-bucket", endpoint=endpoint, key=server.key) as gateway:
        began = time.monotonic()
        tried = named(gateway, "some-bucket", r"the service did not answer in time")
        assert time.monotonic() - began < 8
        permissions = tried["upstreams"][0]["buckets"][0]["permissions"]
        assert [one["permission"] for one in permissions] == list(OPERATIONS)
        assert sum(one["latency_ms"] for one in permissions) < 6000, permissions
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        # The guard has a time of its own, and a line of its own for it.
        told_once(gateway, at_most=2)


@pytest.fixture
def unreachable():
    """An endpoint where connections come to nothing: nobody takes them, and no more can wait."""
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(contextlib.closing(socket.socket()))
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(contextlib.closing(socket.socket()))
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_connections_that_come_to_nothing(unreachable, tmp_path, mode):
    """As behind a firewall that drops them."""
    with front(tmp_path, mode, "some-bucket", endpoint=unreachable, key=upstreams.KEY) as gateway:
        named(gateway, "some-bucket", r"no connection came about in time: do address and port lead there")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        told_once(gateway, at_most=2)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_clock_that_is_wrong(server, proxied, tmp_path, mode):
    proxy, endpoint = proxied
    proxy.fault("answer 403 RequestTimeTooSkewed")
    with front(tmp_path, mode, "some-bucket", endpoint=endpoint, key=server.key) as gateway:
        named(gateway, "some-bucket", r"RequestTimeTooSkewed: this machine's clock differs .* set it right \(NTP\)")
        works_as_far_as_it_goes(gateway, "some-bucket", mode)
        told_once(gateway)


@pytest.mark.parametrize(
    "method, denied",
    [
        ("HEAD", {"head": "s3:ListBucket on arn:aws:s3:::{}"}),
        ("GET", {"list": "s3:ListBucket on arn:aws:s3:::{}", "get": "s3:GetObject on arn:aws:s3:::{}/*"}),
        ("PUT", {"put": "s3:PutObject on arn:aws:s3:::{}/*", "multipart": "s3:PutObject on arn:aws:s3:::{}/*"}),
        (
            "DELETE",
            {
                "delete": "s3:DeleteObject on arn:aws:s3:::{}/*",
                "multipart": "s3:AbortMultipartUpload on arn:aws:s3:::{}/*",
            },
        ),
        ("POST", {"multipart": "s3:PutObject on arn:aws:s3:::{}/*"}),
    ],
)
def test_a_permission_that_is_missing(behind, method, denied):
    site = behind("fallback")
    eventually(lambda: tried_last(site.gateway), 20, "the trial at the start")
    site.proxy.fault("answer 403 AccessDenied", method=method)
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 503, tried
    (upstream,) = tried["upstreams"]
    (bucket,) = upstream["buckets"]
    found = {one["permission"]: one["error"] for one in bucket["permissions"] if not one["ok"]}
    assert found.keys() == denied.keys(), tried
    for name, permission in denied.items():
        needs = f"the key {site.server.key.access} needs {permission.format(site.there)}"
        assert needs in found[name] and re.match(r"(AccessDenied|HTTP 403) on \w+: ", found[name]), found
        shown = eventually(lambda: shouts(site.gateway, re.escape(needs)), 5, f"a line with {needs}")
        assert len([line for line in warnings(site.gateway) if needs in line]) == 1, shown
        assert any(needs in fault for fault in upstream["faults"]), tried
    if method == "DELETE":
        (left,) = (one["left_behind"] for one in bucket["permissions"] if one["permission"] == "delete")
        assert left in probes_there(site)
    site.proxy.heal()
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 200, tried


def probes_there(site):
    """The keys of objects and uploads that trials made."""
    objects = site.up.list_objects_v2(Bucket=site.there).get("Contents", [])
    uploads = site.up.list_multipart_uploads(Bucket=site.there).get("Uploads", [])
    return [one["Key"] for one in objects + uploads if ".stowgate-probe-" in one["Key"]]


def test_an_outage_during_a_trial_leaves_nothing_behind_for_long(behind):
    site = behind("fallback")
    eventually(lambda: tried_last(site.gateway), 20, "the trial at the start")
    site.proxy.fault("answer 503 ServiceUnavailable", method="DELETE")
    status, tried = site.gateway.side("GET", "/storage/test-s3")
    assert status == 503, tried
    assert len(probes_there(site)) == 2, "an object and an upload"
    assert site.keys() == [] and "Uploads" not in site.s3.list_multipart_uploads(Bucket=site.bucket)
    site.proxy.heal()
    eventually(lambda: probes_there(site) == [], 15, lambda: f"nothing left: {probes_there(site)}")


def tried_last(gateway):
    """What the last trial found."""
    return gateway.side("GET", "/storage/info")[1]["upstreams"][0]["last_trial"]


NOT_DONE = {
    "conditions": (
        {"conditions": False},
        {"conditional_writes": False},
        "PutObject ignores If-None-Match: set conditional_writes = false",
    ),
    "tags": ({"tags": "refused"}, {"tags": False}, "the service refuses tags: set tags = false"),
    "tags-unkept": ({"tags": "ignored"}, {"tags": False}, "PutObjectTagging ignores tags: set tags = false"),
    "checksums": (
        {"framing": "refused"},
        {"checksums": "when-required"},
        'the service refuses checksums: set checksums = "when-required"',
    ),
    "checksums-kept": (
        {"framing": "kept"},
        {"checksums": "when-required"},
        'takes the checksum behind a body for a part of it: set checksums = "when-required"',
    ),
}


@pytest.mark.parametrize("case", NOT_DONE)
def test_what_a_service_does_not_do(tmp_path, case):
    """The trial finds out by itself and names the switch, which puts it right."""
    lacks, switch, words = NOT_DONE[case]
    with Crude(**lacks) as service:
        settings = {"endpoint": service.endpoint, "key": upstreams.KEY}
        with front(tmp_path / "wrong", "fallback", "some-bucket", **settings) as gateway:
            # In the log quotes are escaped.
            tried = named(gateway, "some-bucket", re.escape(words).replace('"', r'\\*"'))
            (bucket,) = tried["upstreams"][0]["buckets"]
            assert all(one["ok"] for one in bucket["permissions"]), tried
            wrong = [one["feature"] for one in bucket["features"] if not one["ok"]]
            assert wrong == [case.partition("-")[0]], tried
        with front(tmp_path / "right", "fallback", "some-bucket", **settings, **switch) as gateway:
            status, tried = gateway.side("GET", "/storage/test-s3")
            assert status == 200, tried
        assert not service.objects and not service.uploads, "trials leave nothing behind"


def test_a_service_that_does_everything(tmp_path):
    with Crude() as service:
        settings = {"endpoint": service.endpoint, "key": upstreams.KEY}
        with front(tmp_path, "fallback", "some-bucket", **settings) as gateway:
            status, tried = gateway.side("GET", "/storage/test-s3")
            assert status == 200, tried
            features = tried["upstreams"][0]["buckets"][0]["features"]
            assert {one["feature"] for one in features} == {"conditions", "tags", "checksums"}
        assert not service.objects and not service.uploads


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
