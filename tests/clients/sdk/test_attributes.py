"""GetObjectAttributes, and ListObjectVersions in a bucket that keeps none."""

from crc import checksum
from s3check import keys, prefixes, refused

MIB = 1 << 20
EVERYTHING = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def test_of_an_object_in_one_piece(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"body", ChecksumAlgorithm="SHA256")
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=EVERYTHING)
    assert got["ETag"] == put["ETag"].strip('"')
    assert got["ObjectSize"] == 4
    assert got["StorageClass"] == "STANDARD"
    assert got["Checksum"]["ChecksumSHA256"] == checksum("SHA256", b"body")
    assert "ObjectParts" not in got
    assert got["LastModified"]
    only = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in only and "Checksum" not in only and only["ObjectSize"] == 4


def test_of_a_multipart_object(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")["UploadId"]
    done = []
    for number, body in enumerate((b"a" * (5 * MIB), b"b" * (5 * MIB), b"c"), 1):
        part = s3.upload_part(
            Bucket=bucket,
            Key="k",
            UploadId=upload,
            PartNumber=number,
            Body=body,
            ChecksumAlgorithm="SHA256",
        )
        done.append(
            {"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": part["ChecksumSHA256"]}
        )
    s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=upload, MultipartUpload={"Parts": done}
    )
    parts = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=EVERYTHING)["ObjectParts"]
    assert parts["TotalPartsCount"] == 3
    assert [p["Size"] for p in parts["Parts"]] == [5 * MIB, 5 * MIB, 1]
    assert [p["ChecksumSHA256"] for p in parts["Parts"]] == [d["ChecksumSHA256"] for d in done]
    page = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], MaxParts=2
    )["ObjectParts"]
    assert [p["PartNumber"] for p in page["Parts"]] == [1, 2]
    assert (page["IsTruncated"], page["NextPartNumberMarker"]) == (True, 2)
    rest = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"], PartNumberMarker=2
    )["ObjectParts"]
    assert ([p["PartNumber"] for p in rest["Parts"]], rest["IsTruncated"]) == ([3], False)


def test_bad_questions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    with refused("NoSuchKey", 404):
        s3.get_object_attributes(Bucket=bucket, Key="none", ObjectAttributes=["ETag"])
    with refused("InvalidArgument", 400):
        s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["Colour"])


def test_versions_where_none_are_kept(s3, bucket):
    for key in ("a", "b/1", "b/2", "c d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        s3.put_object(Bucket=bucket, Key=key, Body=b"xy")
    page = s3.list_object_versions(Bucket=bucket)
    assert [v["Key"] for v in page["Versions"]] == ["a", "b/1", "b/2", "c d"]
    assert {v["VersionId"] for v in page["Versions"]} == {"null"}
    assert all(v["IsLatest"] and v["Size"] == 2 for v in page["Versions"])
    assert "DeleteMarkers" not in page
    assert page["IsTruncated"] is False
    grouped = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert prefixes(grouped) == ["b/"]
    for size in (1, 3):
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, PaginationConfig={"PageSize": size}
        )
        assert [v["Key"] for p in pages for v in p["Versions"]] == ["a", "b/1", "b/2", "c d"]


def test_the_null_version_by_name(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert "VersionId" not in put
    assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read() == b"x"
    with refused(("NoSuchVersion", "InvalidArgument")):
        s3.get_object(Bucket=bucket, Key="k", VersionId="3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")
    with refused(("404", "400")):
        s3.head_object(Bucket=bucket, Key="k", VersionId="3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k"]
