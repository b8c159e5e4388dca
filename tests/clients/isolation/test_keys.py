"""A key of one company tries every operation, with every header, on another's keys: that a key is
there, is not there, and is not the caller's are one answer."""

import pytest

import s3check
from companies import ADMIN, BELOW, NONE, OWN, THEIRS, USER
from connect import connect

TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}
PARTS = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}
OWNERS = {"Grants": [], "Owner": {"ID": "alt-canonical-id"}}

OPERATIONS = {
    "get_object": {},
    "head_object": {},
    "get_object_attributes": {"ObjectAttributes": ["ETag", "ObjectSize"]},
    "get_object_tagging": {},
    "put_object_tagging": {"Tagging": TAGS},
    "delete_object_tagging": {},
    "get_object_acl": {},
    "put_object_acl": {"ACL": "private"},
    "get_object_retention": {},
    "put_object_retention": {"Retention": {}},
    "get_object_legal_hold": {},
    "put_object_legal_hold": {"LegalHold": {"Status": "ON"}},
    "get_object_torrent": {},
    "restore_object": {"RestoreRequest": {"Days": 1}},
    "put_object": {"Body": b"x"},
    "delete_object": {},
    "create_multipart_upload": {},
    "upload_part": {"UploadId": "u", "PartNumber": 1, "Body": b"x"},
    "complete_multipart_upload": {"UploadId": "u", "MultipartUpload": PARTS},
    "abort_multipart_upload": {"UploadId": "u"},
    "list_parts": {"UploadId": "u"},
}
READS = (
    {"Range": "bytes=0-0"},
    {"Range": "bytes=9999-"},
    {"IfMatch": '"x"'},
    {"IfMatch": "*"},
    {"IfNoneMatch": "*"},
    {"IfModifiedSince": "2001-01-01"},
    {"IfUnmodifiedSince": "2001-01-01"},
    {"PartNumber": 1},
    {"VersionId": "null"},
    {"ChecksumMode": "ENABLED"},
    {"ExpectedBucketOwner": "alt-canonical-id"},
    {"RequestPayer": "requester"},
    {"ResponseContentType": "text/plain"},
    {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32},
)
HEADERS = {
    "get_object": READS,
    "head_object": READS,
    "put_object": (
        {"IfNoneMatch": "*"},
        {"IfMatch": '"x"'},
        {"Tagging": "a=b"},
        {"ACL": "private"},
        {"ACL": "bucket-owner-full-control"},
        {"GrantRead": 'id="third-canonical-id"'},
        {"Metadata": {"company": "1"}},
        {"StorageClass": "STANDARD"},
        {"ServerSideEncryption": "AES256"},
        {"ChecksumAlgorithm": "SHA256"},
        {"WebsiteRedirectLocation": "/x"},
    ),
    "delete_object": ({"IfMatch": "*"}, {"VersionId": "null"}, {"BypassGovernanceRetention": True}),
    "get_object_tagging": ({"VersionId": "null"},),
    "put_object_acl": ({"GrantFullControl": 'id="third-canonical-id"'}, {"AccessControlPolicy": OWNERS}),
    "create_multipart_upload": ({"Tagging": "a=b"}, {"ACL": "public-read"}, {"ServerSideEncryption": "AES256"}),
    "list_parts": ({"MaxParts": 0},),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_on_anothers_key(company, bucket, same, operation, unasked):
    for more in ({}, *HEADERS.get(operation, ())):
        same(company, operation, bucket, {**OPERATIONS[operation], **more})


@pytest.mark.parametrize("key", [ADMIN, USER], ids=lambda key: key.role)
def test_whatever_role_the_key_of_a_company_has(gateway, bucket, same, key, unasked):
    client = connect(gateway, key)
    for operation, arguments in OPERATIONS.items():
        same(client, operation, bucket, arguments)


def test_nothing_of_it_took_place(alt, company, bucket, seen):
    for operation, arguments in OPERATIONS.items():
        for key in (THEIRS, NONE):
            seen(getattr(company, operation), key, Bucket=bucket, Key=key, **arguments)
    assert alt.get_object(Bucket=bucket, Key=THEIRS)["Body"].read() == b"content"
    assert alt.get_object_tagging(Bucket=bucket, Key=THEIRS)["TagSet"] == []
    assert s3check.keys(alt.list_objects_v2(Bucket=bucket)) == [OWN, THEIRS]
    assert "Uploads" not in alt.list_multipart_uploads(Bucket=bucket)


@pytest.mark.parametrize(
    "key",
    [
        f"{BELOW}1/../company_2/2025-01-31/101530_a1b2c3d4_bill.pdf",
        f"{BELOW}1/./../company_2/2025-01-31/101530_a1b2c3d4_bill.pdf",
        f"{BELOW}1/a/../../company_2/2025-01-31/101530_a1b2c3d4_bill.pdf",
        f"attachments/../{THEIRS}",
    ],
)
def test_no_way_leads_up_out_of_a_company(site, company, bucket, seen, key, unasked):
    for operation, arguments in OPERATIONS.items():
        refused = seen(getattr(company, operation), key, Bucket=bucket, Key=key, **arguments)
        assert refused[0] == 403, (operation, refused)
    source = {"Bucket": bucket, "Key": key}
    assert seen(company.copy_object, key, Bucket=bucket, Key=f"{OWN}-copy", CopySource=source)[0] == 403
    prefix = key.removesuffix("101530_a1b2c3d4_bill.pdf")
    assert seen(company.list_objects_v2, prefix, Bucket=bucket, Prefix=prefix)[0] == 403


@pytest.mark.parametrize("key", [f"{BELOW}1/%2e%2e/company_2/bill.pdf", f"{BELOW}1/..%2Fcompany_2/bill.pdf"])
def test_encoded_ways_up_are_names_like_others(alt, company, bucket, key):
    alt.put_object(Bucket=bucket, Key=f"{BELOW}2/bill.pdf", Body=b"content")
    with pytest.raises(company.exceptions.NoSuchKey):
        company.get_object(Bucket=bucket, Key=key)
    company.put_object(Bucket=bucket, Key=key, Body=b"own")
    assert alt.get_object(Bucket=bucket, Key=f"{BELOW}2/bill.pdf")["Body"].read() == b"content"
    assert company.get_object(Bucket=bucket, Key=key)["Body"].read() == b"own"


def test_deletions_of_many(alt, company, bucket):
    keys = [{"Key": key} for key in (OWN, THEIRS, NONE)]
    versions = [{"Key": key, "VersionId": "null"} for key in (THEIRS, NONE)]
    result = company.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    assert [it["Key"] for it in result["Deleted"]] == [OWN]
    errors = {it.pop("Key"): it for it in result["Errors"]}
    assert errors[THEIRS] == errors[NONE] == {"Code": "AccessDenied", "Message": "Access Denied"}
    result = company.delete_objects(Bucket=bucket, Delete={"Objects": versions, "Quiet": True})
    errors = {it.pop("Key"): it for it in result["Errors"]}
    assert errors[THEIRS] == errors[NONE]
    assert alt.get_object(Bucket=bucket, Key=THEIRS)["Body"].read() == b"content"


def test_the_own_keys_work_as_ever(company, bucket):
    assert company.get_object(Bucket=bucket, Key=OWN)["Body"].read() == b"content"
    prefix = f"{BELOW}1/"
    assert s3check.keys(company.list_objects_v2(Bucket=bucket, Prefix=prefix)) == [OWN]
    company.put_object(Bucket=bucket, Key=f"{prefix}new", Body=b"x")
    company.copy_object(Bucket=bucket, Key=f"{prefix}copy", CopySource={"Bucket": bucket, "Key": OWN})
    assert company.get_object(Bucket=bucket, Key=f"{prefix}copy")["Body"].read() == b"content"
    company.head_bucket(Bucket=bucket)
    with pytest.raises(company.exceptions.NoSuchKey):
        company.get_object(Bucket=bucket, Key=f"{prefix}none")
