"""Objects: what goes in comes out, with everything that was said about it."""

import concurrent.futures
import datetime
import hashlib
import io

import pytest

from gateway import MAIN
from s3check import CONTROL_KEYS, ODD_KEYS, absent, header, keys, read, refused, status

SIZES = (0, 1, 17, 4096, 65536, 128 * 1024, 128 * 1024 + 1, 1 << 20, 5 * (1 << 20) + 3)


def content(size, seed=7):
    block = hashlib.sha256(str(seed).encode()).digest() * 2048
    return (block * (size // len(block) + 1))[:size]


@pytest.mark.parametrize("size", SIZES)
def test_round_trip(s3, bucket, size):
    body = content(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=body)
    etag = f'"{hashlib.md5(body).hexdigest()}"'
    assert (status(put), put["ETag"]) == (200, etag)
    got = s3.get_object(Bucket=bucket, Key="k")
    assert read(got) == body
    assert (got["ContentLength"], got["ETag"], got["AcceptRanges"]) == (size, etag, "bytes")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert (head["ContentLength"], head["ETag"]) == (size, etag)
    assert head["LastModified"] == got["LastModified"]


def test_streams_of_known_and_unknown_origin(s3, bucket):
    body = content(300_000)
    s3.put_object(Bucket=bucket, Key="file", Body=io.BytesIO(body))
    assert read(s3.get_object(Bucket=bucket, Key="file")) == body


@pytest.mark.parametrize("key", ODD_KEYS, ids=lambda k: ascii(k)[:24])
def test_odd_keys(s3, bucket, key):
    body = key.encode()
    s3.put_object(Bucket=bucket, Key=key, Body=body)
    assert read(s3.get_object(Bucket=bucket, Key=key)) == body
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(body)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    assert keys(s3.list_objects(Bucket=bucket)) == [key]
    s3.copy_object(Bucket=bucket, Key="copy", CopySource={"Bucket": bucket, "Key": key})
    assert read(s3.get_object(Bucket=bucket, Key="copy")) == body
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key}]})
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["copy"]


@pytest.mark.parametrize("key", CONTROL_KEYS, ids=ascii)
def test_keys_with_control_characters(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"c")
    assert read(s3.get_object(Bucket=bucket, Key=key)) == b"c"
    assert keys(s3.list_objects_v2(Bucket=bucket)) == [key]
    assert status(s3.delete_object(Bucket=bucket, Key=key)) == 204
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_a_key_of_1025_bytes_is_too_long(s3, bucket):
    for key in ("x" * 1025, "ü" * 512 + "x"):
        with refused("KeyTooLongError", 400):
            s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_a_directory_and_a_file_of_one_name(s3, bucket):
    s3.put_object(Bucket=bucket, Key="dir", Body=b"file")
    s3.put_object(Bucket=bucket, Key="dir/", Body=b"folder")
    s3.put_object(Bucket=bucket, Key="dir/child", Body=b"child")
    s3.delete_object(Bucket=bucket, Key="dir")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["dir/", "dir/child"]
    assert read(s3.get_object(Bucket=bucket, Key="dir/")) == b"folder"


def test_headers_come_back_as_they_were(s3, bucket):
    said = {
        "ContentType": "text/plain; charset=utf-8",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentLanguage": "de-DE",
        "ContentEncoding": "gzip",
        "CacheControl": "max-age=3600, public",
    }
    expires = datetime.datetime(2035, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Expires=expires, **said)
    for answer in (s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")):
        assert {k: answer[k] for k in said} == said
        assert header(answer, "expires") == "Tue, 02 Jan 2035 03:04:05 GMT"


def test_content_type_defaults(s3, bucket):
    s3.put_object(Bucket=bucket, Key="page.html", Body=b"<html>")
    assert s3.head_object(Bucket=bucket, Key="page.html")["ContentType"] == "binary/octet-stream"


def test_metadata_is_lower_cased_and_replaced(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"1", Metadata={"Alpha": "One  two", "beta": ""})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"] == {"alpha": "One  two", "beta": ""}
    s3.put_object(Bucket=bucket, Key="k", Body=b"2", Metadata={"gamma": "3"})
    assert s3.get_object(Bucket=bucket, Key="k")["Metadata"] == {"gamma": "3"}


def test_metadata_over_two_kilobytes_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", Metadata={"a": "x" * 2047})
    with refused("MetadataTooLarge", 400):
        s3.put_object(Bucket=bucket, Key="other", Body=b"", Metadata={"a": "x" * 2048})
    with refused("MetadataTooLarge", 400):
        s3.create_multipart_upload(Bucket=bucket, Key="other", Metadata={"a": "x" * 2048})
    assert absent(s3, bucket, "other")


def test_a_missing_key(s3, bucket):
    with refused("NoSuchKey", 404) as caught:
        s3.get_object(Bucket=bucket, Key="none")
    assert caught.value.response["Error"]["Key"] == "none"
    with refused("404", 404):
        s3.head_object(Bucket=bucket, Key="none")
    assert status(s3.delete_object(Bucket=bucket, Key="none")) == 204


def test_overwriting(s3, bucket):
    for body in (b"first", content(400_000), b"third"):
        s3.put_object(Bucket=bucket, Key="k", Body=body)
        assert read(s3.get_object(Bucket=bucket, Key="k")) == body
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k"]


def test_response_overrides(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(
        Bucket=bucket,
        Key="k",
        ResponseContentType="application/pdf",
        ResponseContentDisposition="inline",
        ResponseContentLanguage="fr",
        ResponseContentEncoding="identity",
        ResponseCacheControl="no-store",
        ResponseExpires=datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc),
    )
    assert got["ContentType"] == "application/pdf"
    assert got["ContentDisposition"] == "inline"
    assert got["ContentLanguage"] == "fr"
    assert got["ContentEncoding"] == "identity"
    assert got["CacheControl"] == "no-store"
    assert header(got, "expires") == "Wed, 01 Jan 2031 00:00:00 GMT"
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "text/plain"


def test_last_modified_is_one_whole_second_everywhere(s3, bucket):
    before = datetime.datetime.now(datetime.timezone.utc)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    stamps = {
        s3.head_object(Bucket=bucket, Key="k")["LastModified"],
        s3.get_object(Bucket=bucket, Key="k")["LastModified"],
        s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"],
        s3.list_objects(Bucket=bucket)["Contents"][0]["LastModified"],
    }
    assert len(stamps) == 1
    stamp = stamps.pop()
    assert stamp.microsecond == 0
    # Never before the upload began: `s3 sync` compares it with the file's time.
    assert before <= stamp <= before + datetime.timedelta(seconds=5)


def test_a_wrong_expected_owner_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=MAIN.owner)
    for call in (
        lambda: s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner="somebody"),
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ExpectedBucketOwner="somebody"),
        lambda: s3.list_objects_v2(Bucket=bucket, ExpectedBucketOwner="somebody"),
    ):
        with refused("AccessDenied", 403):
            call()
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"x"


def test_acl_headers(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="private")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ACL="bucket-owner-full-control")
    with refused("AccessControlListNotSupported", 400):
        s3.put_object(Bucket=bucket, Key="k2", Body=b"x", ACL="public-read")
    assert absent(s3, bucket, "k2")


def test_encryption_that_is_not_served_is_refused_not_ignored(s3, bucket):
    for extra in (
        {"ServerSideEncryption": "aws:kms"},
        {"ServerSideEncryption": "aws:kms:dsse"},
        {"ObjectLockLegalHoldStatus": "ON"},
    ):
        with refused(("NotImplemented", "InvalidRequest", "InvalidArgument")):
            s3.put_object(Bucket=bucket, Key="secret", Body=b"x", **extra)
    assert absent(s3, bucket, "secret")


def test_storage_class_in_listing_but_not_in_head(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert "StorageClass" not in s3.head_object(Bucket=bucket, Key="k")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD"


def test_request_ids_on_every_answer(s3, bucket):
    answers = [s3.put_object(Bucket=bucket, Key="k", Body=b"x"), s3.head_object(Bucket=bucket, Key="k")]
    answers.append(s3.delete_object(Bucket=bucket, Key="k"))
    with refused("NoSuchKey") as caught:
        s3.get_object(Bucket=bucket, Key="k")
    answers.append(caught.value.response)
    ids = [header(a, "x-amz-request-id") for a in answers]
    assert all(ids) and len(set(ids)) == len(ids)
    assert all(header(a, "x-amz-id-2") for a in answers)
    assert all(header(a, "date") for a in answers)


def test_concurrent_writers_and_readers_never_mix(client, bucket):
    s3 = client(max_pool_connections=16)
    bodies = [bytes([65 + n]) * 700_000 for n in range(4)]
    s3.put_object(Bucket=bucket, Key="k", Body=bodies[0])

    def write(n):
        s3.put_object(Bucket=bucket, Key="k", Body=bodies[n % 4])

    def look(_):
        seen = read(s3.get_object(Bucket=bucket, Key="k"))
        assert seen in bodies

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(write if n % 2 else look, n // 2) for n in range(48)]
        for job in jobs:
            job.result()
