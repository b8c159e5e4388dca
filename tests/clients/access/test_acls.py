"""ACLs of buckets, ownership controls and the public access block, as clients meet them."""

import pytest

from gateway import ALT, THIRD

DENIED = (403, "AccessDenied")
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def writers(alt, bucket):
    """A bucket of alt in which ACLs count."""
    rules = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    alt.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=rules)
    return bucket


def test_acls_are_off_at_first(alt, bucket, answer):
    assert answer(alt.put_bucket_acl, Bucket=bucket, ACL="public-read") == (400, "AccessControlListNotSupported")
    assert answer(alt.put_bucket_acl, Bucket=bucket, ACL="private") == 200
    assert answer(alt.get_bucket_ownership_controls, Bucket=bucket) == (404, "OwnershipControlsNotFoundError")


def test_canned_acls(alt, third, writers, public, answer):
    for acl, anybody, signed in (
        ("public-read", 200, 200),
        ("authenticated-read", 403, 200),
        ("private", 403, DENIED),
        ("public-read-write", 200, 200),
        ("bucket-owner-full-control", 403, DENIED),
    ):
        alt.put_bucket_acl(Bucket=writers, ACL=acl)
        assert public.status(f"/{writers}") == anybody, acl
        assert answer(third.list_objects_v2, Bucket=writers) == signed, acl
    assert answer(alt.put_bucket_acl, Bucket=writers, ACL="everything") == (400, "InvalidArgument")


def test_grants_by_header_and_by_document(alt, third, writers, answer):
    alt.put_bucket_acl(Bucket=writers, GrantRead=f'id="{THIRD.owner}"', GrantReadACP=f'emailAddress="{THIRD.owner}@example.com"')
    shown = third.get_bucket_acl(Bucket=writers)
    assert shown["Owner"]["ID"] == ALT.owner
    permissions = {(it["Grantee"]["ID"], it["Permission"]) for it in shown["Grants"]}
    assert permissions == {(THIRD.owner, "READ"), (THIRD.owner, "READ_ACP")}
    assert answer(third.list_objects_v2, Bucket=writers) == 200
    assert answer(third.put_object, Bucket=writers, Key="k", Body=b"") == DENIED
    document = {"Owner": shown["Owner"], "Grants": [{"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}]}
    alt.put_bucket_acl(Bucket=writers, AccessControlPolicy=document)
    grants = alt.get_bucket_acl(Bucket=writers)["Grants"]
    assert grants == [{"Grantee": {"Type": "Group", "URI": ALL_USERS}, "Permission": "READ"}]
    for name in ('id="nobody"', "uri=http://example.com/group"):
        assert answer(alt.put_bucket_acl, Bucket=writers, GrantRead=name) == (400, "InvalidArgument")
    refusal = answer(alt.put_bucket_acl, Bucket=writers, GrantRead='emailAddress="nobody@example.com"')
    assert refusal == (400, "UnresolvableGrantByEmailAddress")


def test_acls_cannot_be_turned_off_while_one_gives_something(alt, writers, answer):
    alt.put_bucket_acl(Bucket=writers, ACL="public-read")
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    refusal = answer(alt.put_bucket_ownership_controls, Bucket=writers, OwnershipControls=rules)
    assert refusal == (400, "InvalidBucketAclWithObjectOwnership")
    alt.put_bucket_acl(Bucket=writers, ACL="private")
    assert answer(alt.put_bucket_ownership_controls, Bucket=writers, OwnershipControls=rules) == 200
    alt.delete_bucket_ownership_controls(Bucket=writers)


def test_the_public_access_block(alt, writers, public, answer):
    alt.put_bucket_acl(Bucket=writers, ACL="public-read")
    assert public.status(f"/{writers}") == 200
    names = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    all_on = dict.fromkeys(names, True)
    alt.put_public_access_block(Bucket=writers, PublicAccessBlockConfiguration=all_on)
    assert alt.get_public_access_block(Bucket=writers)["PublicAccessBlockConfiguration"] == all_on
    assert public.status(f"/{writers}") == 403
    assert answer(alt.put_bucket_acl, Bucket=writers, ACL="public-read") == DENIED
    text = '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::%s/*"}}'
    assert answer(alt.put_bucket_policy, Bucket=writers, Policy=text % writers) == DENIED
    alt.delete_public_access_block(Bucket=writers)
    assert public.status(f"/{writers}") == 200


def test_a_bucket_is_made_with_an_acl(alt, public, bucket):
    name = f"{bucket}-acl"
    alt.create_bucket(Bucket=name, ACL="public-read", ObjectOwnership="BucketOwnerPreferred")
    assert public.status(f"/{name}") == 200
    assert alt.get_bucket_policy_status(Bucket=name)["PolicyStatus"]["IsPublic"] is True
    alt.delete_bucket(Bucket=name)
