"""The spool is bounded: what goes beyond is refused honestly, and taken again by itself."""

import botocore.exceptions
import pytest

from s3check import absent
from waiting import eventually

KIB = 1 << 10


def slow_down(call):
    """Expects to be asked to come again later."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call()
    answer = caught.value.response
    assert answer["Error"]["Code"] == "SlowDown", answer
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 503, answer
    assert int(answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1, answer


def fill(site, body, limit):
    """Puts until it is refused; the keys that were taken."""
    taken = []
    for number in range(limit):
        key = f"k{number:03}"
        try:
            site.put(key, body)
        except botocore.exceptions.ClientError as error:
            assert error.response["Error"]["Code"] == "SlowDown", error.response
            return taken
        taken.append(key)
    raise AssertionError(f"{limit} objects were taken, and no bound was reached")


def accepts(site, key):
    """Whether a write is taken again."""
    try:
        site.put(key, b"again")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "SlowDown", error.response
        return False
    return True


def recovers(site, taken, body):
    """What was taken is readable and forwarded; what was not is nowhere; writes are taken again."""
    for key in taken:
        assert site.get(key) == body
    site.proxy.heal()
    site.drained()
    eventually(lambda: accepts(site, "again"), 15, "a write that is taken")
    site.drained()
    assert site.keys() == site.keys_there() == ["again", *taken]
    for key in taken:
        assert site.get_there(key)["Content"] == body


def test_objects(behind):
    site = behind("fallback", spool={"max_objects": 10})
    site.put("before", b"x")
    site.delete("before")
    site.proxy.fault("refuse")
    taken = fill(site, b"content", 30)
    assert len(taken) == 10
    slow_down(lambda: site.put("refused", b"x"))
    assert absent_or_unknown(site, "refused")
    # What is in it already can be written again: it takes no more room.
    site.put(taken[0], b"content")
    site.restart(kill=True)
    # What waits since the last run counts as soon as it has been found.
    eventually(lambda: site.waiting() == len(taken), 15, lambda: f"{len(taken)} objects: {site.spool()}")
    slow_down(lambda: site.put("refused", b"x"))
    recovers(site, taken, b"content")


def absent_or_unknown(site, key):
    """An honest answer about a key that was refused while the upstream is away."""
    try:
        return absent(site.s3, site.bucket, key)
    except AssertionError:
        return True


def test_bytes(behind):
    body = b"0123456789abcdef" * (16 * KIB)
    site = behind("fallback", spool={"max_bytes": "1 MiB"})
    site.proxy.fault("refuse")
    taken = fill(site, body, 30)
    assert 3 <= len(taken) <= 5
    slow_down(lambda: site.put("refused", body))
    slow_down(lambda: site.put("far too large", body * 20))
    recovers(site, taken, body)


def test_age(behind):
    site = behind("fallback", spool={"max_age": "10s"})
    site.proxy.fault("refuse")
    site.put("k000", b"content")
    eventually(lambda: not accepts(site, "k000"), 30, "the bound")
    slow_down(lambda: site.put("refused", b"x"))
    site.proxy.heal()
    site.drained()
    eventually(lambda: accepts(site, "again"), 15, "a write that is taken")
    site.drained()
    assert site.keys() == site.keys_there() == ["again", "k000"]


def test_parts_count_as_well(behind):
    site = behind("fallback", spool={"max_bytes": "8 MiB"})
    at = {"Bucket": site.bucket, "Key": "multi"}
    site.proxy.fault("refuse")
    site.put("first", b"x")
    at["UploadId"] = site.s3.create_multipart_upload(**at)["UploadId"]
    body, parts = b"x" * (5 << 20), []
    try:
        for number in range(1, 9):
            answer = site.s3.upload_part(**at, PartNumber=number, Body=body)
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
        site.s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
        pytest.fail("40 MiB were taken where 8 are allowed")
    except botocore.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "SlowDown", error.response
    site.s3.abort_multipart_upload(**at)
    site.put("small", b"x")
    site.proxy.heal()
    site.drained()
    assert site.keys_there() == ["first", "small"]


def test_reads_deletes_and_other_buckets_go_on(behind):
    site = behind("fallback", spool={"max_objects": 3})
    site.proxy.fault("refuse")
    taken = fill(site, b"content", 10)
    for key in taken:
        assert site.get(key) == b"content"
    site.s3.create_bucket(Bucket=f"{site.bucket}-local")
    site.s3.put_object(Bucket=f"{site.bucket}-local", Key="k", Body=b"x")
    # What waits itself may be deleted: that needs no more room.
    site.delete(taken[0])
    assert absent(site.s3, site.bucket, taken[0])
    site.proxy.heal()
    site.drained()
    assert site.keys() == site.keys_there() == taken[1:]
