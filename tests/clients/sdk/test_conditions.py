"""Conditional reads, writes and deletes."""

import concurrent.futures
import datetime

import botocore.exceptions
import pytest

from s3check import absent, header, read, refused, status
from sdk_features import needs_conditional_deletes, needs_conditional_writes

PAST = datetime.datetime(2001, 1, 1, tzinfo=datetime.timezone.utc)
OTHER = '"00000000000000000000000000000000"'


@pytest.fixture
def etag(s3, bucket):
    return s3.put_object(Bucket=bucket, Key="k", Body=b"content")["ETag"]


@pytest.fixture
def modified(s3, bucket, etag):
    return s3.head_object(Bucket=bucket, Key="k")["LastModified"]


# Each row: what is asked for beside the key, and the status that it comes to. `E` is the right
# tag, `O` another, `L` the modification time, `P` a time long before it.
READS = [
    ({"IfMatch": "E"}, 200),
    ({"IfMatch": "*"}, 200),
    ({"IfMatch": "O"}, 412),
    ({"IfNoneMatch": "O"}, 200),
    ({"IfNoneMatch": "E"}, 304),
    ({"IfNoneMatch": "*"}, 304),
    ({"IfModifiedSince": "P"}, 200),
    ({"IfModifiedSince": "L"}, 304),
    ({"IfUnmodifiedSince": "L"}, 200),
    ({"IfUnmodifiedSince": "P"}, 412),
    ({"IfMatch": "E", "IfUnmodifiedSince": "P"}, 200),
    ({"IfMatch": "O", "IfUnmodifiedSince": "L"}, 412),
    ({"IfNoneMatch": "O", "IfModifiedSince": "L"}, 200),
    ({"IfNoneMatch": "E", "IfModifiedSince": "P"}, 304),
    ({"IfMatch": "E", "IfNoneMatch": "E"}, 304),
    ({"IfMatch": "O", "IfNoneMatch": "O"}, 412),
    ({"IfMatch": "E", "IfModifiedSince": "L"}, 304),
]


@pytest.mark.parametrize(("said", "expected"), READS, ids=lambda v: str(v))
@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_reads(s3, bucket, etag, modified, operation, said, expected):
    values = {"E": etag, "O": OTHER, "*": "*", "L": modified, "P": PAST}
    arguments = {k: values[v] for k, v in said.items()}
    try:
        answer = getattr(s3, operation)(Bucket=bucket, Key="k", **arguments)
    except botocore.exceptions.ClientError as error:
        answer = error.response
    assert status(answer) == expected, answer
    if expected == 304:
        assert header(answer, "etag") == etag
        assert header(answer, "last-modified")
    if expected == 412 and operation == "get_object":
        assert answer["Error"]["Code"] == "PreconditionFailed"
        assert answer["Error"]["Condition"] in ("If-Match", "If-Unmodified-Since")


def test_tags_compare_without_quotes(s3, bucket, etag):
    assert status(s3.get_object(Bucket=bucket, Key="k", IfMatch=etag.strip('"'))) == 200
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=etag.strip('"'))


def test_a_list_of_tags(s3, bucket, etag):
    assert status(s3.get_object(Bucket=bucket, Key="k", IfMatch=f"{OTHER}, {etag}")) == 200
    with refused("304", 304):
        s3.get_object(Bucket=bucket, Key="k", IfNoneMatch=f"{OTHER}, {etag}")


def test_if_range(s3, bucket, etag):
    def get(value):
        def add(request, **_):
            request.headers["If-Range"] = value

        s3.meta.events.register("before-sign.s3.GetObject", add)
        try:
            return s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-2")
        finally:
            s3.meta.events.unregister("before-sign.s3.GetObject", add)

    assert (status(get(etag)), read(get(etag))) == (206, b"con")
    assert (status(get(OTHER)), read(get(OTHER))) == (200, b"content")


@needs_conditional_writes
def test_put_only_if_absent(s3, bucket):
    assert status(s3.put_object(Bucket=bucket, Key="k", Body=b"1", IfNoneMatch="*")) == 200
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"2", IfNoneMatch="*")
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"1"
    s3.delete_object(Bucket=bucket, Key="k")
    assert status(s3.put_object(Bucket=bucket, Key="k", Body=b"3", IfNoneMatch="*")) == 200


@needs_conditional_writes
def test_put_only_over_what_was_seen(s3, bucket, etag):
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"no", IfMatch=OTHER)
    assert status(s3.put_object(Bucket=bucket, Key="k", Body=b"yes", IfMatch=etag)) == 200
    with refused("PreconditionFailed", 412):
        s3.put_object(Bucket=bucket, Key="k", Body=b"again", IfMatch=etag)
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"yes"
    with refused("NoSuchKey", 404):
        s3.put_object(Bucket=bucket, Key="none", Body=b"no", IfMatch=etag)
    assert absent(s3, bucket, "none")


@needs_conditional_writes
def test_conditions_that_make_no_sense_on_writes(s3, bucket, etag):
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"no", IfNoneMatch=OTHER)
    with refused("NotImplemented", 501):
        s3.put_object(Bucket=bucket, Key="k", Body=b"no", IfNoneMatch="*", IfMatch=etag)
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"content"


@needs_conditional_writes
@pytest.mark.parametrize("size", [10, 400_000])
def test_of_many_writers_one_is_first(client, bucket, size):
    s3 = client(max_pool_connections=16)

    def write(n):
        try:
            s3.put_object(Bucket=bucket, Key="race", Body=bytes([n]) * size, IfNoneMatch="*")
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict")
            return None
        return n

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        winners = [n for n in pool.map(write, range(12)) if n is not None]
    assert len(winners) == 1
    assert read(s3.get_object(Bucket=bucket, Key="race")) == bytes(winners) * size


@needs_conditional_writes
def test_complete_only_if_absent(s3, bucket, etag):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"part")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with refused("PreconditionFailed", 412):
        s3.complete_multipart_upload(
            Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfNoneMatch="*"
        )
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"content"
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts, IfMatch=etag
    )
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"part"


@needs_conditional_deletes
def test_delete_only_what_was_seen(s3, bucket, etag):
    with refused("PreconditionFailed", 412):
        s3.delete_object(Bucket=bucket, Key="k", IfMatch=OTHER)
    assert not absent(s3, bucket, "k")
    assert status(s3.delete_object(Bucket=bucket, Key="k", IfMatch=etag)) == 204
    assert absent(s3, bucket, "k")


COPIES = [
    ({"CopySourceIfMatch": "E"}, True),
    ({"CopySourceIfMatch": "O"}, False),
    ({"CopySourceIfNoneMatch": "O"}, True),
    ({"CopySourceIfNoneMatch": "E"}, False),
    ({"CopySourceIfModifiedSince": "P"}, True),
    ({"CopySourceIfModifiedSince": "L"}, False),
    ({"CopySourceIfUnmodifiedSince": "L"}, True),
    ({"CopySourceIfUnmodifiedSince": "P"}, False),
    ({"CopySourceIfMatch": "E", "CopySourceIfUnmodifiedSince": "P"}, True),
    ({"CopySourceIfNoneMatch": "E", "CopySourceIfModifiedSince": "P"}, False),
]


@pytest.mark.parametrize(("said", "happens"), COPIES, ids=lambda v: str(v))
def test_copies(s3, bucket, etag, modified, said, happens):
    values = {"E": etag, "O": OTHER, "L": modified, "P": PAST}
    arguments = {k: values[v] for k, v in said.items()}
    source = {"Bucket": bucket, "Key": "k"}
    if happens:
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, **arguments)
        assert read(s3.get_object(Bucket=bucket, Key="copy")) == b"content"
    else:
        with refused("PreconditionFailed", 412):
            s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, **arguments)
        assert absent(s3, bucket, "copy")
