"""The table of modes, cell by cell, as a client sees it."""

import botocore.exceptions
import pytest

from behind import OUTAGES
from s3check import absent, refused
from waiting import eventually

MIB = 1 << 20
BODY = bytes(range(256)) * 64


def test_local_never_calls_the_upstream(behind):
    site = behind("local")
    site.put("a", BODY)
    site.put("dir/b", b"b")
    assert site.get("a") == BODY
    assert site.keys() == ["a", "dir/b"]
    site.delete("a")
    assert absent(site.s3, site.bucket, "a")
    with refused("NoSuchKey", 404):
        site.get("never")
    assert site.keys() == ["dir/b"]
    assert site.keys_there() == []
    assert site.proxy.counts() == {"connections": 0, "requests": 0}


def test_local_notices_no_outage(behind):
    site = behind("local")
    site.proxy.fault("blackhole")
    site.put("a", BODY)
    assert site.get("a") == BODY
    assert site.keys() == ["a"]
    site.delete("a")
    assert site.keys() == []


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_write_is_upstream_when_it_is_acknowledged(behind, mode):
    site = behind(mode)
    for key, body in {"small": b"x", "empty": b"", "dir/large": BODY * 300}.items():
        etag = site.put(key, body)["ETag"]
        assert site.get_there(key)["Content"] == body
        assert site.head(key)["ETag"] == etag
        assert site.get(key) == body
    assert site.keys() == sorted(site.keys_there()) == ["dir/large", "empty", "small"]
    site.delete("small")
    assert site.keys() == site.keys_there() == ["dir/large", "empty"]
    assert absent(site.s3, site.bucket, "small")
    if mode == "fallback":
        assert site.waiting() == 0


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_what_is_upstream_already_is_served(behind, mode):
    site = behind(mode)
    site.put_there("old/one", b"one", ContentType="text/x-one", Metadata={"colour": "red"})
    answer = site.s3.get_object(Bucket=site.bucket, Key="old/one")
    assert answer["Body"].read() == b"one"
    assert answer["ContentType"] == "text/x-one" and answer["Metadata"] == {"colour": "red"}
    assert site.keys() == ["old/one"]
    site.put("old/one", b"another")
    assert site.get_there("old/one")["Content"] == b"another"
    site.delete("old/one")
    assert site.keys_there() == []


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_keys_are_mapped_below_a_prefix(behind, mode):
    site = behind(mode, prefix="tenant one/")
    site.up.put_object(Bucket=site.there, Key="other/k", Body=b"not ours")
    site.put("a/b", b"ours")
    assert site.keys() == site.keys_there() == ["a/b"]
    page = site.s3.list_objects_v2(Bucket=site.bucket, Delimiter="/")
    assert [p["Prefix"] for p in page["CommonPrefixes"]] == ["a/"]
    page = site.s3.list_objects_v2(Bucket=site.bucket, Prefix="a/", StartAfter="a/a")
    assert [o["Key"] for o in page["Contents"]] == ["a/b"]
    assert site.get_there("a/b")["Content"] == b"ours"


# Ways out of a prefix for who takes keys for paths of files.
LEADING_OUT = ("../other/k", "..", "a/../../other/k", "./../other/k", "a//../../other/k", "../../other/k")


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_no_key_leads_out_of_the_prefix(behind, mode):
    site = behind(mode, prefix="tenant one/")
    site.up.put_object(Bucket=site.there, Key="other/k", Body=b"not ours")
    site.put("a/b", b"ours")
    for key in LEADING_OUT:
        at = {"Bucket": site.bucket, "Key": key}
        source = {**at, "CopySource": {"Bucket": site.bucket, "Key": "a/b"}}
        for call in (
            lambda: site.s3.put_object(**at, Body=b"x"),
            lambda: site.s3.get_object(**at),
            lambda: site.s3.delete_object(**at),
            lambda: site.s3.copy_object(**source),
            lambda: site.s3.copy_object(Bucket=site.bucket, Key="copy", CopySource=at),
            lambda: site.s3.get_object_tagging(**at),
            lambda: site.s3.create_multipart_upload(**at),
        ):
            with refused("InvalidURI", 400):
                call()
        with refused("400", 400):
            site.s3.head_object(**at)
        many = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": [{"Key": key}, {"Key": "none"}]})
        assert [(e["Key"], e["Code"]) for e in many["Errors"]] == [(key, "InvalidURI")]
        assert [d["Key"] for d in many["Deleted"]] == ["none"]
        prefix = key.removesuffix("k")
        assert "Contents" not in site.s3.list_objects_v2(Bucket=site.bucket, Prefix=prefix), prefix
    assert site.up.get_object(Bucket=site.there, Key="other/k")["Body"].read() == b"not ours"
    assert site.keys() == site.keys_there() == ["a/b"]
    assert site.waiting() == 0


def test_nothing_that_leads_out_of_the_prefix_is_kept_for_later(behind):
    site = behind("fallback", prefix="tenant one/")
    site.put("a/b", b"ours")
    site.proxy.fault("refuse")
    for key in LEADING_OUT:
        for call in (site.put, site.delete):
            with refused("InvalidURI", 400):
                call(key)
    assert site.waiting() == 0


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_what_leads_out_of_the_prefix_can_be_deleted_after_a_switch(behind, mode):
    site = behind("local", prefix="tenant one/")
    site.put("../x", b"old")
    site.restart(mode)
    assert site.get("../x") == b"old" and site.keys() == ["../x"]
    site.delete("../x")
    assert site.keys() == site.keys_there() == []
    for call in (site.get, site.delete):
        with refused("InvalidURI", 400):
            call("../x")


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_an_upload_to_such_a_key_is_not_completed_after_a_switch(behind, mode):
    site = behind("local", prefix="tenant one/")
    at = {"Bucket": site.bucket, "Key": "../x"}
    upload = {**at, "UploadId": site.s3.create_multipart_upload(**at)["UploadId"]}
    part = site.s3.upload_part(**upload, PartNumber=1, Body=b"part")
    site.restart(mode)
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    with refused("InvalidURI", 400):
        site.s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    assert site.waiting() == 0 and site.keys() == []
    site.s3.abort_multipart_upload(**upload)


def everything(site):
    """A call of each kind, none of which can be answered without the upstream."""
    s3, at = site.s3, {"Bucket": site.bucket, "Key": "there"}
    parts = {"Parts": [{"PartNumber": 1, "ETag": '"' + "0" * 32 + '"'}]}
    return {
        "put": lambda: s3.put_object(**at, Body=b"new"),
        "put large": lambda: s3.put_object(**at, Body=BODY * 500),
        "get": lambda: s3.get_object(**at),
        "get of none": lambda: s3.get_object(Bucket=site.bucket, Key="none"),
        "range": lambda: s3.get_object(**at, Range="bytes=1-2"),
        "head": lambda: s3.head_object(**at),
        "delete": lambda: s3.delete_object(**at),
        "list": lambda: s3.list_objects_v2(Bucket=site.bucket),
        "list v1": lambda: s3.list_objects(Bucket=site.bucket, Delimiter="/"),
        "copy": lambda: s3.copy_object(**at, CopySource={**at, "Key": "other"}),
        "tags": lambda: s3.get_object_tagging(**at),
        "set tags": lambda: s3.put_object_tagging(**at, Tagging={"TagSet": []}),
        "attributes": lambda: s3.get_object_attributes(**at, ObjectAttributes=["ETag"]),
        "create upload": lambda: s3.create_multipart_upload(**at),
        "part": lambda: s3.upload_part(**at, UploadId=site.upload, PartNumber=1, Body=b"x"),
        "parts": lambda: s3.list_parts(**at, UploadId=site.upload),
        "uploads": lambda: s3.list_multipart_uploads(Bucket=site.bucket),
        "complete": lambda: s3.complete_multipart_upload(
            **at, UploadId=site.upload, MultipartUpload=parts
        ),
        "abort": lambda: s3.abort_multipart_upload(**at, UploadId=site.upload),
    }


@pytest.mark.parametrize("outage", OUTAGES)
def test_upstream_mode_says_503_while_the_upstream_is_away(behind, unavailable, outage):
    site = behind("upstream")
    site.put("there", b"before")
    site.put("other", b"other")
    at = {"Bucket": site.bucket, "Key": "there"}
    site.upload = site.s3.create_multipart_upload(**at)["UploadId"]
    site.proxy.fault(outage)
    for name, call in everything(site).items():
        with unavailable() as caught:
            call()
        assert "127.0.0.1" not in str(caught.value), name
    keys = [{"Key": "there"}, {"Key": "none"}]
    try:
        answer = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": keys})
        assert not answer.get("Deleted"), answer
        assert {e["Code"] for e in answer["Errors"]} == {"ServiceUnavailable"}, answer
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    # These are answered from the configuration.
    site.s3.head_bucket(Bucket=site.bucket)
    assert site.bucket in [b["Name"] for b in site.s3.list_buckets()["Buckets"]]
    site.proxy.heal()
    eventually(lambda: comes_back(site), 15, "an answer")
    assert site.keys() == ["other", "there"]
    if outage not in ("cut down 0",):
        assert site.get("there") == b"before"


def comes_back(site):
    try:
        return site.head("there")
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 503, error.response
        return None


@pytest.mark.parametrize("outage", OUTAGES)
def test_fallback_accepts_writes_while_the_upstream_is_away(behind, unavailable, outage):
    site = behind("fallback")
    site.put("there", b"before")
    site.put("gone", b"before")
    site.put("kept", b"kept")
    site.proxy.fault(outage)
    etag = site.put("new", BODY, ContentType="text/x-new", Metadata={"version": "1"})["ETag"]
    large = site.put("large", BODY * 500)["ETag"]
    site.put("there", b"after")
    assert site.delete("gone")["ResponseMetadata"]["HTTPStatusCode"] == 204
    site.delete("never")
    # Read your writes, and your deletes.
    assert site.get("new") == BODY and site.head("new")["ETag"] == etag
    assert site.get("there") == b"after"
    assert site.get("large") == BODY * 500
    assert absent(site.s3, site.bucket, "gone")
    assert site.head("new")["ReplicationStatus"] == "PENDING"
    # Not knowing is 503.
    for unknown in (lambda: site.get("kept"), lambda: site.head("none"), lambda: site.keys()):
        with unavailable():
            unknown()
    assert site.waiting() >= 4
    site.proxy.heal()
    site.drained()
    assert site.keys() == site.keys_there() == ["kept", "large", "new", "there"]
    forwarded = site.get_there("new")
    assert forwarded["Content"] == BODY and forwarded["ContentType"] == "text/x-new"
    assert forwarded["Metadata"] == {"version": "1"}
    assert site.get_there("there")["Content"] == b"after"
    assert site.head("new")["ETag"] == etag and site.head("large")["ETag"] == large
    assert site.head("new")["ReplicationStatus"] == "COMPLETED"
    assert site.get("large") == BODY * 500


def test_fallback_resumes_within_ten_seconds(behind):
    """With the default pauses between tries, after an outage long enough for the longest."""
    site = behind("fallback", spool={"max_backoff": None})
    site.proxy.fault("refuse")
    for number in range(20):
        site.put(f"k{number}", b"x")
    # Tries go on meanwhile; refused ones leave no trace, so that a few seconds have to pass.
    site.proxy.fault("answer 503 ServiceUnavailable")
    eventually(lambda: site.proxy.counts()["requests"] >= 4, 60, "tries")
    site.proxy.heal()
    eventually(site.keys_there, 10, "forwarding")
    site.drained(20)


def test_an_upstream_dying_in_the_middle_costs_the_client_nothing(behind):
    site = behind("fallback")
    body = BODY * 1024
    for number, fault in enumerate(("cut up 3000000", "cut down 0", "throttle 1000")):
        key = f"big-{number}"
        site.proxy.fault(fault)
        etag = site.put(key, body)["ETag"]
        site.proxy.heal()
        assert site.head(key)["ETag"] == etag
        assert site.get(key) == body
        site.drained()
        assert site.get_there(key)["Content"] == body
        assert site.head(key)["ETag"] == etag


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_slow_upstream_within_its_time_is_no_failure(behind, mode):
    site = behind(mode)
    site.proxy.fault("delay 300")
    site.put("slow", BODY)
    site.proxy.fault("throttle 2000000")
    site.put("large", BODY * 128)
    assert site.get("large") == BODY * 128
    site.proxy.heal()
    assert site.keys_there() == ["large", "slow"]


@pytest.mark.parametrize("mode", ["local", "upstream", "fallback"])
def test_bodies_that_are_not_what_was_promised_are_stored_nowhere(behind, mode):
    site = behind(mode)
    site.put("k", b"good")
    wrong = "AAAAAAAAAAAAAAAAAAAAAA=="
    for body in (b"bad", BODY * 400):
        with refused("BadDigest", 400):
            site.put("k", body, ContentMD5=wrong)
        with refused("BadDigest", 400):
            site.put("n", body, ContentMD5=wrong)
        with refused(("BadDigest", "XAmzContentChecksumMismatch"), 400):
            site.put("n", body, ChecksumSHA256="A" * 43 + "=")
    assert site.keys() == ["k"] and site.get("k") == b"good"
    assert site.keys_there() == ([] if mode == "local" else ["k"])
    if mode == "fallback":
        site.proxy.fault("refuse")
        with refused("BadDigest", 400):
            site.put("k", b"bad", ContentMD5=wrong)
        assert site.waiting() == 0


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_the_clients_faults_are_not_the_upstreams(behind, mode):
    """Many of them, and the upstream still counts as well."""
    site = behind(mode)
    for _ in range(30):
        with refused("NoSuchKey", 404):
            site.get("none")
        with refused("NoSuchUpload", 404):
            site.s3.list_parts(Bucket=site.bucket, Key="k", UploadId="never")
    site.put("k", b"x")
    assert site.keys_there() == ["k"]


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_deleting_many_at_once(behind, mode):
    site = behind(mode)
    for number in range(5):
        site.put(f"k{number}", b"x")
    gone = [{"Key": f"k{n}"} for n in (0, 2, 4)] + [{"Key": "none"}]
    answer = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": gone})
    assert len(answer["Deleted"]) == 4 and "Errors" not in answer
    assert site.keys() == site.keys_there() == ["k1", "k3"]
    if mode == "fallback":
        site.proxy.fault("refuse")
        gone = [{"Key": "k1"}, {"Key": "none"}]
        answer = site.s3.delete_objects(Bucket=site.bucket, Delete={"Objects": gone})
        assert len(answer["Deleted"]) == 2 and "Errors" not in answer
        assert absent(site.s3, site.bucket, "k1")
        site.proxy.heal()
        site.drained()
        assert site.keys() == site.keys_there() == ["k3"]
