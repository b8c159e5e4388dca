"""Buckets: making, finding, listing and dropping them, and the configuration that was never set."""

import botocore.handlers
import pytest

from gateway import ALT, MAIN
from s3check import header, refused, status


def test_life_of_a_bucket(s3, new_bucket):
    name = new_bucket()
    head = s3.head_bucket(Bucket=name)
    assert status(head) == 200
    assert header(head, "x-amz-bucket-region") == "us-east-1"
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] is None
    assert name in [b["Name"] for b in s3.list_buckets()["Buckets"]]


def test_create_answers_with_its_location(s3, new_bucket):
    name = new_bucket()
    again = s3.create_bucket(Bucket=name)
    assert status(again) == 200
    assert again["Location"] == f"/{name}"


def test_delete_is_204_and_then_404(s3):
    s3.create_bucket(Bucket="short-lived-bucket")
    assert status(s3.delete_bucket(Bucket="short-lived-bucket")) == 204
    with refused("NoSuchBucket", 404):
        s3.delete_bucket(Bucket="short-lived-bucket")
    with refused("404", 404) as caught:
        s3.head_bucket(Bucket="short-lived-bucket")
    headers = caught.value.response["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amz-request-id"]
    with refused("NoSuchBucket", 404):
        s3.get_bucket_location(Bucket="short-lived-bucket")
    with refused("NoSuchBucket", 404):
        s3.list_objects_v2(Bucket="short-lived-bucket")
    with refused("NoSuchBucket", 404):
        s3.put_object(Bucket="short-lived-bucket", Key="k", Body=b"x")


def test_a_bucket_with_objects_stays(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with refused("BucketNotEmpty", 409):
        s3.delete_bucket(Bucket=bucket)
    s3.delete_object(Bucket=bucket, Key="k")


def test_open_uploads_do_not_hold_a_bucket(s3):
    s3.create_bucket(Bucket="bucket-with-upload")
    s3.create_multipart_upload(Bucket="bucket-with-upload", Key="k")
    assert status(s3.delete_bucket(Bucket="bucket-with-upload")) == 204


def test_a_location_constraint_is_checked(s3):
    s3.create_bucket(
        Bucket="bucket-in-region", CreateBucketConfiguration={"LocationConstraint": "us-east-1"}
    )
    s3.delete_bucket(Bucket="bucket-in-region")
    with refused(("InvalidLocationConstraint", "IllegalLocationConstraintException"), 400):
        s3.create_bucket(
            Bucket="bucket-elsewhere", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
        )


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "a" * 64,
        "Upper-case",
        "under_score",
        "-hyphen-first",
        "hyphen-last-",
        ".dot-first",
        "dot-last.",
        "two..dots",
        "dot.-hyphen",
        "hyphen-.dot",
        "192.168.5.4",
        "xn--prefix",
        "suffix-s3alias",
    ],
)
def test_bad_names_are_refused(client, name):
    s3 = client()
    # The client's own check would keep the name from the wire.
    s3.meta.events.unregister("before-parameter-build.s3", botocore.handlers.validate_bucket_name)
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket=name)


@pytest.mark.parametrize("name", ["abc", "a.b.c", "0-0", "a" * 63])
def test_good_names_are_taken(s3, new_bucket, name):
    assert status(s3.head_bucket(Bucket=new_bucket(name=name))) == 200


def test_the_side_api_keeps_its_name(s3):
    with refused("InvalidBucketName", 400):
        s3.create_bucket(Bucket="storage")


def test_list_buckets_shows_each_owner_its_own(s3, alt, new_bucket):
    mine, theirs = new_bucket(), new_bucket(alt)
    answer = alt.list_buckets()
    assert answer["Owner"]["ID"] == ALT.owner
    names = [b["Name"] for b in answer["Buckets"]]
    assert theirs in names and mine not in names
    answer = s3.list_buckets()
    assert answer["Owner"]["ID"] == MAIN.owner
    names = [b["Name"] for b in answer["Buckets"]]
    assert mine in names and theirs not in names
    assert names == sorted(names)


def test_list_buckets_in_pages(third, new_bucket):
    made = [new_bucket(third, f"paged-{n}-bucket") for n in range(5)]
    new_bucket(third, "another-bucket")
    seen, token = [], {}
    for _ in range(3):
        page = third.list_buckets(MaxBuckets=2, Prefix="paged-", **token)
        assert page["Prefix"] == "paged-"
        seen.append([b["Name"] for b in page["Buckets"]])
        if "ContinuationToken" not in page:
            break
        token = {"ContinuationToken": page["ContinuationToken"]}
    assert seen == [made[:2], made[2:4], made[4:]]


def test_configuration_that_was_never_set(s3, bucket):
    unset = {
        "get_bucket_cors": "NoSuchCORSConfiguration",
        "get_bucket_tagging": "NoSuchTagSet",
        "get_bucket_policy": "NoSuchBucketPolicy",
        "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
        "get_bucket_website": "NoSuchWebsiteConfiguration",
        "get_bucket_encryption": "ServerSideEncryptionConfigurationNotFoundError",
        "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
        "get_bucket_ownership_controls": "OwnershipControlsNotFoundError",
        "get_public_access_block": "NoSuchPublicAccessBlockConfiguration",
        "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    }
    for operation, code in unset.items():
        with refused(code, 404):
            getattr(s3, operation)(Bucket=bucket)


def test_configuration_with_a_standing_answer(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    for acl in (s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="k")):
        assert acl["Owner"]["ID"] == MAIN.owner
        assert [g["Permission"] for g in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Grants"][0]["Grantee"]["ID"] == MAIN.owner


def test_configuration_of_a_bucket_that_is_not_there(s3):
    for operation in ("get_bucket_cors", "get_bucket_versioning", "get_bucket_acl", "get_bucket_policy"):
        with refused("NoSuchBucket", 404):
            getattr(s3, operation)(Bucket="no-such-bucket-here")


def test_writing_what_is_not_served_is_501(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"content")
    with refused("NotImplemented", 501):
        s3.put_bucket_accelerate_configuration(
            Bucket=bucket, AccelerateConfiguration={"Status": "Enabled"}
        )
    with refused("NotImplemented", 501):
        s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 1})
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"content"
