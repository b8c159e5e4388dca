"""Presigned URLs, of Signature Version 4 and 2, used by a client that knows nothing of S3."""

import http.client
import urllib.parse

import botocore.client
import pytest

from s3check import ODD_KEYS, absent, read, status


def call(url, method="GET", body=None, headers=None):
    parts = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=30)
    connection.request(method, f"{parts.path}?{parts.query}", body=body, headers=headers or {})
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, answer.headers


@pytest.fixture(params=["s3v4", "s3"], ids=["SigV4", "SigV2"])
def signer(request, client):
    return client(signature_version=request.param)


def test_get(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    assert call(url)[:2] == (200, b"body")
    got, content, _ = call(url, headers={"Range": "bytes=1-2"})
    assert (got, content) == (206, b"od")


def test_the_method_is_signed(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    for method in ("HEAD", "DELETE", "PUT"):
        assert call(url, method)[0] == 403
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"body"


def test_put(s3, signer, bucket):
    url = signer.generate_presigned_url(
        "put_object", Params={"Bucket": bucket, "Key": "k", "ContentType": "text/plain"}
    )
    assert call(url, "PUT", b"new", {"Content-Type": "text/html"})[0] == 403
    assert absent(s3, bucket, "k")
    assert call(url, "PUT", b"new", {"Content-Type": "text/plain"})[0] == 200
    got = s3.get_object(Bucket=bucket, Key="k")
    assert (read(got), got["ContentType"]) == (b"new", "text/plain")


def test_delete_head_and_list(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    head = signer.generate_presigned_url("head_object", Params={"Bucket": bucket, "Key": "k"})
    answer = call(head, "HEAD")
    assert answer[0] == 200 and answer[2]["Content-Length"] == "4"
    listing = signer.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "Prefix": "k"})
    answer = call(listing)
    assert answer[0] == 200 and b"<Key>k</Key>" in answer[1]
    delete = signer.generate_presigned_url("delete_object", Params={"Bucket": bucket, "Key": "k"})
    assert call(delete, "DELETE")[0] == 204
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize(
    "key", [k for k in ODD_KEYS if len(k) < 100 and ".." not in k], ids=lambda k: ascii(k)[:24]
)
def test_odd_keys(s3, signer, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=b"body")
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key})
    assert call(url)[:2] == (200, b"body")


def test_overrides(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    url = signer.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": "k",
            "ResponseContentDisposition": 'attachment; filename="ü.pdf"',
            "ResponseContentType": "application/pdf",
        },
    )
    answer = call(url)
    assert (answer[0], answer[2]["Content-Type"]) == (200, "application/pdf")


def test_tampering(s3, signer, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"secret")
    url = signer.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
    answer = call(url.replace("/k?", "/secret?"))
    assert answer[0] == 403 and b"SignatureDoesNotMatch" in answer[1]


def test_expiry(client, bucket):
    """Version 2 names a moment, which can be past; version 4's is tested on the wire."""
    url = client(signature_version="s3").generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "k"}, ExpiresIn=-10
    )
    answer = call(url)
    assert answer[0] == 403 and b"AccessDenied" in answer[1]


def test_multipart_through_urls(s3, signer, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    url = signer.generate_presigned_url(
        "upload_part", Params={"Bucket": bucket, "Key": "k", "UploadId": upload, "PartNumber": 1}
    )
    got, _, headers = call(url, "PUT", b"part")
    assert got == 200
    s3.complete_multipart_upload(
        Bucket=bucket,
        Key="k",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": headers["ETag"]}]},
    )
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"part"


def test_the_default_of_boto3_works(gateway, client, bucket, s3):
    """boto3 presigns by version 2 in us-east-1 and by version 4 elsewhere unless told otherwise."""
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    for region, mark in (("us-east-1", "AWSAccessKeyId="), ("eu-central-1", "X-Amz-Signature=")):
        plain = client(signature_version=None, region_name=region)
        url = plain.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "k"})
        assert mark in url
        assert call(url)[:2] == (200, b"body")


def test_version_2_in_the_header(client, bucket):
    old = client(signature_version="s3")
    assert isinstance(old, botocore.client.BaseClient)
    old.put_object(Bucket=bucket, Key="a b+c", Body=b"body", Metadata={"x": "y"})
    assert read(old.get_object(Bucket=bucket, Key="a b+c")) == b"body"
    assert status(old.list_objects_v2(Bucket=bucket, Prefix="a b")) == 200
    assert old.get_bucket_location(Bucket=bucket)["LocationConstraint"] is None
