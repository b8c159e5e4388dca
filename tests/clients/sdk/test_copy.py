"""CopyObject."""

import hashlib

import pytest

from s3check import ODD_KEYS, absent, header, read, refused, status

LARGE = bytes(range(256)) * 2000


@pytest.fixture
def source(s3, bucket):
    s3.put_object(
        Bucket=bucket,
        Key="source",
        Body=LARGE,
        ContentType="text/plain",
        CacheControl="no-cache",
        Metadata={"colour": "red"},
        Tagging="a=1&b=2",
    )
    return {"Bucket": bucket, "Key": "source"}


def tags(s3, bucket, key):
    return {t["Key"]: t["Value"] for t in s3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]}


def test_a_copy_takes_everything_along(s3, bucket, source):
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source)
    etag = f'"{hashlib.md5(LARGE).hexdigest()}"'
    assert answer["CopyObjectResult"]["ETag"] == etag
    assert answer["CopyObjectResult"]["LastModified"]
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert (read(got), got["ETag"]) == (LARGE, etag)
    assert (got["ContentType"], got["CacheControl"]) == ("text/plain", "no-cache")
    assert got["Metadata"] == {"colour": "red"}
    assert tags(s3, bucket, "copy") == {"a": "1", "b": "2"}


def test_a_copy_ignores_new_metadata_unless_told_to_replace(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, Metadata={"colour": "blue"})
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"colour": "red"}
    s3.copy_object(
        Bucket=bucket,
        Key="copy",
        CopySource=source,
        Metadata={"colour": "blue"},
        MetadataDirective="REPLACE",
    )
    head = s3.head_object(Bucket=bucket, Key="copy")
    assert head["Metadata"] == {"colour": "blue"}
    assert head["ContentType"] == "binary/octet-stream"
    assert "CacheControl" not in head
    # The directives are independent of each other.
    assert tags(s3, bucket, "copy") == {"a": "1", "b": "2"}


def test_tags_are_replaced_on_their_own(s3, bucket, source):
    s3.copy_object(
        Bucket=bucket, Key="copy", CopySource=source, Tagging="c=3", TaggingDirective="REPLACE"
    )
    assert tags(s3, bucket, "copy") == {"c": "3"}
    assert s3.head_object(Bucket=bucket, Key="copy")["Metadata"] == {"colour": "red"}


def test_a_copy_onto_itself(s3, bucket, source):
    with refused("InvalidRequest", 400):
        s3.copy_object(Bucket=bucket, Key="source", CopySource=source)
    s3.copy_object(
        Bucket=bucket,
        Key="source",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"mtime": "1700000000.123456789"},
    )
    got = s3.get_object(Bucket=bucket, Key="source")
    assert (read(got), got["Metadata"]) == (LARGE, {"mtime": "1700000000.123456789"})


def test_an_unknown_directive(s3, bucket, source):
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, MetadataDirective="MERGE")
    with refused("InvalidArgument", 400):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, TaggingDirective="MERGE")
    assert absent(s3, bucket, "copy")


def test_missing_sources(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/none")
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket=bucket, Key="copy", CopySource="no-such-bucket-here/none")
    for bad in (f"{bucket}", f"{bucket}/", "Bad_Name/key"):
        with refused("InvalidArgument", 400):
            s3.copy_object(Bucket=bucket, Key="copy", CopySource=bad)
    assert absent(s3, bucket, "copy")


def test_a_missing_target_bucket(s3, bucket, source):
    with refused("NoSuchBucket", 404):
        s3.copy_object(Bucket="no-such-bucket-here", Key="copy", CopySource=source)


@pytest.mark.parametrize("key", [k for k in ODD_KEYS if len(k) < 100], ids=lambda k: ascii(k)[:24])
def test_from_odd_keys_between_buckets(s3, bucket, new_bucket, key):
    other = new_bucket()
    s3.put_object(Bucket=bucket, Key=key, Body=b"body")
    s3.copy_object(Bucket=other, Key=key, CopySource={"Bucket": bucket, "Key": key})
    assert read(s3.get_object(Bucket=other, Key=key)) == b"body"


def test_a_leading_slash_in_the_source(s3, bucket, source):
    s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"/{bucket}/source")
    assert status(s3.head_object(Bucket=bucket, Key="copy")) == 200


def test_a_copy_can_ask_for_a_checksum(s3, bucket, source):
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=source, ChecksumAlgorithm="SHA256")
    computed = answer["CopyObjectResult"]["ChecksumSHA256"]
    head = s3.head_object(Bucket=bucket, Key="copy", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == computed
    # It stays with the next copy.
    again = s3.copy_object(Bucket=bucket, Key="again", CopySource=f"{bucket}/copy")
    assert again["CopyObjectResult"]["ChecksumSHA256"] == computed


def test_a_copy_of_a_multipart_object_is_one_piece(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts")["UploadId"]
    bodies = [b"a" * (5 << 20), b"b" * 100]
    done = []
    for number, body in enumerate(bodies, 1):
        part = s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=number, Body=body)
        done.append({"PartNumber": number, "ETag": part["ETag"]})
    s3.complete_multipart_upload(
        Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": done}
    )
    answer = s3.copy_object(Bucket=bucket, Key="copy", CopySource=f"{bucket}/parts")
    body = b"".join(bodies)
    assert answer["CopyObjectResult"]["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    got = s3.get_object(Bucket=bucket, Key="copy")
    assert got["ETag"] == answer["CopyObjectResult"]["ETag"]
    assert read(got) == body
    assert header(got, "x-amz-mp-parts-count") is None
