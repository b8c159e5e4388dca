"""What upload rules refuse, on every path in, and what they let through."""

import pytest

import entrances
import upload_rules
from entrances import Refused


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    listed = [o["Key"] for page in pages for o in page.get("Contents", ())]
    return [key for key in listed if not key.startswith("free/")]


@pytest.mark.parametrize("entrance", entrances.ALL)
@pytest.mark.parametrize("case", upload_rules.REFUSED)
def test_refused_on_every_path_and_stored_on_none(gateway, s3, bucket, case, entrance):
    key, kind, body, status, code, rule, words = upload_rules.REFUSED[case]
    with pytest.raises(Refused) as caught:
        entrances.ALL[entrance](s3, gateway, bucket, key, body, kind)
    refused = caught.value
    assert (refused.status, refused.code) == (status, code), refused
    assert f'"{rule}"' in refused.message and words in refused.message, refused
    assert keys(s3, bucket) == []


@pytest.mark.parametrize("entrance", entrances.ALL)
@pytest.mark.parametrize("case", upload_rules.ALLOWED)
def test_allowed_on_every_path(gateway, s3, bucket, case, entrance):
    key, kind, body = upload_rules.ALLOWED[case]
    assert entrances.ALL[entrance](s3, gateway, bucket, key, body, kind) is None
    got = s3.get_object(Bucket=bucket, Key=key)
    assert (got["Body"].read(), got["ContentType"]) == (body, kind)


@pytest.mark.parametrize("entrance", entrances.ALL)
def test_names_are_made_safe_and_unique(gateway, s3, bucket, entrance):
    stored = []
    for _ in range(2):
        key = entrances.ALL[entrance](s3, gateway, bucket, "named/my file.txt", b"x", "text/plain")
        assert key.startswith("named/my_file-") and key.endswith(".txt"), key
        stored.append(key)
    assert keys(s3, bucket) == sorted(set(stored)) and len(set(stored)) == 2


def test_other_prefixes_take_anything(gateway, s3, bucket):
    s3.put_object(Bucket=bucket, Key="free/a.exe", Body=upload_rules.EXE)
    assert s3.get_object(Bucket=bucket, Key="free/a.exe")["Body"].read() == upload_rules.EXE


def test_an_overwrite_that_is_refused_leaves_what_was_there(gateway, s3, bucket):
    key, kind, body = upload_rules.ALLOWED["a picture"]
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind)
    for entrance in entrances.ALL.values():
        with pytest.raises(Refused):
            entrance(s3, gateway, bucket, key, upload_rules.EXE, kind)
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == body


def test_a_part_that_is_too_large_is_refused_at_once(gateway, s3, bucket):
    begun = s3.create_multipart_upload(Bucket=bucket, Key="guides/a.pdf", ContentType="application/pdf")
    upload = {"Bucket": bucket, "Key": "guides/a.pdf", "UploadId": begun["UploadId"]}
    with pytest.raises(s3.exceptions.ClientError) as caught:
        s3.upload_part(**upload, PartNumber=1, Body=b"1" * (10 * entrances.MIB + 1))
    assert caught.value.response["Error"]["Code"] == "EntityTooLarge"
    s3.abort_multipart_upload(**upload)
