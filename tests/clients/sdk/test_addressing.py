"""Virtual hosts and TLS."""

import io
import socket

import boto3.s3.transfer
import pytest

from connect import connect
from gateway import MAIN
from s3check import ODD_KEYS, keys, read, refused, status
from sdk_features import needs_crt

MIB = 1 << 20


@pytest.fixture(params=["s3.localhost", "localhost"])
def by_host(request, gateway):
    """A client that puts the bucket into the host name."""
    return connect(
        gateway,
        MAIN,
        endpoint_url=f"http://{request.param}:{gateway.port}",
        s3={"addressing_style": "virtual"},
    )


@pytest.fixture(autouse=True)
def loopback_names(monkeypatch):
    """Every name under localhost is this machine, whatever its resolver says."""
    resolve = socket.getaddrinfo

    def local(host, *rest, **named):
        if isinstance(host, str) and host.endswith("localhost"):
            host = "127.0.0.1"
        return resolve(host, *rest, **named)

    monkeypatch.setattr(socket, "getaddrinfo", local)


def test_bucket_in_the_host(by_host, s3, bucket):
    by_host.put_object(Bucket=bucket, Key="a/b c", Body=b"body")
    assert read(s3.get_object(Bucket=bucket, Key="a/b c")) == b"body"
    assert read(by_host.get_object(Bucket=bucket, Key="a/b c")) == b"body"
    assert keys(by_host.list_objects_v2(Bucket=bucket)) == ["a/b c"]
    assert status(by_host.head_bucket(Bucket=bucket)) == 200
    by_host.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a/b c"}]})
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_the_base_domain_is_the_service(by_host, bucket):
    assert bucket in [b["Name"] for b in by_host.list_buckets()["Buckets"]]


def test_dots_in_the_bucket_of_a_host(by_host, new_bucket):
    name = new_bucket(name="dotted.bucket.name")
    by_host.put_object(Bucket=name, Key="k", Body=b"x")
    assert keys(by_host.list_objects_v2(Bucket=name)) == ["k"]


def test_a_bucket_is_made_and_dropped_by_host(by_host):
    by_host.create_bucket(Bucket="made-by-host")
    assert status(by_host.delete_bucket(Bucket="made-by-host")) == 204


def test_a_key_below_storage_is_a_key_under_a_virtual_host(by_host, s3, bucket):
    by_host.put_object(Bucket=bucket, Key="storage/info", Body=b"mine")
    assert read(s3.get_object(Bucket=bucket, Key="storage/info")) == b"mine"
    assert read(by_host.get_object(Bucket=bucket, Key="storage/info")) == b"mine"


@pytest.fixture(scope="module")
def tls(tls_gateway):
    return connect(tls_gateway, MAIN)


@pytest.fixture
def tls_bucket(tls):
    tls.create_bucket(Bucket="bucket-over-tls")
    yield "bucket-over-tls"
    found = keys(tls.list_objects_v2(Bucket="bucket-over-tls"))
    tls.delete_objects(
        Bucket="bucket-over-tls", Delete={"Objects": [{"Key": k} for k in found] or [{"Key": "-"}]}
    )
    tls.delete_bucket(Bucket="bucket-over-tls")


@pytest.mark.parametrize("size", [0, 5, 100_000, 3 * MIB])
def test_tls_round_trip(tls, tls_bucket, size):
    """Over TLS boto3 sends unsigned trailers in HTTP chunks, without a length."""
    body = b"t" * size
    tls.put_object(Bucket=tls_bucket, Key="bytes", Body=body)
    tls.put_object(Bucket=tls_bucket, Key="file", Body=io.BytesIO(body))
    for key in ("bytes", "file"):
        assert read(tls.get_object(Bucket=tls_bucket, Key=key)) == body


@pytest.mark.parametrize(
    "algorithm", ["CRC32", pytest.param("CRC32C", marks=needs_crt), "SHA1", "SHA256"]
)
def test_tls_trailers(tls, tls_bucket, algorithm):
    tls.put_object(
        Bucket=tls_bucket, Key="k", Body=io.BytesIO(b"body" * 99), ChecksumAlgorithm=algorithm
    )
    head = tls.head_object(Bucket=tls_bucket, Key="k", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"]
    assert "ContentEncoding" not in head
    assert read(tls.get_object(Bucket=tls_bucket, Key="k", ChecksumMode="ENABLED")) == b"body" * 99


def test_tls_multipart_and_odd_keys(tls, tls_bucket):
    body = bytes(range(256)) * (52 * 1024)
    settings = boto3.s3.transfer.TransferConfig(
        multipart_threshold=6 * MIB, multipart_chunksize=6 * MIB
    )
    tls.upload_fileobj(io.BytesIO(body), tls_bucket, "big", Config=settings)
    back = io.BytesIO()
    tls.download_fileobj(tls_bucket, "big", back, Config=settings)
    assert back.getvalue() == body
    for key in ODD_KEYS:
        tls.put_object(Bucket=tls_bucket, Key=key, Body=key.encode())
        assert read(tls.get_object(Bucket=tls_bucket, Key=key)) == key.encode()
    with refused("NoSuchKey", 404):
        tls.get_object(Bucket=tls_bucket, Key="none")
