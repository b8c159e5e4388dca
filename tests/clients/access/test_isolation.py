"""A key of one company tries every operation on another's keys: that a key is there, is not there,
and is not the caller's are one answer."""

import botocore.exceptions
import pytest
import urllib.request

OWN = "attachments/invoice/company_1/2025-01-31/101530_a1b2c3d4_bill.pdf"
THEIRS = "attachments/invoice/company_2/2025-01-31/101530_a1b2c3d4_bill.pdf"
NONE = "attachments/invoice/company_2/2025-01-31/101530_a1b2c3d4_none.pdf"
TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}
PARTS = {"Parts": [{"PartNumber": 1, "ETag": '"0"'}]}

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
    "get_object_legal_hold": {},
    "get_object_torrent": {},
    "put_object": {"Body": b"x"},
    "delete_object": {},
    "create_multipart_upload": {},
    "upload_part": {"UploadId": "u", "PartNumber": 1, "Body": b"x"},
    "complete_multipart_upload": {"UploadId": "u", "MultipartUpload": PARTS},
    "abort_multipart_upload": {"UploadId": "u"},
    "list_parts": {"UploadId": "u"},
}
CONDITIONAL = {
    "get_object": ({"Range": "bytes=0-0"}, {"IfMatch": '"x"'}, {"IfNoneMatch": "*"}, {"PartNumber": 1}, {"VersionId": "null"}),
    "head_object": ({"IfNoneMatch": "*"}, {"ChecksumMode": "ENABLED"}),
    "put_object": ({"Body": b"", "IfNoneMatch": "*"}, {"Body": b"", "IfMatch": '"x"'}, {"Body": b"", "Tagging": "a=b"}),
    "delete_object": ({"IfMatch": "*"}, {"VersionId": "null"}),
}


@pytest.fixture
def bucket(new_bucket, alt):
    name = new_bucket(alt)
    for key in (OWN, THEIRS):
        alt.put_object(Bucket=name, Key=key, Body=b"content")
    return name


def seen(call, key, **arguments):
    """All that a client sees of an error, with the key that it named left out."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    answer = caught.value.response
    headers = {
        name: value
        for name, value in answer["ResponseMetadata"]["HTTPHeaders"].items()
        if name not in ("date", "x-amz-request-id", "x-amz-id-2", "content-length")
    }
    error = {name: str(value).replace(key, "KEY") for name, value in answer["Error"].items() if name not in ("RequestId", "HostId")}
    return answer["ResponseMetadata"]["HTTPStatusCode"], error, headers


def same(company, operation, bucket, arguments):
    call = getattr(company, operation)
    there, absent = (seen(call, key, Bucket=bucket, Key=key, **arguments) for key in (THEIRS, NONE))
    assert there == absent
    assert there[0] == 403


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_operation_on_anothers_key(company, bucket, operation):
    same(company, operation, bucket, OPERATIONS[operation])
    for arguments in CONDITIONAL.get(operation, ()):
        same(company, operation, bucket, arguments)


def test_nothing_of_it_took_place(alt, company, bucket):
    for operation, arguments in OPERATIONS.items():
        for key in (THEIRS, NONE):
            seen(getattr(company, operation), key, Bucket=bucket, Key=key, **arguments)
    assert alt.get_object(Bucket=bucket, Key=THEIRS)["Body"].read() == b"content"
    assert alt.get_object_tagging(Bucket=bucket, Key=THEIRS)["TagSet"] == []
    keys = [it["Key"] for it in alt.list_objects_v2(Bucket=bucket)["Contents"]]
    assert keys == [OWN, THEIRS]
    assert "Uploads" not in alt.list_multipart_uploads(Bucket=bucket)


def test_copies_from_and_to_another_company(company, bucket):
    copy = f"{OWN}-copy"
    for pairs in (((THEIRS, copy), (NONE, copy)), ((OWN, THEIRS), (OWN, NONE))):
        answers = []
        for source, target in pairs:
            from_there = {"Bucket": bucket, "Key": source}
            answer = seen(company.copy_object, target, Bucket=bucket, Key=target, CopySource=from_there)
            assert answer[0] == 403
            answers.append(answer)
        assert answers[0] == answers[1]
    upload = company.create_multipart_upload(Bucket=bucket, Key=OWN)["UploadId"]
    part = {"Bucket": bucket, "Key": OWN, "UploadId": upload, "PartNumber": 1}
    parts = [
        seen(company.upload_part_copy, key, CopySource={"Bucket": bucket, "Key": key}, **part)
        for key in (THEIRS, NONE)
    ]
    assert parts[0] == parts[1]
    company.abort_multipart_upload(Bucket=bucket, Key=OWN, UploadId=upload)


@pytest.mark.parametrize(
    "prefix",
    ["", "attachments/", "attachments/invoice/company_", "attachments/invoice/company_1", "attachments/invoice/company_2/"],
)
def test_listings_of_every_form(company, bucket, prefix, answer):
    for operation in ("list_objects", "list_objects_v2", "list_object_versions", "list_multipart_uploads"):
        for more in ({}, {"Delimiter": "/"}, {"EncodingType": "url"}):
            call = getattr(company, operation)
            assert answer(call, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied"), operation
    for more in ({"StartAfter": OWN}, {"MaxKeys": 0}, {"FetchOwner": True}):
        assert answer(company.list_objects_v2, Bucket=bucket, Prefix=prefix, **more) == (403, "AccessDenied")


def test_deletions_of_many(alt, company, bucket):
    keys = [{"Key": key} for key in (OWN, THEIRS, NONE)]
    result = company.delete_objects(Bucket=bucket, Delete={"Objects": keys})
    assert [it["Key"] for it in result["Deleted"]] == [OWN]
    errors = {it.pop("Key"): it for it in result["Errors"]}
    assert errors[THEIRS] == errors[NONE] == {"Code": "AccessDenied", "Message": "Access Denied"}
    assert alt.get_object(Bucket=bucket, Key=THEIRS)["Body"].read() == b"content"


def test_presigned_urls(company, bucket):
    def status(method, key):
        url = company.generate_presigned_url(method, {"Bucket": bucket, "Key": key})
        verb = {"get_object": "GET", "put_object": "PUT", "head_object": "HEAD", "delete_object": "DELETE"}[method]
        data = b"x" if verb == "PUT" else None
        try:
            with urllib.request.urlopen(urllib.request.Request(url, data=data, method=verb)) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    assert status("get_object", OWN) == 200
    for method in ("get_object", "head_object", "put_object", "delete_object"):
        assert status(method, THEIRS) == status(method, NONE) == 403, method


def test_the_own_keys_work_as_ever(company, bucket):
    assert company.get_object(Bucket=bucket, Key=OWN)["Body"].read() == b"content"
    prefix = "attachments/invoice/company_1/"
    listed = company.list_objects_v2(Bucket=bucket, Prefix=prefix)
    assert [it["Key"] for it in listed["Contents"]] == [OWN]
    company.put_object(Bucket=bucket, Key=f"{prefix}new", Body=b"x")
    company.copy_object(Bucket=bucket, Key=f"{prefix}copy", CopySource={"Bucket": bucket, "Key": OWN})
    company.head_bucket(Bucket=bucket)
    with pytest.raises(company.exceptions.NoSuchKey):
        company.get_object(Bucket=bucket, Key=f"{prefix}none")


def test_the_bucket_is_not_the_companys(company, bucket, answer):
    for operation, arguments in {
        "get_bucket_policy": {},
        "put_bucket_policy": {"Policy": "{}"},
        "get_bucket_acl": {},
        "put_bucket_acl": {"ACL": "private"},
        "get_bucket_tagging": {},
        "put_bucket_tagging": {"Tagging": TAGS},
        "delete_bucket": {},
        "get_public_access_block": {},
        "delete_bucket_cors": {},
    }.items():
        assert answer(getattr(company, operation), Bucket=bucket, **arguments) == (403, "AccessDenied"), operation
    assert answer(company.create_bucket, Bucket=f"{bucket}-new") == (403, "AccessDenied")


def test_the_side_api_is_not_for_companies(gateway, company):
    request = urllib.request.Request(f"{gateway.endpoint}/storage/info")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert caught.value.code in (401, 403)
