"""Keys that customers bring (SSE-C) go through to the upstream that encrypts with them."""

import os

import pytest

from customer_keys import files_with, own
from s3check import refused

KEY, OTHER = os.urandom(32), os.urandom(32)
BODY = os.urandom(200_000)
LARGE = os.urandom(5 << 20)


@pytest.fixture
def site(behind, server):
    """In mode `upstream`, before an upstream that encrypts."""
    if server.name != "stowgate":
        pytest.skip("this upstream doesn't hold to customers' keys")
    return behind("upstream")


def test_an_object_is_read_with_its_key_alone(site):
    put = site.put("k", BODY, **own(KEY))
    assert put["SSECustomerAlgorithm"] == "AES256"
    assert site.get("k", **own(KEY)) == BODY
    assert site.get("k", Range="bytes=65530-65545", **own(KEY)) == BODY[65530:65546]
    head = site.head("k", **own(KEY))
    assert (head["ContentLength"], head["ETag"]) == (len(BODY), put["ETag"])
    assert head["SSECustomerKeyMD5"] == put["SSECustomerKeyMD5"]
    with refused("InvalidRequest", 400):
        site.get("k")
    with refused("AccessDenied", 403):
        site.get("k", **own(OTHER))
    there = {"Bucket": site.there, "Key": "k"}
    with refused("InvalidRequest", 400):
        site.up.get_object(**there)
    assert site.up.get_object(**there, **own(KEY))["Body"].read() == BODY


def test_parts_are_listed_copied_and_put_together(site):
    site.put("source", BODY, **own(OTHER))
    at = {"Bucket": site.bucket, "Key": "parts"}
    id = site.s3.create_multipart_upload(**at, **own(KEY))["UploadId"]
    upload = {**at, "UploadId": id}
    with refused("InvalidRequest", 400):
        site.s3.upload_part(**upload, PartNumber=1, Body=LARGE)
    one = site.s3.upload_part(**upload, PartNumber=1, Body=LARGE, **own(KEY))
    assert one["SSECustomerKeyMD5"]
    two = site.s3.upload_part_copy(
        **upload,
        PartNumber=2,
        CopySource={"Bucket": site.bucket, "Key": "source"},
        **own(OTHER, "CopySource"),
        **own(KEY),
    )["CopyPartResult"]
    listed = site.s3.list_parts(**upload)["Parts"]
    tags = [one["ETag"], two["ETag"]]
    assert [(p["PartNumber"], p["Size"]) for p in listed] == [(1, len(LARGE)), (2, len(BODY))]
    assert [p["ETag"] for p in listed] == tags
    parts = [{"PartNumber": number, "ETag": tag} for number, tag in enumerate(tags, 1)]
    site.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}, **own(KEY))
    assert site.get("parts", **own(KEY)) == LARGE + BODY
    with refused("InvalidRequest", 400):
        site.get("parts")


def test_copies_take_the_key_of_each_side(site):
    source = {"Bucket": site.bucket, "Key": "source"}
    site.put("source", BODY, **own(KEY))
    to = {"Bucket": site.bucket, "Key": "copy", "CopySource": source}
    with refused("InvalidRequest", 400):
        site.s3.copy_object(**to)
    with refused("AccessDenied", 403):
        site.s3.copy_object(**to, **own(OTHER, "CopySource"))
    assert site.keys() == ["source"]
    site.s3.copy_object(**to, **own(KEY, "CopySource"), **own(OTHER))
    assert site.get("copy", **own(OTHER)) == BODY
    site.s3.copy_object(**to, **own(KEY, "CopySource"))
    assert site.get("copy") == BODY


def test_an_answer_that_was_lost(site, unavailable):
    """Whether the write was taken can't be told without its key's tag: it is an error, not a success."""
    site.put("k", b"before", **own(KEY))
    site.proxy.fault("cut down 0", method="PUT", path="/k", times=1)
    with unavailable():
        site.put("k", BODY, **own(KEY))
    assert site.get("k", **own(KEY)) == BODY
    site.put("k", b"after", **own(KEY))
    assert site.get("k", **own(KEY)) == b"after"


def test_the_key_stays_nowhere(site):
    site.put("k", BODY, **own(KEY))
    site.get("k", **own(KEY))
    assert site.gateway.stop() == 0
    assert files_with(site.gateway.directory, KEY) == []


def test_what_might_have_to_wait_takes_none(behind, server):
    site = behind("fallback")
    with refused("NotImplemented", 501):
        site.put("k", BODY, **own(KEY))
    assert site.keys() == site.keys_there() == []
