"""Additional checksums: all five algorithms, composite and over the whole object; Content-MD5."""

import base64
import hashlib
import io

import pytest

from crc import checksum, composite
from s3check import absent, header, keys, read, refused
from sdk_features import knows, needs_checksum_type, needs_crc64nvme, needs_crt

MIB = 1 << 20
BODY = b"the quick brown fox jumps over the lazy dog" * 50
ALL = [
    "CRC32",
    pytest.param("CRC32C", marks=needs_crt),
    pytest.param("CRC64NVME", marks=needs_crc64nvme),
    "SHA1",
    "SHA256",
]


@pytest.mark.parametrize("algorithm", ALL)
@pytest.mark.parametrize("as_file", [False, True], ids=["bytes", "file"])
def test_computed_by_the_client(s3, bucket, algorithm, as_file):
    body = io.BytesIO(BODY) if as_file else BODY
    put = s3.put_object(Bucket=bucket, Key="k", Body=body, ChecksumAlgorithm=algorithm)
    member, value = f"Checksum{algorithm}", checksum(algorithm, BODY)
    assert put[member] == value
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (read(got), got[member]) == (BODY, value)
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")[member] == value
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert entry["ChecksumAlgorithm"] == [algorithm]


@pytest.mark.parametrize("algorithm", ALL)
def test_given_and_wrong(s3, bucket, algorithm):
    wrong = {f"Checksum{algorithm}": checksum(algorithm, BODY + b"!")}
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=BODY, **wrong)
    assert absent(s3, bucket, "k")
    right = {f"Checksum{algorithm}": checksum(algorithm, BODY)}
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, **right)


@pytest.mark.parametrize("value", ["AAAA", "not base64!", "AAAAAAAAAAA="])
def test_given_and_malformed(s3, bucket, value):
    with refused("InvalidRequest", 400):
        s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumCRC32=value)
    assert absent(s3, bucket, "k")


def test_not_shown_unless_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ChecksumAlgorithm="SHA256")

    def unasked(request, **_):
        del request.headers["x-amz-checksum-mode"]

    s3.meta.events.register("before-sign.s3.HeadObject", unasked)
    head = s3.head_object(Bucket=bucket, Key="k")
    s3.meta.events.unregister("before-sign.s3.HeadObject", unasked)
    assert header(head, "x-amz-checksum-sha256") is None


def test_content_md5(s3, bucket):
    right = base64.b64encode(hashlib.md5(BODY).digest()).decode()
    wrong = base64.b64encode(hashlib.md5(b"other").digest()).decode()
    s3.put_object(Bucket=bucket, Key="k", Body=BODY, ContentMD5=right)
    with refused("BadDigest", 400):
        s3.put_object(Bucket=bucket, Key="bad", Body=BODY, ContentMD5=wrong)
    for value in ("short", "AAAA", "bm90IGEgZGlnZXN0"):
        with refused("InvalidDigest", 400):
            s3.put_object(Bucket=bucket, Key="bad", Body=BODY, ContentMD5=value)
    assert absent(s3, bucket, "bad")


PARTS = [b"a" * (5 * MIB), b"b" * 1000]


def upload(s3, bucket, algorithm, **settings):
    created = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, **settings
    )
    done = []
    for number, body in enumerate(PARTS, 1):
        part = s3.upload_part(
            Bucket=bucket,
            Key="k",
            UploadId=created["UploadId"],
            PartNumber=number,
            Body=body,
            ChecksumAlgorithm=algorithm,
        )
        member = f"Checksum{algorithm}"
        done.append({"PartNumber": number, "ETag": part["ETag"], member: part[member]})
    return created, done


@pytest.mark.parametrize(
    "algorithm", ["CRC32", pytest.param("CRC32C", marks=needs_crt), "SHA1", "SHA256"]
)
def test_composite(s3, bucket, algorithm):
    created, done = upload(s3, bucket, algorithm)
    assert created["ChecksumAlgorithm"] == algorithm
    listed = s3.list_parts(Bucket=bucket, Key="k", UploadId=created["UploadId"])
    assert listed["ChecksumAlgorithm"] == algorithm
    member = f"Checksum{algorithm}"
    assert [p[member] for p in listed["Parts"]] == [d[member] for d in done]
    answer = s3.complete_multipart_upload(
        Bucket=bucket, Key="k", UploadId=created["UploadId"], MultipartUpload={"Parts": done}
    )
    wanted = composite(algorithm, PARTS)
    assert answer[member] == wanted
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == wanted
    if knows("CreateMultipartUpload", "ChecksumType"):
        assert answer["ChecksumType"] == head["ChecksumType"] == "COMPOSITE"
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"".join(PARTS)


@needs_checksum_type
@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def test_over_the_whole_object(s3, bucket, algorithm):
    created, done = upload(s3, bucket, algorithm, ChecksumType="FULL_OBJECT")
    assert created["ChecksumType"] == "FULL_OBJECT"
    wanted = checksum(algorithm, b"".join(PARTS))
    member = f"Checksum{algorithm}"
    settings = {"Bucket": bucket, "Key": "k", "UploadId": created["UploadId"]}
    settings["MultipartUpload"] = {"Parts": done}
    with refused("BadDigest", 400):
        s3.complete_multipart_upload(
            **settings, ChecksumType="FULL_OBJECT", **{member: checksum(algorithm, b"other")}
        )
    answer = s3.complete_multipart_upload(
        **settings, ChecksumType="FULL_OBJECT", **{member: wanted}
    )
    assert (answer[member], answer["ChecksumType"]) == (wanted, "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (read(got), got[member]) == (b"".join(PARTS), wanted)
    assert got["ChecksumType"] == "FULL_OBJECT"


@needs_checksum_type
@pytest.mark.parametrize(
    ("algorithm", "kind"),
    [("CRC64NVME", "COMPOSITE"), ("SHA1", "FULL_OBJECT"), ("SHA256", "FULL_OBJECT")],
)
def test_combinations_that_do_not_exist(s3, bucket, algorithm, kind):
    with refused("InvalidRequest", 400):
        s3.create_multipart_upload(
            Bucket=bucket, Key="k", ChecksumAlgorithm=algorithm, ChecksumType=kind
        )


def test_wrong_part_checksums(s3, bucket):
    created, done = upload(s3, bucket, "SHA256")
    done[0]["ChecksumSHA256"] = checksum("SHA256", b"other")
    with refused("InvalidPart", 400):
        s3.complete_multipart_upload(
            Bucket=bucket, Key="k", UploadId=created["UploadId"], MultipartUpload={"Parts": done}
        )
    with refused("BadDigest", 400):
        s3.upload_part(
            Bucket=bucket,
            Key="k",
            UploadId=created["UploadId"],
            PartNumber=3,
            Body=b"x",
            ChecksumSHA256=checksum("SHA256", b"other"),
        )
    parts = s3.list_parts(Bucket=bucket, Key="k", UploadId=created["UploadId"])["Parts"]
    assert [p["PartNumber"] for p in parts] == [1, 2]
    assert absent(s3, bucket, "k")


def test_a_part_of_another_algorithm(s3, bucket):
    created, _ = upload(s3, bucket, "SHA256")
    with refused("InvalidRequest", 400):
        s3.upload_part(
            Bucket=bucket,
            Key="k",
            UploadId=created["UploadId"],
            PartNumber=3,
            Body=b"x",
            ChecksumAlgorithm="SHA1",
        )


def test_composite_parts_are_consecutive(s3, bucket):
    created = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA1")
    part = s3.upload_part(
        Bucket=bucket,
        Key="k",
        UploadId=created["UploadId"],
        PartNumber=2,
        Body=b"x",
        ChecksumAlgorithm="SHA1",
    )
    listed = {"PartNumber": 2, "ETag": part["ETag"], "ChecksumSHA1": part["ChecksumSHA1"]}
    with refused(("InvalidPartOrder", "InvalidPart"), 400):
        s3.complete_multipart_upload(
            Bucket=bucket, Key="k", UploadId=created["UploadId"], MultipartUpload={"Parts": [listed]}
        )


def test_deleting_many_by_checksum_alone(s3, bucket):
    for algorithm in ("CRC32", "SHA256"):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x")
        s3.delete_objects(
            Bucket=bucket, Delete={"Objects": [{"Key": "k"}]}, ChecksumAlgorithm=algorithm
        )
        assert keys(s3.list_objects_v2(Bucket=bucket)) == []
