"""Signatures in the query: what is missing, malformed, expired or not yet valid."""

import pytest

import sigv4
from gateway import MAIN
from s3check import absent


def test_right(speak, s3, bucket):
    response = speak.send(speak.presign("PUT", f"/{bucket}/k"), b"body")
    assert response.status == 200
    response = speak.send(speak.presign("GET", f"/{bucket}/k"))
    assert (response.status, response.body) == (200, b"body")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Amz-Algorithm", None),
        ("X-Amz-Credential", None),
        ("X-Amz-Date", None),
        ("X-Amz-Expires", None),
        ("X-Amz-SignedHeaders", None),
        ("X-Amz-Algorithm", "AWS4-HMAC-MD5"),
        ("X-Amz-Credential", MAIN.access),
        ("X-Amz-Credential", f"{MAIN.access}/20240101/us-east-1/s3"),
        ("X-Amz-Credential", f"{MAIN.access}/20240101/us-east-1/s3/aws4_request"),
        ("X-Amz-Credential", f"{MAIN.access}/{sigv4.amz_time()[:8]}/us-east-1/ec2/aws4_request"),
        ("X-Amz-Credential", f"{MAIN.access}/{sigv4.amz_time()[:8]}/us-east-1/s3/other"),
        ("X-Amz-Date", "yesterday"),
        ("X-Amz-Expires", "soon"),
        ("X-Amz-Expires", "-1"),
        ("X-Amz-Expires", "604801"),
        ("X-Amz-Expires", "99999999999999999999999"),
    ],
)
def test_bad_parameters(speak, s3, bucket, name, value):
    request = speak.presign("PUT", f"/{bucket}/k", changes=[(name, value)])
    response = speak.send(request, b"x")
    assert response.status in (400, 403), response.body
    if response.status == 400:
        assert response.code == "AuthorizationQueryParametersError"
    else:
        # Without an algorithm it isn't a presigned request at all, but an anonymous one.
        assert (name, value, response.code) == ("X-Amz-Algorithm", None, "AccessDenied")
    assert absent(s3, bucket, "k")


def test_without_a_signature(speak, bucket):
    request = speak.presign("GET", f"/{bucket}/k")
    request.target = request.target.split("&X-Amz-Signature=")[0]
    response = speak.send(request)
    assert (response.status, response.code) == (400, "AuthorizationQueryParametersError")


def test_expired(speak, s3, bucket):
    request = speak.presign("PUT", f"/{bucket}/k", expires=60, time=sigv4.amz_time(skew=-61))
    response = speak.send(request, b"x")
    assert (response.status, response.code) == (403, "AccessDenied")
    error = response.error
    assert error.findtext("X-Amz-Expires") == "60"
    assert error.findtext("Expires") and error.findtext("ServerTime")
    assert absent(s3, bucket, "k")


def test_not_yet_valid(speak, bucket):
    request = speak.presign("GET", f"/{bucket}", time=sigv4.amz_time(skew=1000))
    assert speak.send(request).code == "AccessDenied"
    near = speak.presign("GET", f"/{bucket}", time=sigv4.amz_time(skew=600))
    assert speak.send(near).status == 200


def test_a_week_is_allowed(speak, bucket):
    request = speak.presign("GET", f"/{bucket}", expires=604800, time=sigv4.amz_time(skew=-600_000))
    assert speak.send(request).status == 200


def test_the_signature_stands_anywhere(speak, bucket):
    request = speak.presign("GET", f"/{bucket}")
    path, query = request.target.split("?")
    request.target = path + "?" + "&".join(sorted(query.split("&"), reverse=True))
    assert speak.send(request).status == 200


def test_signed_headers_must_come(speak, s3, bucket):
    signed = speak.presign("PUT", f"/{bucket}/k", headers=[("content-type", "text/plain")])
    signed.header("content-type", None)
    assert speak.send(signed, b"x").code == "SignatureDoesNotMatch"
    assert absent(s3, bucket, "k")


def test_an_added_amz_header_is_refused(speak, s3, bucket):
    request = speak.presign("PUT", f"/{bucket}/k")
    request.headers.append(("x-amz-meta-added", "1"))
    response = speak.send(request, b"x")
    assert (response.status, response.code) == (403, "AccessDenied")
    assert "x-amz-meta-added" in response.error.findtext("HeadersNotSigned")
    assert absent(s3, bucket, "k")


def test_inputs_in_the_query_count(speak, s3, bucket):
    query = [("x-amz-meta-colour", "red"), ("x-amz-tagging", "a=1"), ("x-id", "PutObject")]
    assert speak.send(speak.presign("PUT", f"/{bucket}/k", query=query), b"x").status == 200
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"] == {"colour": "red"}
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_a_checksum_in_the_query_is_not_enforced(speak, s3, bucket):
    """JavaScript's presigner bakes in the checksum of an empty body."""
    query = [("x-amz-checksum-crc32", "AAAAAA=="), ("x-amz-sdk-checksum-algorithm", "CRC32")]
    assert speak.send(speak.presign("PUT", f"/{bucket}/k", query=query), b"body").status == 200
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"body"


def test_a_changed_parameter(speak, bucket):
    request = speak.presign("GET", f"/{bucket}/k", query=[("response-content-type", "a/b")])
    request.target = request.target.replace("a%2Fb", "text%2Fhtml")
    assert speak.send(request).code == "SignatureDoesNotMatch"


def test_overrides_need_a_signature(speak, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    request = speak.presign("GET", f"/{bucket}/k")
    request.target = f"/{bucket}/k?response-content-type=text%2Fhtml"
    assert speak.send(request).status in (400, 403)
