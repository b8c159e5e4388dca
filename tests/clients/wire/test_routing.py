"""Which operation a request is, and what is said where it is none."""

import hashlib
import xml.etree.ElementTree as ElementTree

import pytest

import sigv4
from s3check import absent

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


@pytest.fixture
def stored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    return lambda: s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"


@pytest.mark.parametrize(
    ("method", "path", "query", "code", "status"),
    [
        ("PUT", "/k", [("partNumber", "1")], "InvalidArgument", 400),
        ("PUT", "/k", [("uploadId", "x")], "MethodNotAllowed", 405),
        ("GET", "/k", [("uploads", "")], "InvalidRequest", 400),
        ("GET", "/k", [("versions", "")], "InvalidRequest", 400),
        ("POST", "/k", [], "MethodNotAllowed", 405),
        ("PATCH", "/k", [], "MethodNotAllowed", 405),
        ("PUT", "/k", [("legal-hold", "")], "NotImplemented", 501),
        ("PUT", "/k", [("retention", "")], "NotImplemented", 501),
        ("PUT", "/k", [("renameObject", "")], "NotImplemented", 501),
        ("PUT", "/k", [("encryption", "")], "NotImplemented", 501),
        ("GET", "/k", [("torrent", "")], ("NotImplemented", "NoSuchKey"), (404, 501)),
        ("POST", "/k", [("restore", "")], "NotImplemented", 501),
        ("POST", "/k", [("select", ""), ("select-type", "2")], "NotImplemented", 501),
        ("PUT", "", [("versioning", "")], "NotImplemented", 501),
        ("PUT", "", [("logging", "")], "NotImplemented", 501),
        ("PUT", "", [("replication", "")], "NotImplemented", 501),
        ("PUT", "", [("notification", "")], "NotImplemented", 501),
        ("PUT", "", [("inventory", ""), ("id", "x")], "NotImplemented", 501),
        ("PUT", "", [("object-lock", "")], "NotImplemented", 501),
    ],
)
def test_what_is_not_served(speak, bucket, stored, method, path, query, code, status):
    response = speak.call(method, f"/{bucket}{path}", b"", query=query)
    assert response.code in ((code,) if isinstance(code, str) else code), response.body
    assert response.status in ((status,) if isinstance(status, int) else status)
    assert stored()


@pytest.mark.parametrize("name", ["acl", "retention", "legal-hold", "annotation", "website", "policy"])
def test_deleting_a_part_of_an_object_never_deletes_it(speak, bucket, stored, name):
    response = speak.call("DELETE", f"/{bucket}/k", query=[(name, "")])
    assert response.status in (400, 405, 501)
    assert stored()


def test_a_refused_method_names_the_allowed_ones(speak, bucket, stored):
    response = speak.call("POST", f"/{bucket}/k")
    assert response.status == 405 and response.get("allow")


def test_the_root(speak):
    assert speak.call("POST", "/", b"x").status in (403, 405)
    assert speak.call("PUT", "/", b"").status in (400, 405)
    assert speak.call("DELETE", "/").status in (400, 405)


def test_an_iam_call_is_answered_at_once(speak, dial):
    """Tools ask IAM questions of their S3 endpoint; an answer of 4xx is what they can live with."""
    body = b"Action=ListUsers&Version=2010-05-08"
    request = speak.sign(
        "POST",
        "/",
        region="",
        service="iam",
        payload=None,
        headers=[("content-type", "application/x-www-form-urlencoded; charset=utf-8")],
    )
    response = dial().request(request, body)
    assert 400 <= response.status < 500


def test_buckets_with_and_without_a_slash(speak, bucket, stored):
    for path in (f"/{bucket}", f"/{bucket}/"):
        response = speak.call("GET", path, query=[("list-type", "2")])
        assert response.status == 200 and b"<Key>k</Key>" in response.body
        assert speak.call("HEAD", path).status == 200
        assert b"LocationConstraint" in speak.call("GET", path, query=[("location", "")]).body


def test_subresources_with_and_without_an_equals_sign(speak, bucket, stored):
    request = speak.sign("GET", f"/{bucket}", query=[("uploads", "")])
    assert request.target.endswith("?uploads=")
    assert b"ListMultipartUploadsResult" in speak.send(request).body
    request = speak.sign("GET", f"/{bucket}", query=[("uploads", "")])
    request.target = request.target.rstrip("=")
    assert b"ListMultipartUploadsResult" in speak.send(request).body


@pytest.mark.parametrize("tail", ["%zz", "%", "%4", "%ff%fe", "%c0%af"])
def test_targets_that_are_no_text(speak, s3, bucket, tail):
    request = speak.sign("PUT", f"/{bucket}/k", b"x")
    request.target = f"/{bucket}/k{tail}"
    response = speak.send(request, b"x")
    assert (response.status, response.code) in ((400, "InvalidURI"), (403, "SignatureDoesNotMatch"))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_null_byte_never_cuts_a_key_short(speak, s3, bucket, stored):
    response = speak.call("PUT", f"/{bucket}/k\0tail", b"other")
    assert response.status in (200, 400)
    assert stored()
    if response.status == 200:
        assert speak.call("GET", f"/{bucket}/k\0tail").body == b"other"
        assert speak.call("DELETE", f"/{bucket}/k\0tail").status == 204


def test_paths_are_taken_as_they_are(speak, s3, bucket):
    for key in ("a//b", "./a", "../a", "a/../b", "a/./b", "/", "//", "a+b", "a b", "ä"):
        assert speak.call("PUT", f"/{bucket}/{key}", key.encode()).status == 200
        got = speak.call("GET", f"/{bucket}/{key}")
        assert (got.status, got.body) == (200, key.encode())
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())


def test_less_encoding_than_the_signature(speak, s3, bucket):
    """Some clients sign `@` or `!` encoded and send it raw, or the other way round."""
    request = speak.sign("PUT", f"/{bucket}/a@b!c", b"x")
    request.target = f"/{bucket}/a@b!c"
    assert speak.send(request, b"x").status == 200
    request = speak.sign("PUT", f"/{bucket}/lower/slash", b"x")
    request.target = f"/{bucket}/lower%2fslash"
    assert speak.send(request, b"x").status == 200
    assert not absent(s3, bucket, "lower/slash")


def test_a_plus_in_a_path_is_a_plus(speak, s3, bucket):
    request = speak.sign("PUT", f"/{bucket}/a+b", b"x")
    request.target = f"/{bucket}/a+b"
    assert speak.send(request, b"x").status == 200
    assert not absent(s3, bucket, "a+b")


def test_an_absolute_target(speak, bucket, stored):
    request = speak.sign("GET", f"/{bucket}/k")
    request.target = f"http://{speak.host}{request.target}"
    assert speak.send(request).body == b"content"


def test_a_copy_source_elsewhere_is_refused(speak, bucket, stored):
    response = speak.call("GET", f"/{bucket}/k", headers=[("x-amz-copy-source", f"{bucket}/k")])
    assert (response.status, response.code) == (400, "InvalidArgument")


def test_appending_is_refused(speak, bucket, stored):
    response = speak.call("PUT", f"/{bucket}/k", b"more", headers=[("x-amz-write-offset-bytes", "7")])
    assert response.status in (400, 501)
    assert stored()


def test_preflight_is_not_authenticated(dial, bucket, gateway):
    connection = dial()
    host = ("host", f"127.0.0.1:{gateway.port}")
    asked = [host, ("origin", "http://example.com"), ("access-control-request-method", "GET")]
    connection.send_head("OPTIONS", f"/{bucket}/k", asked)
    response = connection.read("OPTIONS")
    assert (response.status, response.code) == (403, "AccessForbidden")
    connection.send_head("OPTIONS", f"/{bucket}/k", [host])
    assert connection.read("OPTIONS").status == 400


def test_anonymous_requests(dial, bucket, stored, gateway):
    connection = dial()
    host = [("host", f"127.0.0.1:{gateway.port}")]
    for method, path in (("GET", "/"), ("GET", f"/{bucket}"), ("GET", f"/{bucket}/k"), ("DELETE", f"/{bucket}/k")):
        connection.send_head(method, path, host)
        response = connection.read(method)
        assert (response.status, response.code) == (403, "AccessDenied")
        assert response.get("www-authenticate") is None
    assert stored()


def test_the_shape_of_a_listing(speak, s3, bucket):
    for key in ("a&b", "c\rd", "e/f"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    response = speak.call("GET", f"/{bucket}", query=[("list-type", "2"), ("delimiter", "/")])
    assert response.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>')
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in response.body
    assert response.get("x-amz-bucket-region") == "us-east-1"
    root = ElementTree.fromstring(response.body)
    names = [child.tag.removeprefix(NAMESPACE) for child in root]
    assert names.index("Name") == 0 or names.index("Name") < names.index("Contents")
    found = [e.findtext(NAMESPACE + "Key") for e in root.iter(NAMESPACE + "Contents")]
    assert found == ["a&b", "c\rd"]
    entry = root.find(NAMESPACE + "Contents")
    assert entry.findtext(NAMESPACE + "LastModified").endswith(".000Z")
    assert entry.findtext(NAMESPACE + "ETag") == f'"{hashlib.md5(b"x").hexdigest()}"'


def test_url_encoding_in_a_listing(speak, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b+c/\x01ü%", Body=b"x")
    query = [("list-type", "2"), ("encoding-type", "url"), ("prefix", "a b+")]
    body = speak.call("GET", f"/{bucket}", query=query).body
    assert b"<Key>a%20b%2Bc/%01%C3%BC%25</Key>" in body
    assert b"<Prefix>a%20b%2B</Prefix>" in body
    assert b"<EncodingType>url</EncodingType>" in body


@pytest.mark.parametrize(
    ("name", "value"), [("max-keys", "many"), ("max-keys", "-1"), ("max-keys", "99999999999999999999"), ("encoding-type", "gzip")]
)
def test_bad_listing_parameters(speak, bucket, name, value):
    for version in ([], [("list-type", "2")]):
        response = speak.call("GET", f"/{bucket}", query=[*version, (name, value)])
        if value.startswith("999"):
            assert response.status in (200, 400)
        else:
            assert (response.status, response.code) == (400, "InvalidArgument")


def test_health_endpoints_answer_anyone(dial, gateway):
    connection = dial()
    for path in ("/storage/health/live", "/storage/health/ready"):
        connection.send_head("GET", path, [("host", f"127.0.0.1:{gateway.port}")])
        assert connection.read().status == 200


def test_signing_helpers_agree_with_the_worked_example():
    """The harness's own signer, against the example of the S3 reference."""
    key = type("Key", (), {"access": "AKIAIOSFODNN7EXAMPLE", "secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
    request = sigv4.sign(
        key,
        "GET",
        "/test.txt",
        "examplebucket.s3.amazonaws.com",
        headers=[("range", "bytes=0-9")],
        time="20130524T000000Z",
    )
    assert request.signing.signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
