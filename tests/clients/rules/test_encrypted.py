"""What is encrypted is judged like everything else, with the customer's key where it takes one."""

import os

import botocore.exceptions
import pytest

import entrances
import forms
import upload_rules
from entrances import Refused
from gateway import MAIN

KEY = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": os.urandom(32)}
SOURCE = {f"CopySource{name}": value for name, value in KEY.items()}
SCRIPT = upload_rules.REFUSED["an SVG with a handler far behind"]
CLEAN = upload_rules.ALLOWED["an SVG"]


def begun(s3, bucket, case, **more):
    key, kind, body = case[:3]
    upload = {"Bucket": bucket, "Key": key}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ContentType=kind, **more)["UploadId"]
    given = {name: value for name, value in more.items() if name in KEY}
    part = s3.upload_part(**upload, PartNumber=1, Body=body, **given)
    return {**upload, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}}


def refusal(call, *args, **kwargs):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(*args, **kwargs)
    answer = caught.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def listed(s3, bucket):
    return [o["Key"] for o in s3.list_objects_v2(Bucket=bucket, Prefix="pictures/").get("Contents", ())]


def test_parts_under_the_customers_key(s3, bucket):
    upload = begun(s3, bucket, SCRIPT, **KEY)
    status, code, message = refusal(s3.complete_multipart_upload, **upload)
    assert (status, code) == (400, "InvalidRequest") and "must provide that key" in message
    status, code, message = refusal(s3.complete_multipart_upload, **upload, **KEY)
    assert (status, code) == (403, "AccessDenied") and '"pictures"' in message
    assert listed(s3, bucket) == []
    clean = begun(s3, bucket, CLEAN, **KEY)
    assert refusal(s3.complete_multipart_upload, **clean)[0] == 400
    s3.complete_multipart_upload(**clean, **KEY)
    assert s3.get_object(Bucket=bucket, Key=CLEAN[0], **KEY)["Body"].read() == CLEAN[2]


def test_sizes_alone_need_no_key(s3, bucket):
    key, kind, body = upload_rules.ALLOWED["a safe name"]
    s3.complete_multipart_upload(**begun(s3, bucket, (key, kind, body), **KEY))
    assert s3.get_object(Bucket=bucket, Key=key, **KEY)["Body"].read() == body


def test_copies_of_what_a_customers_key_opens(s3, bucket):
    for case in (SCRIPT, CLEAN):
        key, kind, body = case[:3]
        s3.put_object(Bucket=bucket, Key="free/source", Body=body, ContentType=kind, **KEY)
        copy = {"Bucket": bucket, "Key": key, "CopySource": f"{bucket}/free/source"}
        assert refusal(s3.copy_object, **copy)[0] == 400
        if case is SCRIPT:
            status, code, message = refusal(s3.copy_object, **copy, **SOURCE)
            assert (status, code) == (403, "AccessDenied") and '"pictures"' in message
            assert listed(s3, bucket) == []
        else:
            s3.copy_object(**copy, **SOURCE)
            assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body


@pytest.mark.parametrize("asked", [{"ServerSideEncryption": "AES256"}, {}])
def test_what_the_gateways_own_key_encrypts(s3, bucket, asked):
    s3.put_bucket_encryption(
        Bucket=bucket,
        ServerSideEncryptionConfiguration={
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        },
    )
    upload = begun(s3, bucket, SCRIPT, **asked)
    assert refusal(s3.complete_multipart_upload, **upload)[1] == "AccessDenied"
    done = s3.complete_multipart_upload(**begun(s3, bucket, CLEAN, **asked))
    assert done["ServerSideEncryption"] == "AES256"
    s3.copy_object(Bucket=bucket, Key="pictures/copy.svg", CopySource=f"{bucket}/{CLEAN[0]}")
    assert listed(s3, bucket) == [CLEAN[0], "pictures/copy.svg"]


def post(gateway, bucket, case, more):
    key, kind, body = case[:3]
    named = [("key", key), ("Content-Type", kind), *more]
    conditions = [{"bucket": bucket}, *(["starts-with", f"${name}", ""] for name, _ in named)]
    return entrances.answered(forms.post(gateway.endpoint, bucket, [*named, *forms.signed_v4(MAIN, conditions)], body))


def test_forms(gateway, s3, bucket):
    more = [("x-amz-server-side-encryption", "AES256")]
    with pytest.raises(Refused) as caught:
        post(gateway, bucket, SCRIPT, more)
    assert caught.value.code == "AccessDenied" and listed(s3, bucket) == []
    post(gateway, bucket, CLEAN, more)
    assert s3.head_object(Bucket=bucket, Key=CLEAN[0])["ServerSideEncryption"] == "AES256"
