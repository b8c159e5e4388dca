"""Keys that customers bring: SSE-C with boto3, over TLS and from the same machine."""

import contextlib
import os
import ssl
import urllib.error
import urllib.request

import boto3.s3.transfer
import botocore.exceptions
import pytest

import certificate
from connect import connect
from customer_keys import files_with, own
from gateway import MAIN, Gateway

KEY, OTHER = os.urandom(32), os.urandom(32)


@pytest.fixture(scope="module", params=["http", "https"])
def site(request, tmp_path_factory):
    directory = tmp_path_factory.mktemp("customers")
    tls = certificate.issue(directory) if request.param == "https" else None
    with Gateway(directory, tls=tls) as running:
        running.s3 = connect(running, MAIN)
        running.s3.create_bucket(Bucket="bucket")
        yield running


@contextlib.contextmanager
def refused(status, code=None, message=None):
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield
    answer = caught.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer
    if code:
        assert answer["Error"]["Code"] == code, answer
    if message:
        assert message in answer["Error"]["Message"], answer


def test_what_one_key_wrote_it_alone_reads(site):
    content = os.urandom(200_000)
    put = site.s3.put_object(Bucket="bucket", Key="k", Body=content, **own(KEY))
    assert put["SSECustomerAlgorithm"] == "AES256" and put["SSECustomerKeyMD5"]
    got = site.s3.get_object(Bucket="bucket", Key="k", Range="bytes=65519-65521", **own(KEY))
    assert got["Body"].read() == content[65519:65522]
    head = site.s3.head_object(Bucket="bucket", Key="k", **own(KEY))
    assert (head["ContentLength"], head["SSECustomerKeyMD5"]) == (200_000, put["SSECustomerKeyMD5"])
    with refused(400, "InvalidRequest", "The object was stored using a form of Server Side Encryption"):
        site.s3.get_object(Bucket="bucket", Key="k")
    with refused(400):
        site.s3.head_object(Bucket="bucket", Key="k")
    with refused(403, "AccessDenied"):
        site.s3.get_object(Bucket="bucket", Key="k", **own(OTHER))
    with refused(403):
        site.s3.head_object(Bucket="bucket", Key="k", **own(OTHER))
    listed = site.s3.list_objects_v2(Bucket="bucket", Prefix="k")["Contents"][0]
    assert (listed["Size"], listed["ETag"]) == (200_000, put["ETag"])
    site.s3.delete_object(Bucket="bucket", Key="k")


def test_parts_and_copies(site):
    content = os.urandom(12_000_000)
    path = site.directory / "large"
    path.write_bytes(content)
    transfer = boto3.s3.transfer.TransferConfig(multipart_threshold=6 << 20, multipart_chunksize=5 << 20)
    site.s3.upload_file(str(path), "bucket", "parts", ExtraArgs=own(KEY), Config=transfer)
    back = site.directory / "back"
    site.s3.download_file("bucket", "parts", str(back), ExtraArgs=own(KEY), Config=transfer)
    assert back.read_bytes() == content
    site.s3.copy_object(
        Bucket="bucket", Key="copy", CopySource="bucket/parts", **own(KEY, "CopySource"), **own(OTHER)
    )
    got = site.s3.get_object(Bucket="bucket", Key="copy", **own(OTHER))
    assert got["Body"].read() == content
    with refused(400, "InvalidRequest"):
        site.s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/parts")


def test_the_key_is_nowhere(site):
    site.s3.put_object(Bucket="bucket", Key="secret", Body=b"x" * 300_000, **own(KEY))
    site.s3.get_object(Bucket="bucket", Key="secret", **own(KEY))["Body"].read()
    assert files_with(site.directory, KEY) == []


def test_a_key_in_a_url_is_none(site):
    url = site.s3.generate_presigned_url(
        "get_object", Params={"Bucket": "bucket", "Key": "secret", **own(KEY)}
    )
    # The key belongs into the request's headers.
    context = ssl.create_default_context(cafile=site.tls.cert) if site.tls else None
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(url, context=context)
    assert caught.value.code in (400, 403)
