"""What a browser asks before and reads after a request across origins."""

import contextlib
import http.client
import os

import pytest

VARY = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"
APP = "https://app.example.com"
RULES = [
    {
        "AllowedOrigins": [APP, "http://*.example.org"],
        "AllowedMethods": ["PUT", "GET"],
        "AllowedHeaders": ["content-type", "x-amz-*"],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 600,
    },
    {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
]


@pytest.fixture
def ask(gateway):
    def ask(method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        with contextlib.closing(connection):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, body=body, headers=named)
            answer = connection.getresponse()
            answer.content = answer.read()
            return answer

    return ask


@pytest.fixture
def ruled(s3, bucket):
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": RULES})
    return bucket


def told(answer):
    names = ("allow-origin", "allow-credentials", "allow-methods", "allow-headers", "expose-headers", "max-age")
    found = {name: answer.getheader(f"access-control-{name}") for name in names}
    return {name: value for name, value in found.items() if value is not None}


def test_a_preflight_for_a_signed_upload(ask, ruled):
    answer = ask(
        "OPTIONS",
        f"/{ruled}/avatars/me.png",
        origin=APP,
        access_control_request_method="PUT",
        access_control_request_headers="content-type,x-amz-content-sha256,X-Amz-Date",
    )
    assert answer.status == 200, answer.content
    assert answer.content == b""
    assert answer.getheader("vary") == VARY
    assert told(answer) == {
        "allow-origin": APP,
        "allow-credentials": "true",
        "allow-methods": "PUT, GET",
        "allow-headers": "content-type, x-amz-content-sha256, x-amz-date",
        "expose-headers": "ETag",
        "max-age": "600",
    }


def test_a_preflight_for_a_presigned_url(ask, s3, ruled):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": ruled, "Key": "k"})
    path = url[url.index(f"/{ruled}/") :]
    answer = ask("OPTIONS", path, origin="http://a.example.org", access_control_request_method="PUT")
    assert answer.status == 200
    assert told(answer)["allow-origin"] == "http://a.example.org"
    stored = ask("PUT", path, body=b"content", origin="http://a.example.org")
    assert stored.status == 200
    assert told(stored)["allow-origin"] == "http://a.example.org"
    assert told(stored)["expose-headers"] == "ETag"


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://evil.example.com", "PUT", None),
        (APP, "DELETE", None),
        (APP, "PUT", "authorization"),
        ("http://example.org", "GET", None),
    ],
)
def test_a_preflight_that_no_rule_allows(ask, ruled, origin, method, headers):
    asked = {"origin": origin, "access_control_request_method": method}
    if headers:
        asked["access_control_request_headers"] = headers
    answer = ask("OPTIONS", f"/{ruled}/k", **asked)
    assert answer.status == 403
    assert b"<Code>AccessForbidden</Code>" in answer.content
    assert b"This CORS request is not allowed" in answer.content
    assert told(answer) == {}
    assert answer.getheader("vary") == VARY


def test_a_preflight_without_rules_or_bucket(ask, bucket):
    asked = {"origin": APP, "access_control_request_method": "GET"}
    answer = ask("OPTIONS", f"/{bucket}/k", **asked)
    assert answer.status == 403
    assert b"CORS is not enabled for this bucket" in answer.content
    answer = ask("OPTIONS", "/no-such-bucket-here/k", **asked)
    assert answer.status == 403
    assert b"Bucket not found" in answer.content


def test_what_is_no_preflight(ask, ruled):
    for headers in ({}, {"origin": APP}, {"access_control_request_method": "PUT"}):
        answer = ask("OPTIONS", f"/{ruled}/k", **headers)
        assert answer.status == 400
        assert b"<Code>BadRequest</Code>" in answer.content


def test_errors_can_be_read_by_the_page(ask, ruled):
    for method, path in (("GET", f"/{ruled}/none"), ("PUT", f"/{ruled}/k"), ("GET", f"/{ruled}?list-type=2")):
        answer = ask(method, path, origin=APP)
        assert answer.status == 403
        assert told(answer)["allow-origin"] == APP
        assert answer.getheader("vary") == VARY
    answer = ask("HEAD", f"/{ruled}/none", origin="null")
    assert told(answer) == {"allow-origin": "*", "allow-methods": "HEAD"}
    assert told(ask("GET", f"/{ruled}/none", origin="https://evil.example.com")) == {}


def test_a_large_object_streams_to_the_page(ask, s3, ruled):
    content = os.urandom(9 << 20)
    s3.put_object(Bucket=ruled, Key="large", Body=content)
    url = s3.generate_presigned_url("get_object", Params={"Bucket": ruled, "Key": "large"})
    path = url[url.index(f"/{ruled}/") :]
    answer = ask("GET", path, origin=APP)
    assert answer.content == content
    assert told(answer)["allow-origin"] == APP
    part = ask("GET", path, origin=APP, range="bytes=5-9")
    assert (part.status, part.content) == (206, content[5:10])
    assert told(part)["allow-origin"] == APP


def test_a_removed_configuration_is_gone_at_once(ask, s3, ruled):
    assert told(ask("GET", f"/{ruled}/k", origin=APP))["allow-origin"] == APP
    s3.delete_bucket_cors(Bucket=ruled)
    answer = ask("GET", f"/{ruled}/k", origin=APP)
    assert told(answer) == {}
    assert answer.getheader("vary") is None
