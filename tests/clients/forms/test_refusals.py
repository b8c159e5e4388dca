"""Forms that are refused: each with its code, and nothing stored afterwards."""

import base64
import socket

import pytest

import forms
from gateway import ALT, MAIN, READER, Key

STRANGER = Key("AKNOBODYEXAMPLE", "nobody-secret-key-0123456", "admin", "nobody", "Nobody")
KEY = ("key", "k")


def listed(s3, bucket):
    return [o["Key"] for o in s3.list_objects_v2(Bucket=bucket).get("Contents", ())]


def free(bucket):
    return [{"bucket": bucket}, ["starts-with", "$key", ""], ["content-length-range", 2, 5]]


def forged(key, bucket, name, value):
    return [(n, value if n == name else v) for n, v in forms.signed_v4(key, free(bucket))]


def signed(*conditions, key=MAIN, **more):
    return lambda bucket: forms.signed_v4(key, [*free(bucket), *conditions], **more)


CASES = {
    "anonymous": (lambda b: [KEY], b"file", 403, "AccessDenied"),
    "no key": (signed(), b"file", 400, "InvalidArgument"),
    "no file": (lambda b: [KEY, *signed()(b)], None, 400, "InvalidArgument"),
    "expired": (lambda b: [KEY, *signed(expires=-1)(b)], b"file", 403, "AccessDenied"),
    "too large": (lambda b: [KEY, *signed()(b)], b"123456", 400, "EntityTooLarge"),
    "much too large": (lambda b: [KEY, *signed()(b)], b"1" * 900_000, 400, "EntityTooLarge"),
    "too small": (lambda b: [KEY, *signed()(b)], b"1", 400, "EntityTooSmall"),
    "extra field": (lambda b: [KEY, ("acl", "private"), *signed()(b)], b"file", 403, "AccessDenied"),
    "other prefix": (
        lambda b: [KEY, *signed(["starts-with", "$key", "u/"])(b)], b"file", 403, "AccessDenied",
    ),
    "other bucket": (
        lambda b: [KEY, *forms.signed_v4(MAIN, free("other-bucket"))], b"file", 403, "AccessDenied",
    ),
    "bucket field": (lambda b: [KEY, ("bucket", "x"), *signed()(b)], b"file", 403, "AccessDenied"),
    "unknown key": (lambda b: [KEY, *signed(key=STRANGER)(b)], b"file", 403, "InvalidAccessKeyId"),
    "reader": (lambda b: [KEY, *signed(key=READER)(b)], b"file", 403, "AccessDenied"),
    "other owner": (lambda b: [KEY, *signed(key=ALT)(b)], b"file", 403, "AccessDenied"),
    "bad signature": (
        lambda b: [KEY, *forged(MAIN, b, "x-amz-signature", "0" * 64)], b"file", 403, "SignatureDoesNotMatch",
    ),
    "swapped policy": (
        lambda b: [KEY, *forged(MAIN, b, "policy", forms.policy(free(b)))], b"file", 403, "SignatureDoesNotMatch",
    ),
    "wrong algorithm": (
        lambda b: [KEY, *forged(MAIN, b, "x-amz-algorithm", "AWS4")], b"file", 400, "InvalidArgument",
    ),
    "version 2, bad": (
        lambda b: [KEY, *forms.signed_v2(Key(MAIN.access, "x", "", "", ""), forms.policy(free(b)))],
        b"file", 403, "SignatureDoesNotMatch",
    ),
    "no JSON": (
        lambda b: [KEY, *forms.signed_v2(MAIN, base64.b64encode(b"{").decode())], b"file", 400, "InvalidPolicyDocument",
    ),
    "no conditions": (
        lambda b: [KEY, *forms.signed_v2(MAIN, base64.b64encode(b"{}").decode())], b"file", 400, "InvalidPolicyDocument",
    ),
    "too many fields": (
        lambda b: [KEY, ("x-ignore-a", "a" * 20_481), *signed()(b)], b"file", 400, "MaxPostPreDataLengthExceeded",
    ),
    "wrong checksum": (
        lambda b: [KEY, ("x-amz-checksum-crc32", "AAAAAA=="), *signed()(b)], b"file", 400, "BadDigest",
    ),
    "long key": (lambda b: [("key", "k" * 1025), *signed()(b)], b"file", 400, "KeyTooLongError"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_refused_form_stores_nothing(gateway, s3, bucket, case):
    fields, file, status, code = CASES[case]
    answer = forms.post(gateway.endpoint, bucket, fields(bucket), file)
    assert (answer.status, f"<Code>{code}</Code>" in answer.data.decode()) == (status, True), answer.data
    assert listed(s3, bucket) == []


def test_a_form_that_breaks_off_stores_nothing(gateway, s3, bucket):
    conditions = [{"bucket": bucket}, ["starts-with", "$key", ""]]
    body = forms.encode([KEY, *forms.signed_v4(MAIN, conditions)], b"c" * 500_000)
    for left in (100, 2000, 300_000, len(body) - 10):
        with socket.create_connection(("127.0.0.1", gateway.port)) as connection:
            connection.sendall(
                f"POST /{bucket} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
                f"Content-Type: multipart/form-data; boundary={forms.BOUNDARY}\r\n\r\n".encode()
            )
            connection.sendall(body[:left])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(1 << 16)
        short = forms.send(gateway.endpoint, bucket, body[:left])
        assert short.status == 400, short.data
    assert listed(s3, bucket) == []


def test_other_content_is_no_form(gateway, s3, bucket):
    for headers, status, code in [
        ({"content-type": "application/json"}, 412, b"PreconditionFailed"),
        ({"content-type": "multipart/form-data"}, 400, b"MalformedPOSTRequest"),
        ({"authorization": "Bearer abc"}, 400, b"InvalidArgument"),
    ]:
        answer = forms.send(gateway.endpoint, bucket, forms.encode([KEY], b"x"), headers=headers)
        assert (answer.status, code in answer.data) == (status, True), answer.data
    assert listed(s3, bucket) == []
