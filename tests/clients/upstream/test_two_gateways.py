"""Two gateways in `upstream` mode over one upstream share nothing, and a client that is switched
between them at every request notices nothing."""

import concurrent.futures
import contextlib
import io
import itertools

import boto3.s3.transfer
import botocore.exceptions
import pytest

from behind import bucket_toml, fresh_bucket, upstream_toml
from connect import connect
from gateway import MAIN, Gateway
from s3check import absent, refused

MIB = 1 << 20


class Switched:
    """A client whose every call goes to the other gateway than the one before."""

    def __init__(self, clients):
        self._turns = itertools.cycle(clients)

    def __getattr__(self, name):
        return getattr(next(self._turns), name)


@pytest.fixture
def pair(server, tmp_path):
    """The switched client, a bucket, and a direct client with the bucket's name upstream."""
    bucket = fresh_bucket()
    up = connect(server, server.key)
    up.create_bucket(Bucket=bucket)
    config = upstream_toml(server.endpoint, server.key) + bucket_toml(bucket, "upstream", upstream="main")
    with contextlib.ExitStack() as stack:
        gateways = [
            stack.enter_context(Gateway(tmp_path / name, config=config)) for name in ("one", "two")
        ]
        yield Switched([connect(g, MAIN, read_timeout=60) for g in gateways]), bucket, up
        for gateway in gateways:
            assert gateway.stop() == 0, gateway.tail()


def test_objects(pair):
    s3, bucket, _ = pair
    for number in range(10):
        at = {"Bucket": bucket, "Key": f"k{number}"}
        etag = s3.put_object(**at, Body=b"%d" % number, Metadata={"n": str(number)})["ETag"]
        head = s3.head_object(**at)
        assert head["ETag"] == etag and head["Metadata"] == {"n": str(number)}
        assert s3.get_object(**at)["Body"].read() == b"%d" % number
        s3.put_object_tagging(**at, Tagging={"TagSet": [{"Key": "n", "Value": str(number)}]})
        assert s3.get_object_tagging(**at)["TagSet"] == [{"Key": "n", "Value": str(number)}]
    for number in range(10):
        s3.delete_object(Bucket=bucket, Key=f"k{number}")
        assert absent(s3, bucket, f"k{number}")


@pytest.mark.parametrize("size", [1, 3, 7])
@pytest.mark.parametrize("delimiter", [None, "/"])
def test_paging(pair, size, delimiter):
    s3, bucket, _ = pair
    keys = [f"d{n % 4}/k{n:02}" for n in range(12)] + [f"top{n:02}" for n in range(9)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    expected = sorted(keys) if not delimiter else sorted({k.partition("/")[0] + "/" if "/" in k else k for k in keys})
    extra = {"Delimiter": delimiter} if delimiter else {}
    for operation, name, token in (
        ("list_objects_v2", "ContinuationToken", "NextContinuationToken"),
        ("list_objects", "Marker", "NextMarker"),
    ):
        found, go_on = [], {}
        while True:
            page = getattr(s3, operation)(Bucket=bucket, MaxKeys=size, **extra, **go_on)
            shown = [o["Key"] for o in page.get("Contents", ())]
            shown += [p["Prefix"] for p in page.get("CommonPrefixes", ())]
            found += sorted(shown)
            if not page["IsTruncated"]:
                break
            assert len(shown) == size
            go_on = {name: page.get(token) or found[-1]}
        assert found == expected, operation


def test_multipart(pair):
    s3, bucket, up = pair
    at = {"Bucket": bucket, "Key": "multi"}
    bodies = [bytes([n]) * (5 * MIB) for n in range(4)] + [b"end"]
    at["UploadId"] = s3.create_multipart_upload(**at)["UploadId"]
    parts = []
    for number, body in enumerate(bodies, 1):
        answer = s3.upload_part(**at, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    listed, marker = [], 0
    while True:
        page = s3.list_parts(**at, MaxParts=2, PartNumberMarker=marker)
        listed += [{"PartNumber": p["PartNumber"], "ETag": p["ETag"]} for p in page["Parts"]]
        if not page["IsTruncated"]:
            break
        marker = page["NextPartNumberMarker"]
    assert listed == parts
    assert s3.list_multipart_uploads(Bucket=bucket)["Uploads"][0]["UploadId"] == at["UploadId"]
    etag = s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})["ETag"]
    for _ in range(2):
        assert s3.head_object(Bucket=bucket, Key="multi")["ETag"] == etag
        got = s3.get_object(Bucket=bucket, Key="multi", Range="bytes=5242878-5242881")
        assert got["Body"].read() == b"\0\0\1\1"
    assert up.head_object(Bucket=bucket, Key="multi")["ContentLength"] == sum(map(len, bodies))
    at["UploadId"] = s3.create_multipart_upload(**{k: at[k] for k in ("Bucket", "Key")})["UploadId"]
    s3.upload_part(**at, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(**at)
    for _ in range(2):
        with refused("NoSuchUpload", 404):
            s3.list_parts(**at)


def test_the_sdks_own_transfers(pair):
    """Parts at once, from several threads."""
    s3, bucket, _ = pair
    body = bytes(range(256)) * (64 * 1024)
    transfer = boto3.s3.transfer.TransferConfig(multipart_threshold=MIB, multipart_chunksize=5 * MIB)
    for _ in range(2):
        with boto3.s3.transfer.create_transfer_manager(s3, transfer) as manager:
            manager.upload(io.BytesIO(body), bucket, "big").result()
            target = io.BytesIO()
            manager.download(bucket, "big", target).result()
            assert target.getvalue() == body


def test_buckets(pair):
    s3, bucket, _ = pair
    for _ in range(2):
        s3.head_bucket(Bucket=bucket)
        assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
        assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] in (None, "us-east-1")


def test_conditions_race_over_both(pair, server):
    if server.name == "moto":
        pytest.skip("this upstream decides conditions one after the other only by chance")
    s3, bucket, _ = pair

    def create(number):
        try:
            s3.put_object(Bucket=bucket, Key="k", Body=b"%d" % number, IfNoneMatch="*")
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412), error.response
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        winners = [n for n in pool.map(create, range(8)) if n is not None]
    assert len(winners) == 1
    for _ in range(2):
        assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == b"%d" % winners[0]
