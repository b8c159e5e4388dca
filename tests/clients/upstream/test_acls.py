"""ACLs of objects come through and back, forwarded later or at once; what an upstream cannot keep is refused."""

import urllib.error
import urllib.request

import botocore.exceptions
import pytest

from s3check import refused

MODES = ("upstream", "fallback")
WRITERS = {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}
ALL_USERS = "http://acs.amazonaws.com/groups/global/AllUsers"


@pytest.fixture
def listing(behind, server):
    """A gateway whose bucket has ACLs, and whose upstream bucket may have them."""

    def make(mode, there=True):
        if server.name == "versitygw":
            pytest.skip("versitygw keeps no ACLs of objects")
        site = behind(mode)
        site.s3.put_bucket_ownership_controls(Bucket=site.bucket, OwnershipControls=WRITERS)
        if there:
            site.up.put_bucket_ownership_controls(Bucket=site.there, OwnershipControls=WRITERS)
        return site

    return make


def anybody(site, key):
    """The status that a read without a key has."""
    try:
        with urllib.request.urlopen(f"{site.gateway.endpoint}/{site.bucket}/{key}") as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def given(client, bucket, key):
    """What an ACL gives to everybody."""
    grants = client.get_object_acl(Bucket=bucket, Key=key)["Grants"]
    return [it["Permission"] for it in grants if it["Grantee"].get("URI") == ALL_USERS]


@pytest.mark.parametrize("away", [False, True], ids=["at once", "forwarded"])
@pytest.mark.parametrize("mode", MODES)
def test_an_acl_comes_through_and_back(listing, mode, away):
    if away and mode == "upstream":
        pytest.skip("nothing is forwarded later in this mode")
    site = listing(mode)
    if away:
        site.proxy.fault("refuse")
    site.put("open", b"x", ACL="public-read")
    site.put("later", b"x")
    site.s3.put_object_acl(Bucket=site.bucket, Key="later", ACL="public-read")
    site.put("closed", b"x")
    assert [anybody(site, key) for key in ("open", "later", "closed")] == [200, 200, 403]
    if away:
        site.proxy.heal()
        site.drained()
    assert [given(site.up, site.there, key) for key in ("open", "later", "closed")] == [["READ"], ["READ"], []]
    assert [anybody(site, key) for key in ("open", "later", "closed")] == [200, 200, 403]
    shown = site.s3.get_object_acl(Bucket=site.bucket, Key="open")
    assert shown["Owner"] == site.s3.get_bucket_acl(Bucket=site.bucket)["Owner"]
    assert given(site.s3, site.bucket, "open") == ["READ"]
    site.s3.put_object_acl(Bucket=site.bucket, Key="open", ACL="private")
    assert anybody(site, "open") == 403


@pytest.mark.parametrize("mode", MODES)
def test_copies_and_parts_have_the_acl_of_their_request(listing, mode):
    site = listing(mode)
    site.put("a", b"x", ACL="public-read")
    source = {"Bucket": site.bucket, "Key": "a"}
    site.s3.copy_object(Bucket=site.bucket, Key="b", CopySource=source)
    site.s3.copy_object(Bucket=site.bucket, Key="c", CopySource=source, ACL="public-read")
    at = {"Bucket": site.bucket, "Key": "parts"}
    upload = site.s3.create_multipart_upload(**at, ACL="public-read")["UploadId"]
    part = site.s3.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    site.s3.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)
    site.drained()
    assert [anybody(site, key) for key in ("a", "b", "c", "parts")] == [200, 403, 200, 200]


@pytest.mark.parametrize("mode", MODES)
def test_single_users_are_not_the_upstreams_to_know(listing, mode):
    site = listing(mode)
    owner = site.s3.list_buckets()["Owner"]["ID"]
    site.put("own", b"x", GrantFullControl=f'id="{owner}"')
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        site.put("shared", b"x", GrantRead='id="alt-canonical-id"')
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 501)
    assert site.keys_there() == ["own"]


@pytest.mark.parametrize("mode", MODES)
def test_an_upstream_without_acls_answers_for_itself(listing, server, mode):
    if server.name != "stowgate":
        pytest.skip("only ours refuses ACLs at first, as AWS does")
    site = listing(mode, there=False)
    with refused("AccessControlListNotSupported", 400):
        site.put("open", b"x", ACL="public-read")
    site.put("closed", b"x", ACL="private")
    assert site.keys() == ["closed"]


def test_an_acl_moves_with_its_object(listing):
    site = listing("local")
    site.put("open", b"x" * 10, ACL="public-read")
    site.migrations.over(site.migrations.start("s3"))
    assert given(site.up, site.there, "open") == ["READ"]
    assert anybody(site, "open") == 200
    site.migrations.over(site.migrations.start("local"))
    assert anybody(site, "open") == 200
