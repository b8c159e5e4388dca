"""The other ways in and out: copies, uploads in parts, presigned URLs, forms, sessions, the bucket
itself and the side API."""

import http.client
import urllib.error
import urllib.parse
import urllib.request

import boto3
import botocore.config
import pytest

import forms
import sigv4
from companies import ADMIN, BELOW, COMPANY, NONE, OWN, THEIRS

TAGS = {"TagSet": [{"Key": "a", "Value": "b"}]}


def test_copies_from_and_to_another_company(alt, company, bucket, new_bucket, seen, unasked):
    copy = f"{OWN}-copy"
    for pairs in (((THEIRS, copy), (NONE, copy)), ((OWN, THEIRS), (OWN, NONE)), ((THEIRS, THEIRS), (NONE, NONE))):
        answers = []
        for source, target in pairs:
            for spelt in _spellings(bucket, source):
                refused = seen(company.copy_object, target, Bucket=bucket, Key=target, CopySource=spelt)
                assert refused[0] == 403, spelt
                answers.append(refused)
        assert all(it == answers[0] for it in answers), answers


def _spellings(bucket, key):
    return (
        {"Bucket": bucket, "Key": key},
        {"Bucket": bucket, "Key": key, "VersionId": "null"},
        f"{bucket}/{key}",
        f"/{bucket}/{urllib.parse.quote(key, safe='')}",
        f"{bucket}/{''.join(f'%{byte:02x}' for byte in key.encode())}",
    )


@pytest.mark.parametrize(
    "condition",
    [{"CopySourceIfMatch": '"x"'}, {"CopySourceIfNoneMatch": "*"}, {"MetadataDirective": "REPLACE"}, {"TaggingDirective": "COPY"}],
    ids=lambda it: next(iter(it)),
)
def test_conditions_of_copies_tell_nothing(company, bucket, seen, condition, unasked):
    answers = [
        seen(company.copy_object, key, Bucket=bucket, Key=OWN, CopySource={"Bucket": bucket, "Key": key}, **condition)
        for key in (THEIRS, NONE)
    ]
    assert answers[0] == answers[1]
    assert answers[0][0] == 403


def test_copies_from_another_bucket(alt, company, bucket, new_bucket, seen):
    other = new_bucket(alt)
    alt.put_object(Bucket=other, Key=THEIRS, Body=b"content")
    alt.put_object(Bucket=other, Key="readme", Body=b"content")
    answers = [
        seen(company.copy_object, key, Bucket=bucket, Key=OWN, CopySource={"Bucket": other, "Key": key})
        for key in (THEIRS, NONE, "readme", "none")
    ]
    assert answers[0][0] == 403
    assert all(it == answers[0] for it in answers)


def test_parts_copied_from_another_company(company, bucket, seen, site):
    upload = company.create_multipart_upload(Bucket=bucket, Key=OWN)["UploadId"]
    part = {"Bucket": bucket, "Key": OWN, "UploadId": upload, "PartNumber": 1}
    site.forget()
    parts = [
        seen(company.upload_part_copy, key, CopySource={"Bucket": bucket, "Key": key}, **part, **more)
        for key in (THEIRS, NONE)
        for more in ({}, {"CopySourceRange": "bytes=0-1"})
    ]
    assert site.asked() == []
    assert parts[0][0] == 403
    assert all(it == parts[0] for it in parts)
    company.abort_multipart_upload(Bucket=bucket, Key=OWN, UploadId=upload)


def test_an_upload_of_another_company_is_no_upload_of_the_own_key(site, alt, company, bucket, answer):
    if site.mode == "upstream" and site.server.traits.mixes_uploads:
        pytest.skip("ids of uploads are the upstream's, which does not hold them against keys")
    at = {"Bucket": bucket, "Key": f"{THEIRS}-parts"}
    upload = alt.create_multipart_upload(**at)["UploadId"]
    tag = alt.upload_part(**at, UploadId=upload, PartNumber=1, Body=b"part")["ETag"]
    parts = {"Parts": [{"PartNumber": 1, "ETag": tag}]}
    for key in (OWN, f"{OWN}-parts"):
        for operation, more in (
            ("list_parts", {}),
            ("upload_part", {"PartNumber": 1, "Body": b"x"}),
            ("complete_multipart_upload", {"MultipartUpload": parts}),
            ("abort_multipart_upload", {}),
        ):
            own = {"Bucket": bucket, "Key": key, **more}
            made_up = upload[:-4] + ("abcd" if upload[-4:] != "abcd" else "bcda")
            there, absent = (answer(getattr(company, operation), UploadId=it, **own) for it in (upload, made_up))
            assert there == absent, operation
            # versitygw answers the completion of an upload that it has not for the object that it has.
            assert there == (404, "NoSuchUpload") or operation == "complete_multipart_upload" and key == OWN
    alt.complete_multipart_upload(**at, UploadId=upload, MultipartUpload=parts)
    assert alt.get_object(**at)["Body"].read() == b"part"
    assert company.get_object(Bucket=bucket, Key=OWN)["Body"].read() == b"content"


def _fetch(url, method="GET", data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method)) as got:
            return got.status, got.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_presigned_urls(company, bucket, site):
    verbs = {"get_object": "GET", "put_object": "PUT", "head_object": "HEAD", "delete_object": "DELETE"}

    def status(method, key):
        url = company.generate_presigned_url(method, {"Bucket": bucket, "Key": key})
        return _fetch(url, verbs[method], b"x" if method == "put_object" else None)[0]

    assert status("get_object", OWN) == 200
    site.forget()
    for method in verbs:
        assert status(method, THEIRS) == status(method, NONE) == 403, method
    assert site.asked() == []
    assert _fetch(company.generate_presigned_url("list_objects_v2", {"Bucket": bucket}))[0] == 403


@pytest.mark.parametrize("signed", ["v2", "v4"])
def test_forms(gateway, alt, bucket, signed, unasked):
    conditions = [{"bucket": bucket}, ["starts-with", "$key", ""]]
    sign = {
        "v2": lambda: forms.signed_v2(COMPANY, forms.policy(conditions)),
        "v4": lambda: forms.signed_v4(COMPANY, conditions),
    }[signed]
    answers = []
    for key, name in (
        (THEIRS, "bill.pdf"),
        (NONE, "bill.pdf"),
        (f"{BELOW}2/${{filename}}", "bill.pdf"),
        (f"{BELOW}1/../company_2/${{filename}}", "bill.pdf"),
        ("${filename}", "bill.pdf"),
    ):
        got = forms.post(gateway.endpoint, bucket, [("key", key), *sign()], b"x", name=name)
        answers.append(got.status)
    assert answers == [403] * len(answers)


def test_a_file_name_leads_nowhere_else(gateway, alt, bucket):
    conditions = [{"bucket": bucket}, ["starts-with", "$key", f"{BELOW}1/"]]
    fields = [("key", f"{BELOW}1/${{filename}}"), *forms.signed_v4(COMPANY, conditions)]
    forms.post(gateway.endpoint, bucket, fields, b"x", name="../company_2/2025-01-31/101530_a1b2c3d4_bill.pdf")
    assert alt.get_object(Bucket=bucket, Key=THEIRS)["Body"].read() == b"content"
    keys = [it["Key"] for it in alt.list_objects_v2(Bucket=bucket)["Contents"]]
    assert {key for key in keys if key.startswith(f"{BELOW}2/")} == {THEIRS}


def _client(gateway, service, *credentials):
    return boto3.client(
        service, "us-east-1", endpoint_url=gateway.endpoint, aws_access_key_id=credentials[0],
        aws_secret_access_key=credentials[1], aws_session_token=credentials[2],
        config=botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}),
    )


def test_a_session_of_the_key_is_the_companys(gateway, bucket, same):
    sts = _client(gateway, "sts", COMPANY.access, COMPANY.secret, None)
    made = sts.get_session_token()["Credentials"]
    s3 = _client(gateway, "s3", made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])
    assert s3.get_object(Bucket=bucket, Key=OWN)["Body"].read() == b"content"
    for operation, more in {"get_object": {}, "head_object": {}, "put_object": {}, "delete_object": {}}.items():
        same(s3, operation, bucket, more)


def test_the_bucket_is_not_the_companys(company, bucket, answer, unasked):
    for operation, arguments in {
        "get_bucket_policy": {},
        "put_bucket_policy": {"Policy": "{}"},
        "delete_bucket_policy": {},
        "get_bucket_policy_status": {},
        "get_bucket_acl": {},
        "put_bucket_acl": {"ACL": "private"},
        "get_bucket_tagging": {},
        "put_bucket_tagging": {"Tagging": TAGS},
        "get_bucket_ownership_controls": {},
        "delete_bucket_ownership_controls": {},
        "get_bucket_encryption": {},
        "delete_bucket_encryption": {},
        "get_bucket_lifecycle_configuration": {},
        "delete_bucket_lifecycle": {},
        "get_bucket_website": {},
        "delete_bucket_website": {},
        "get_bucket_cors": {},
        "delete_bucket_cors": {},
        "get_public_access_block": {},
        "delete_public_access_block": {},
        "delete_bucket": {},
    }.items():
        assert answer(getattr(company, operation), Bucket=bucket, **arguments) == (403, "AccessDenied"), operation
    assert answer(company.create_bucket, Bucket=f"{bucket}-new") == (403, "AccessDenied")


@pytest.mark.parametrize("key", [COMPANY, ADMIN], ids=lambda key: key.role)
@pytest.mark.parametrize(
    "path, query",
    [
        ("info", {}),
        ("object", {"key": THEIRS}),
        ("object", {"key": OWN}),
        ("url", {"key": THEIRS}),
        ("usage-by-company", {}),
        ("stats", {}),
        ("spool", {}),
        ("metrics", {}),
        ("migrations", {}),
    ],
)
def test_the_side_api_is_not_for_companies(gateway, bucket, key, path, query):
    host = f"127.0.0.1:{gateway.port}"
    query = sorted({**query, **({"bucket": bucket} if query else {})}.items())
    request = sigv4.sign(key, "GET", f"/storage/{path}", host, query=query)
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=10)
    try:
        connection.request("GET", request.target, headers=dict(request.headers))
        got = connection.getresponse()
        assert got.status == 403
        assert b"attachments" not in got.read()
    finally:
        connection.close()
