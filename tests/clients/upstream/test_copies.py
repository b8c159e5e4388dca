"""Copies within a layer and across layers."""

import pytest

from behind import bucket_toml, fresh_bucket
from s3check import refused

MIB = 1 << 20
SMALL, LARGE = b"small", bytes(range(256)) * (24 * 1024)


@pytest.fixture
def pair(behind):
    """A bucket in a mode, and a local one beside it."""

    def make(mode):
        local = fresh_bucket()
        site = behind(mode, more=bucket_toml(local, "local"))
        return site, local

    return make


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("body", [SMALL, LARGE], ids=["small", "large"])
def test_within_and_across(pair, mode, body):
    site, local = pair(mode)
    s3 = site.s3
    etag = site.put("one", body, ContentType="text/x-one", Metadata={"colour": "red"},
                    Tagging="kind=first")["ETag"]
    ways = [
        (site.bucket, "one", site.bucket, "dir/two"),
        (site.bucket, "one", local, "three"),
        (local, "three", local, "four"),
        (local, "four", site.bucket, "five"),
    ]
    for source, key, target, new in ways:
        answer = s3.copy_object(Bucket=target, Key=new, CopySource={"Bucket": source, "Key": key})
        assert answer["CopyObjectResult"]["ETag"] == etag, (source, target)
        got = s3.get_object(Bucket=target, Key=new)
        assert got["Body"].read() == body
        assert got["ETag"] == etag
        assert got["ContentType"] == "text/x-one" and got["Metadata"] == {"colour": "red"}
        tags = s3.get_object_tagging(Bucket=target, Key=new)["TagSet"]
        assert tags == [{"Key": "kind", "Value": "first"}], (source, target)
    assert site.keys() == site.keys_there() == ["dir/two", "five", "one"]
    assert site.get_there("five")["Content"] == body


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_with_other_metadata(pair, mode):
    site, local = pair(mode)
    site.put("one", SMALL, ContentType="text/x-one", Metadata={"colour": "red"})
    for target, new in ((site.bucket, "two"), (local, "three"), (site.bucket, "one")):
        site.s3.copy_object(
            Bucket=target, Key=new, CopySource={"Bucket": site.bucket, "Key": "one"},
            MetadataDirective="REPLACE", ContentType="text/x-two", Metadata={"colour": "blue"},
            TaggingDirective="REPLACE", Tagging="kind=second",
        )
        head = site.s3.head_object(Bucket=target, Key=new)
        assert head["ContentType"] == "text/x-two" and head["Metadata"] == {"colour": "blue"}
        assert head["ContentLength"] == len(SMALL)
        tags = site.s3.get_object_tagging(Bucket=target, Key=new)["TagSet"]
        assert tags == [{"Key": "kind", "Value": "second"}]


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_faults_of_the_source(pair, mode):
    site, local = pair(mode)
    etag = site.put("one", SMALL)["ETag"]
    for target in (site.bucket, local):
        with refused("NoSuchKey", 404):
            site.s3.copy_object(
                Bucket=target, Key="two", CopySource={"Bucket": site.bucket, "Key": "none"}
            )
        source = {"Bucket": site.bucket, "Key": "one"}
        with refused("PreconditionFailed", 412):
            site.s3.copy_object(
                Bucket=target, Key="two", CopySource=source, CopySourceIfNoneMatch=etag
            )
        site.s3.copy_object(Bucket=target, Key="two", CopySource=source, CopySourceIfMatch=etag)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_parts_across(pair, mode):
    site, local = pair(mode)
    s3 = site.s3
    site.put("up", LARGE)
    s3.put_object(Bucket=local, Key="down", Body=LARGE)
    for target, source, key in ((local, site.bucket, "up"), (site.bucket, local, "down")):
        at = {"Bucket": target, "Key": "assembled"}
        at["UploadId"] = s3.create_multipart_upload(**at)["UploadId"]
        parts = []
        for number, span in enumerate(("bytes=0-5242879", "bytes=100-199"), 1):
            answer = s3.upload_part_copy(
                **at, PartNumber=number, CopySource={"Bucket": source, "Key": key},
                CopySourceRange=span,
            )
            parts.append({"PartNumber": number, "ETag": answer["CopyPartResult"]["ETag"]})
        s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
        body = s3.get_object(Bucket=target, Key="assembled")["Body"].read()
        assert body == LARGE[: 5 * MIB] + LARGE[100:200]


def test_while_the_upstream_is_away(pair, unavailable):
    site, local = pair("fallback")
    s3 = site.s3
    site.put("up", b"only there")
    s3.put_object(Bucket=local, Key="down", Body=b"local", Metadata={"colour": "red"})
    site.proxy.fault("refuse")
    site.put("spooled", b"spooled", Metadata={"colour": "blue"})
    s3.copy_object(Bucket=site.bucket, Key="two", CopySource={"Bucket": site.bucket, "Key": "spooled"})
    s3.copy_object(Bucket=site.bucket, Key="three", CopySource={"Bucket": local, "Key": "down"})
    s3.copy_object(Bucket=local, Key="four", CopySource={"Bucket": site.bucket, "Key": "spooled"})
    for target in (site.bucket, local):
        with unavailable():
            s3.copy_object(Bucket=target, Key="n", CopySource={"Bucket": site.bucket, "Key": "up"})
    assert site.get("two") == b"spooled" and site.get("three") == b"local"
    site.proxy.heal()
    site.drained()
    assert site.keys() == site.keys_there() == ["spooled", "three", "two", "up"]
    assert site.get_there("two")["Metadata"] == {"colour": "blue"}
    assert site.get_there("three")["Metadata"] == {"colour": "red"}


def test_onto_itself_while_it_waits(pair):
    site, _ = pair("fallback")
    site.proxy.fault("refuse")
    etag = site.put("k", b"content", Metadata={"colour": "red"})["ETag"]
    site.s3.copy_object(
        Bucket=site.bucket, Key="k", CopySource={"Bucket": site.bucket, "Key": "k"},
        MetadataDirective="REPLACE", Metadata={"colour": "blue"},
    )
    assert site.head("k")["Metadata"] == {"colour": "blue"} and site.head("k")["ETag"] == etag
    site.proxy.heal()
    site.drained()
    there = site.get_there("k")
    assert there["Metadata"] == {"colour": "blue"} and there["Content"] == b"content"
