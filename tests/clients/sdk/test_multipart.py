"""Multipart uploads, by hand and by s3transfer."""

import concurrent.futures
import hashlib
import io

import boto3.s3.transfer
import botocore.exceptions
import pytest

from gateway import MAIN
from s3check import absent, header, keys, prefixes, read, refused, status
from sdk_features import needs_object_size

MIB = 1 << 20


def start(s3, bucket, key="k", **settings):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **settings)["UploadId"]


def put(s3, bucket, upload, number, body, key="k", **settings):
    answer = s3.upload_part(
        Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=body, **settings
    )
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3, bucket, upload, parts, key="k", **settings):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}, **settings
    )


def composite_etag(bodies):
    digests = b"".join(hashlib.md5(b).digest() for b in bodies)
    return f'"{hashlib.md5(digests).hexdigest()}-{len(bodies)}"'


def test_by_hand(s3, bucket):
    bodies = [b"a" * (5 * MIB), b"b" * (5 * MIB + 1), b"c" * 7]
    answer = s3.create_multipart_upload(
        Bucket=bucket, Key="dir/k", ContentType="video/mp4", Metadata={"m": "1"}, Tagging="t=2"
    )
    assert (answer["Bucket"], answer["Key"]) == (bucket, "dir/k")
    upload = answer["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        part = put(s3, bucket, upload, number, body, "dir/k")
        assert part["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        parts.append(part)
    # Pending uploads are no objects.
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    assert prefixes(s3.list_objects_v2(Bucket=bucket, Delimiter="/")) == []
    done = complete(s3, bucket, upload, parts, "dir/k")
    etag = composite_etag(bodies)
    assert (done["ETag"], done["Bucket"], done["Key"]) == (etag, bucket, "dir/k")
    assert done["Location"].endswith("dir/k")
    got = s3.get_object(Bucket=bucket, Key="dir/k")
    assert read(got) == b"".join(bodies)
    assert (got["ETag"], got["ContentType"], got["Metadata"]) == (etag, "video/mp4", {"m": "1"})
    assert header(got, "x-amz-tagging-count") == "1"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["ETag"] == etag


def test_reading_across_and_by_part(s3, bucket):
    bodies = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c" * 1000]
    upload = start(s3, bucket)
    parts = [put(s3, bucket, upload, n, b) for n, b in zip((2, 5, 9), bodies)]
    complete(s3, bucket, upload, parts)
    whole = b"".join(bodies)
    for first, last in ((5 * MIB - 3, 5 * MIB + 2), (10 * MIB - 1, 10 * MIB), (1, len(whole) - 2)):
        got = s3.get_object(Bucket=bucket, Key="k", Range=f"bytes={first}-{last}")
        assert read(got) == whole[first : last + 1]
    # Parts are numbered by their place in the object or by their own number: either way the first
    # is found by its number in the object.
    first = s3.head_object(Bucket=bucket, Key="k", PartNumber=2)
    assert status(first) == 206
    assert first["PartsCount"] == 3
    with refused(("InvalidPartNumber", "416"), 416):
        s3.get_object(Bucket=bucket, Key="k", PartNumber=40)


def test_each_part_by_its_number(s3, bucket):
    bodies = [b"a" * (5 * MIB), b"b" * (5 * MIB), b"c" * 1000]
    upload = start(s3, bucket)
    complete(s3, bucket, upload, [put(s3, bucket, upload, n, b) for n, b in enumerate(bodies, 1)])
    offset = 0
    for number, body in enumerate(bodies, 1):
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert (status(got), got["PartsCount"]) == (206, 3)
        assert got["ContentRange"] == f"bytes {offset}-{offset + len(body) - 1}/{10 * MIB + 1000}"
        assert read(got) == body
        offset += len(body)


def test_s3transfer(s3, bucket, tmp_path):
    body = bytes(range(256)) * (80 * 1024)  # 20 MiB
    path = tmp_path / "file"
    path.write_bytes(body)
    settings = boto3.s3.transfer.TransferConfig(
        multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB, max_concurrency=4
    )
    s3.upload_file(str(path), bucket, "up", Config=settings, ExtraArgs={"ContentType": "image/png"})
    head = s3.head_object(Bucket=bucket, Key="up")
    assert (head["ContentLength"], head["ContentType"]) == (len(body), "image/png")
    assert head["ETag"].endswith('-4"')
    s3.download_file(bucket, "up", str(tmp_path / "back"), Config=settings)
    assert (tmp_path / "back").read_bytes() == body
    s3.upload_fileobj(io.BytesIO(body), bucket, "obj", Config=settings)
    target = io.BytesIO()
    s3.download_fileobj(bucket, "obj", target, Config=settings)
    assert target.getvalue() == body
    # A managed copy goes part by part, by UploadPartCopy.
    s3.copy({"Bucket": bucket, "Key": "up"}, bucket, "copied", Config=settings)
    assert read(s3.get_object(Bucket=bucket, Key="copied")) == body


def test_parts_out_of_order_or_twice(s3, bucket):
    upload = start(s3, bucket)
    one = put(s3, bucket, upload, 1, b"a" * (5 * MIB))
    two = put(s3, bucket, upload, 2, b"b")
    with refused("InvalidPartOrder", 400):
        complete(s3, bucket, upload, [two, one])
    assert absent(s3, bucket, "k")
    complete(s3, bucket, upload, [one, two])


def test_parts_that_were_not_uploaded(s3, bucket):
    upload = start(s3, bucket)
    one = put(s3, bucket, upload, 1, b"a")
    for parts in (
        [one, {"PartNumber": 2, "ETag": one["ETag"]}],
        [{"PartNumber": 1, "ETag": '"00000000000000000000000000000000"'}],
    ):
        with refused("InvalidPart", 400):
            complete(s3, bucket, upload, parts)
    assert absent(s3, bucket, "k")


def test_small_parts_before_the_last(s3, bucket):
    upload = start(s3, bucket)
    parts = [put(s3, bucket, upload, n, b"small") for n in (1, 2)]
    with refused("EntityTooSmall", 400):
        complete(s3, bucket, upload, parts)
    assert absent(s3, bucket, "k")


def test_no_parts(s3, bucket):
    upload = start(s3, bucket)
    with refused("MalformedXML", 400):
        complete(s3, bucket, upload, [])


def test_part_numbers(s3, bucket):
    upload = start(s3, bucket)
    for number in (0, 10_001):
        with refused("InvalidArgument", 400):
            put(s3, bucket, upload, number, b"x")
    part = put(s3, bucket, upload, 10_000, b"x")
    complete(s3, bucket, upload, [part])
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"x"


def test_a_part_again(s3, bucket):
    upload = start(s3, bucket)
    put(s3, bucket, upload, 1, b"first")
    part = put(s3, bucket, upload, 1, b"second")
    complete(s3, bucket, upload, [part])
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"second"


def test_parts_that_are_not_listed_are_dropped(s3, bucket):
    upload = start(s3, bucket)
    one = put(s3, bucket, upload, 1, b"a" * (5 * MIB))
    put(s3, bucket, upload, 2, b"b" * (5 * MIB))
    three = put(s3, bucket, upload, 3, b"c")
    complete(s3, bucket, upload, [one, three])
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"a" * (5 * MIB) + b"c"


def test_an_empty_object(s3, bucket):
    upload = start(s3, bucket)
    complete(s3, bucket, upload, [put(s3, bucket, upload, 1, b"")])
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 0


def test_tags_without_quotes(s3, bucket):
    upload = start(s3, bucket)
    part = put(s3, bucket, upload, 1, b"x")
    part["ETag"] = part["ETag"].strip('"')
    complete(s3, bucket, upload, [part])


def test_completing_twice_agrees(s3, bucket):
    upload = start(s3, bucket)
    parts = [put(s3, bucket, upload, 1, b"x")]
    first = complete(s3, bucket, upload, parts)
    second = complete(s3, bucket, upload, parts)
    assert first["ETag"] == second["ETag"]


def test_completing_at_once_agrees(client, bucket):
    s3 = client(max_pool_connections=8)
    upload = start(s3, bucket)
    parts = [put(s3, bucket, upload, 1, b"x" * 200_000)]
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(complete, s3, bucket, upload, parts) for _ in range(8)]
    assert len({job.result()["ETag"] for job in jobs}) == 1


def test_aborting(s3, bucket):
    upload = start(s3, bucket)
    part = put(s3, bucket, upload, 1, b"x")
    assert status(s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)) == 204
    with refused("NoSuchUpload", 404):
        put(s3, bucket, upload, 2, b"x")
    with refused("NoSuchUpload", 404):
        complete(s3, bucket, upload, [part])
    with refused("NoSuchUpload", 404):
        s3.abort_multipart_upload(Bucket=bucket, Key="k", UploadId=upload)
    with refused("NoSuchUpload", 404):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert absent(s3, bucket, "k")


def test_an_upload_belongs_to_its_key_and_bucket(s3, bucket, new_bucket):
    upload = start(s3, bucket)
    other = new_bucket()
    with refused("NoSuchUpload", 404):
        put(s3, bucket, upload, 1, b"x", key="other")
    with refused("NoSuchUpload", 404):
        put(s3, other, upload, 1, b"x")
    with refused("NoSuchUpload", 404):
        put(s3, bucket, "no-such-upload", 1, b"x")


def test_list_parts_in_pages(s3, bucket):
    upload = start(s3, bucket)
    for number in (1, 3, 5, 7, 9):
        put(s3, bucket, upload, number, bytes(number))
    whole = s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)
    assert [p["PartNumber"] for p in whole["Parts"]] == [1, 3, 5, 7, 9]
    assert [p["Size"] for p in whole["Parts"]] == [1, 3, 5, 7, 9]
    assert (whole["IsTruncated"], whole["MaxParts"]) == (False, 1000)
    assert whole["Owner"]["ID"] == whole["Initiator"]["ID"] == MAIN.owner
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="k", UploadId=upload, PaginationConfig={"PageSize": 2}
    )
    assert [[p["PartNumber"] for p in page["Parts"]] for page in pages] == [[1, 3], [5, 7], [9]]
    with refused("InvalidArgument", 400):
        s3.list_parts(Bucket=bucket, Key="k", UploadId=upload, MaxParts=-1)


def test_list_uploads_in_pages(s3, bucket):
    names = ["a/1", "a/1", "a/2", "b", "c d"]
    started = [(name, start(s3, bucket, name)) for name in names]
    page = s3.list_multipart_uploads(Bucket=bucket)
    found = [(u["Key"], u["UploadId"]) for u in page["Uploads"]]
    assert sorted(found) == sorted(started)
    assert [k for k, _ in found] == names
    assert page["Uploads"][0]["Initiator"]["ID"] == MAIN.owner
    for size in (1, 2, 3):
        pages = s3.get_paginator("list_multipart_uploads").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        assert [(u["Key"], u["UploadId"]) for p in pages for u in p.get("Uploads", ())] == found
    grouped = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert prefixes(grouped) == ["a/"]
    assert [u["Key"] for u in grouped["Uploads"]] == ["b", "c d"]
    under = s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")
    assert [u["Key"] for u in under["Uploads"]] == ["a/1", "a/1", "a/2"]


def test_upload_part_copy(s3, bucket):
    source = bytes(range(256)) * 24_000  # 6,144,000 bytes
    s3.put_object(Bucket=bucket, Key="source", Body=source)
    upload = start(s3, bucket)
    parts = []
    for number, text, body in (
        (1, None, source),
        (2, "bytes=0-5242879", source[:5242880]),
        (3, "bytes=100-100", source[100:101]),
    ):
        extra = {"CopySourceRange": text} if text else {}
        answer = s3.upload_part_copy(
            Bucket=bucket,
            Key="k",
            UploadId=upload,
            PartNumber=number,
            CopySource={"Bucket": bucket, "Key": "source"},
            **extra,
        )["CopyPartResult"]
        assert answer["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
        assert answer["LastModified"]
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    complete(s3, bucket, upload, parts)
    assert read(s3.get_object(Bucket=bucket, Key="k")) == source + source[:5242880] + source[100:101]


@pytest.mark.parametrize(
    "text", ["bytes=0-10000", "bytes=20-30", "bytes=5-", "bytes=-5", "0-5", "bytes=5-1", "bytes=a-b"]
)
def test_upload_part_copy_with_a_bad_range(s3, bucket, text):
    s3.put_object(Bucket=bucket, Key="source", Body=b"0123456789")
    upload = start(s3, bucket)
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        s3.upload_part_copy(
            Bucket=bucket,
            Key="k",
            UploadId=upload,
            PartNumber=1,
            CopySource=f"{bucket}/source",
            CopySourceRange=text,
        )
    answer = caught.value.response
    assert (answer["Error"]["Code"], status(answer)) in (("InvalidArgument", 400), ("InvalidRange", 416))
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="k", UploadId=upload)


def test_upload_part_copy_of_what_is_not_there(s3, bucket):
    upload = start(s3, bucket)
    with refused("NoSuchKey", 404):
        s3.upload_part_copy(
            Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, CopySource=f"{bucket}/none"
        )


@needs_object_size
def test_the_promised_size_is_checked(s3, bucket):
    upload = start(s3, bucket)
    parts = [put(s3, bucket, upload, 1, b"12345")]
    with refused("InvalidRequest", 400):
        complete(s3, bucket, upload, parts, MpuObjectSize=6)
    assert absent(s3, bucket, "k")
    complete(s3, bucket, upload, parts, MpuObjectSize=5)
