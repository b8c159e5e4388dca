"""Ranges and partNumber on GET and HEAD."""

import pytest

from s3check import header, read, refused, status

BODY = bytes(range(256)) * 40  # 10,240 bytes


@pytest.fixture(params=[1, 100], ids=["small", "large"])
def stored(request, s3, bucket):
    """An object packed small, and one in a file of its own."""
    body = BODY * request.param
    s3.put_object(Bucket=bucket, Key="k", Body=body)
    return body


def test_ranges_that_apply(s3, bucket, stored):
    size = len(stored)
    for text, first, last in (
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=005-0009", 5, 9),
        ("bytes=100-", 100, size - 1),
        ("bytes=-7", size - 7, size - 1),
        (f"bytes=-{size + 50}", 0, size - 1),
        (f"bytes=10-{size * 3}", 10, size - 1),
        (f"bytes={size - 1}-{size - 1}", size - 1, size - 1),
    ):
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert status(got) == 206, text
        assert got["ContentRange"] == f"bytes {first}-{last}/{size}", text
        assert read(got) == stored[first : last + 1], text
        head = s3.head_object(Bucket=bucket, Key="k", Range=text)
        assert status(head) == 206, text
        assert head["ContentLength"] == last - first + 1, text


def test_ranges_that_are_ignored(s3, bucket, stored):
    for text in ("bytes=0-1,3-4", "lines=0-5", "bytes=9-5", "bytes=a-b", "bytes=-", "bytes"):
        got = s3.get_object(Bucket=bucket, Key="k", Range=text)
        assert (status(got), "ContentRange" in got) == (200, False), text
        assert read(got) == stored, text


def test_ranges_outside(s3, bucket, stored):
    for text in (f"bytes={len(stored)}-", f"bytes={len(stored) + 9}-{len(stored) + 10}", "bytes=-0"):
        with refused("InvalidRange", 416) as caught:
            s3.get_object(Bucket=bucket, Key="k", Range=text)
        answer = caught.value.response
        assert header(answer, "content-range") == f"bytes */{len(stored)}"
        assert answer["Error"]["ActualObjectSize"] == str(len(stored))
        assert answer["Error"]["RangeRequested"] == text
        with refused("416", 416):
            s3.head_object(Bucket=bucket, Key="k", Range=text)


def test_ranges_of_nothing(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for text in ("bytes=0-0", "bytes=0-", "bytes=-1"):
        with refused("InvalidRange", 416):
            s3.get_object(Bucket=bucket, Key="k", Range=text)
    assert status(s3.get_object(Bucket=bucket, Key="k", Range="bytes=2-1")) == 200


def test_part_number_of_an_object_in_one_piece(s3, bucket, stored):
    got = s3.get_object(Bucket=bucket, Key="k", PartNumber=1)
    assert read(got) == stored
    with refused(("InvalidPartNumber", "416"), 416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    for number in (0, 10_001):
        with refused("InvalidArgument", 400):
            s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
    with refused("InvalidRequest", 400):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=1, Range="bytes=0-1")


def test_no_checksum_on_a_range(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm="SHA256")
    got = s3.get_object(Bucket=bucket, Key="k", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert "ChecksumSHA256" not in got
    assert read(got) == BODY[:10]
