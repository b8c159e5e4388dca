"""Who may do what: owners, roles, and callers without a key."""

import botocore
import pytest

from gateway import ALT, MAIN, Key
from s3check import absent, keys, read, refused, status


@pytest.fixture
def theirs(alt, new_bucket):
    """A bucket of alt's with an object."""
    name = new_bucket(alt)
    alt.put_object(Bucket=name, Key="k", Body=b"theirs")
    return name


def test_another_owner_is_kept_out(third, alt, theirs):
    calls = [
        lambda: third.list_objects_v2(Bucket=theirs),
        lambda: third.get_object(Bucket=theirs, Key="k"),
        lambda: third.get_object(Bucket=theirs, Key="none"),
        lambda: third.put_object(Bucket=theirs, Key="new", Body=b"x"),
        lambda: third.delete_object(Bucket=theirs, Key="k"),
        lambda: third.create_multipart_upload(Bucket=theirs, Key="new"),
        lambda: third.list_multipart_uploads(Bucket=theirs),
        lambda: third.list_object_versions(Bucket=theirs),
        lambda: third.get_object_tagging(Bucket=theirs, Key="k"),
        lambda: third.get_bucket_location(Bucket=theirs),
        lambda: third.get_bucket_tagging(Bucket=theirs),
        lambda: third.get_bucket_acl(Bucket=theirs),
        lambda: third.delete_bucket(Bucket=theirs),
    ]
    for call in calls:
        with refused("AccessDenied", 403):
            call()
    with refused("403", 403):
        third.head_bucket(Bucket=theirs)
    with refused("403", 403):
        third.head_object(Bucket=theirs, Key="k")
    assert read(alt.get_object(Bucket=theirs, Key="k")) == b"theirs"
    assert keys(alt.list_objects_v2(Bucket=theirs)) == ["k"]


def test_deleting_many_of_another_owner(third, alt, theirs):
    try:
        answer = third.delete_objects(Bucket=theirs, Delete={"Objects": [{"Key": "k"}]})
        assert [e["Code"] for e in answer["Errors"]] == ["AccessDenied"]
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
    assert not absent(alt, theirs, "k")


def test_copying_from_another_owner(third, theirs, new_bucket):
    own = new_bucket(third)
    with refused("AccessDenied", 403):
        third.copy_object(Bucket=own, Key="stolen", CopySource=f"{theirs}/k")
    upload = third.create_multipart_upload(Bucket=own, Key="stolen")["UploadId"]
    with refused("AccessDenied", 403):
        third.upload_part_copy(
            Bucket=own, Key="stolen", UploadId=upload, PartNumber=1, CopySource=f"{theirs}/k"
        )
    assert absent(third, own, "stolen")


def test_the_name_is_taken(third, theirs):
    with refused("BucketAlreadyExists", 409):
        third.create_bucket(Bucket=theirs)


def test_an_admin_reaches_everything(s3, theirs):
    assert read(s3.get_object(Bucket=theirs, Key="k")) == b"theirs"
    s3.put_object(Bucket=theirs, Key="by-admin", Body=b"x")
    assert s3.get_bucket_acl(Bucket=theirs)["Owner"]["ID"] == ALT.owner
    assert MAIN.owner != ALT.owner


def test_a_reader_reads_and_writes_nothing(reader, alt, theirs):
    assert read(reader.get_object(Bucket=theirs, Key="k")) == b"theirs"
    assert keys(reader.list_objects_v2(Bucket=theirs)) == ["k"]
    assert theirs in [b["Name"] for b in reader.list_buckets()["Buckets"]]
    upload = alt.create_multipart_upload(Bucket=theirs, Key="up")["UploadId"]
    calls = [
        lambda: reader.put_object(Bucket=theirs, Key="new", Body=b"x"),
        lambda: reader.delete_object(Bucket=theirs, Key="k"),
        lambda: reader.copy_object(Bucket=theirs, Key="new", CopySource=f"{theirs}/k"),
        lambda: reader.create_multipart_upload(Bucket=theirs, Key="new"),
        lambda: reader.upload_part(
            Bucket=theirs, Key="up", UploadId=upload, PartNumber=1, Body=b"x"
        ),
        lambda: reader.abort_multipart_upload(Bucket=theirs, Key="up", UploadId=upload),
        lambda: reader.put_object_tagging(
            Bucket=theirs, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
        ),
        lambda: reader.delete_object_tagging(Bucket=theirs, Key="k"),
        lambda: reader.put_bucket_tagging(
            Bucket=theirs, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]}
        ),
        lambda: reader.create_bucket(Bucket="readers-own-bucket"),
        lambda: reader.delete_bucket(Bucket=theirs),
    ]
    for call in calls:
        with refused("AccessDenied", 403):
            call()
    assert keys(alt.list_objects_v2(Bucket=theirs)) == ["k"]


def test_without_a_key(client, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    anonymous = client(signature_version=botocore.UNSIGNED)
    calls = [
        lambda: anonymous.list_buckets(),
        lambda: anonymous.list_objects_v2(Bucket=bucket),
        lambda: anonymous.get_object(Bucket=bucket, Key="k"),
        lambda: anonymous.put_object(Bucket=bucket, Key="new", Body=b"x"),
        lambda: anonymous.delete_object(Bucket=bucket, Key="k"),
        lambda: anonymous.create_bucket(Bucket="anonymous-bucket"),
        lambda: anonymous.create_multipart_upload(Bucket=bucket, Key="new"),
        lambda: anonymous.copy_object(Bucket=bucket, Key="new", CopySource=f"{bucket}/k"),
    ]
    for call in calls:
        with refused("AccessDenied", 403):
            call()
    with refused("403", 403):
        anonymous.head_object(Bucket=bucket, Key="k")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k"]


def test_wrong_keys(client, bucket):
    unknown = client(Key("AKNOBODY", "x" * 20, "", "", ""))
    with refused("InvalidAccessKeyId", 403):
        unknown.list_objects_v2(Bucket=bucket)
    mistaken = client(Key(MAIN.access, MAIN.secret + "x", "", "", ""))
    with refused("SignatureDoesNotMatch", 403):
        mistaken.list_objects_v2(Bucket=bucket)


def test_any_region_signs(client, bucket):
    for region in ("us-east-1", "eu-central-1", "garage"):
        assert status(client(region_name=region).list_objects_v2(Bucket=bucket)) == 200
