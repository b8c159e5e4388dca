"""ACLs of objects, as clients meet them."""

import pytest

from gateway import ALT, THIRD

DENIED = (403, "AccessDenied")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"
PART = 5 << 20


@pytest.fixture
def writers(alt, third, bucket):
    """A bucket of alt in which ACLs count, and third may write."""
    rules = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    alt.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    alt.put_bucket_acl(Bucket=bucket, GrantFullControl=f'id="{ALT.owner}"', GrantWrite=f'id="{THIRD.owner}"')
    return bucket


def test_a_file_is_uploaded_for_everybody(alt, third, writers, public, answer, tmp_path):
    for size in (10, 2 * PART):
        file = tmp_path / f"{size}.jpg"
        file.write_bytes(b"x" * size)
        alt.upload_file(str(file), writers, f"avatars/{size}.jpg", ExtraArgs={"ACL": "public-read", "ContentType": "image/jpeg"})
        assert public.status(f"/{writers}/avatars/{size}.jpg") == 200
        assert public.status(f"/{writers}/avatars/{size}.jpg", "HEAD") == 200
        assert public.status(f"/{writers}/avatars/{size}.jpg?acl") == 403
        assert public.status(f"/{writers}/avatars/{size}.jpg", "DELETE") == 403
        grants = alt.get_object_acl(Bucket=writers, Key=f"avatars/{size}.jpg")["Grants"]
        assert [it["Permission"] for it in grants] == ["READ", "FULL_CONTROL"]
    alt.put_object(Bucket=writers, Key="private", Body=b"x")
    assert public.status(f"/{writers}/private") == 403
    assert public.status(f"/{writers}/none") == 403
    assert answer(third.get_object, Bucket=writers, Key="private") == DENIED


def test_an_acl_is_set_by_name_by_grants_and_by_document(alt, third, writers, public, answer):
    at = {"Bucket": writers, "Key": "k"}
    alt.put_object(**at, Body=b"x")
    alt.put_object_acl(**at, ACL="public-read")
    assert public.status(f"/{writers}/k") == 200
    alt.put_object_acl(**at, GrantRead=f'id="{THIRD.owner}"', GrantReadACP=f'emailAddress="{THIRD.owner}@example.com"')
    assert public.status(f"/{writers}/k") == 403
    assert third.get_object(**at)["Body"].read() == b"x"
    shown = third.get_object_acl(**at)
    assert shown["Owner"]["ID"] == ALT.owner
    assert {it["Permission"] for it in shown["Grants"]} == {"READ", "READ_ACP"}
    assert answer(third.put_object_acl, **at, ACL="public-read") == DENIED
    document = {"Owner": shown["Owner"], "Grants": [{"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "FULL_CONTROL"}]}
    alt.put_object_acl(**at, AccessControlPolicy=document)
    assert alt.get_object_acl(**at)["Grants"] == document["Grants"]
    assert public.status(f"/{writers}/k?acl") == 200
    assert answer(alt.put_object_acl, Bucket=writers, Key="none", ACL="private") == (404, "NoSuchKey")


def test_objects_belong_to_whoever_puts_them(alt, third, writers, answer):
    at = {"Bucket": writers, "Key": "theirs"}
    third.put_object(**at, Body=b"x")
    assert third.get_object_acl(**at)["Owner"]["ID"] == THIRD.owner
    assert answer(alt.get_object, **at) == DENIED
    assert answer(alt.get_object_acl, **at) == DENIED
    third.put_object_acl(**at, ACL="bucket-owner-full-control")
    assert alt.get_object(**at)["Body"].read() == b"x"
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    alt.put_bucket_ownership_controls(Bucket=writers, OwnershipControls=rules)
    third.put_object(**at, Body=b"y", ACL="bucket-owner-full-control")
    assert alt.get_object_acl(**at)["Owner"]["ID"] == ALT.owner
    assert answer(third.get_object, **at) == DENIED
    third.put_object(**at, Body=b"z")
    alt.delete_object(**at)


def test_a_copy_has_an_acl_of_its_own(alt, writers, public):
    alt.put_object(Bucket=writers, Key="a", Body=b"x", ACL="public-read")
    source = {"Bucket": writers, "Key": "a"}
    alt.copy_object(Bucket=writers, Key="b", CopySource=source)
    alt.copy_object(Bucket=writers, Key="c", CopySource=source, ACL="public-read")
    assert [public.status(f"/{writers}/{key}") for key in "abc"] == [200, 403, 200]


def test_acls_are_off_at_first(alt, bucket, answer):
    for acl in ("private", "bucket-owner-full-control"):
        assert answer(alt.put_object, Bucket=bucket, Key="k", Body=b"", ACL=acl) == 200
    refusal = (400, "AccessControlListNotSupported")
    assert answer(alt.put_object, Bucket=bucket, Key="n", Body=b"", ACL="public-read") == refusal
    assert answer(alt.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == refusal
    assert answer(alt.head_object, Bucket=bucket, Key="n")[0] == 404


def test_the_public_access_block(alt, writers, public, answer):
    alt.put_object(Bucket=writers, Key="k", Body=b"x", ACL="public-read")
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    alt.put_public_access_block(Bucket=writers, PublicAccessBlockConfiguration=dict.fromkeys(names, True))
    assert public.status(f"/{writers}/k") == 403
    assert answer(alt.put_object, Bucket=writers, Key="n", Body=b"", ACL="public-read") == DENIED
    assert answer(alt.put_object_acl, Bucket=writers, Key="k", ACL="public-read") == DENIED
    alt.delete_public_access_block(Bucket=writers)
    assert public.status(f"/{writers}/k") == 200
