"""The scanner: present, away, silent, too small, on a port and on a socket."""

import contextlib
import os

import pytest

import entrances
import upload_rules
from clamd import EICAR, Clamd
from connect import connect
from entrances import Refused
from gateway import MAIN, Gateway


@contextlib.contextmanager
def ruled(directory, address, **scanner):
    """A gateway of its own with a bucket, and its client."""
    with Gateway(directory, config=upload_rules.toml(address, **scanner)) as running:
        s3 = connect(running, MAIN, read_timeout=60)
        s3.create_bucket(Bucket="scanned-bucket")
        yield running, s3


def put(s3, body, key="scanned/a"):
    return entrances.put(s3, None, "scanned-bucket", key, body, "text/plain")


def keys(s3):
    return [o["Key"] for o in s3.list_objects_v2(Bucket="scanned-bucket").get("Contents", ())]


@pytest.mark.parametrize("size", [0, 1, 70_000, 3_000_000])
def test_it_sees_the_whole_as_it_came(tmp_path, size):
    body = os.urandom(size)
    with Clamd(tmp_path / "clamd.ctl") as clamd, ruled(tmp_path / "g", clamd.address) as (_, s3):
        put(s3, body)
        assert clamd.seen == [body]
        assert s3.get_object(Bucket="scanned-bucket", Key="scanned/a")["Body"].read() == body


def test_what_is_found_at_the_very_end_is_not_stored(tmp_path):
    with Clamd() as clamd, ruled(tmp_path, clamd.address) as (_, s3):
        with pytest.raises(Refused) as caught:
            put(s3, b"x" * 1_000_000 + EICAR)
        assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
        assert keys(s3) == []


@pytest.mark.parametrize("when_away", ["refuse", "accept"])
def test_while_it_is_away(tmp_path, when_away):
    with Clamd() as clamd:
        address = clamd.address
    with ruled(tmp_path, address, when_away=when_away) as (_, s3):
        if when_away == "accept":
            put(s3, b"unseen")
            assert keys(s3) == ["scanned/a"]
            return
        with pytest.raises(Refused) as caught:
            put(s3, b"unseen")
        assert caught.value.status == 503 and "away" in caught.value.message
        assert keys(s3) == []


def test_it_never_answers(tmp_path):
    with Clamd() as clamd, ruled(tmp_path, clamd.address, scan_timeout="500ms") as (_, s3):
        clamd.silent = True
        with pytest.raises(Refused) as caught:
            put(s3, b"unseen")
        assert caught.value.status == 503
        assert keys(s3) == []


@pytest.mark.parametrize("when_larger", ["refuse", "accept"])
def test_a_body_larger_than_it_takes(tmp_path, when_larger):
    with Clamd(limit=100_000) as clamd:
        with ruled(tmp_path, clamd.address, when_larger=when_larger) as (_, s3):
            put(s3, b"x" * 100_000, "scanned/fits")
            if when_larger == "accept":
                put(s3, b"x" * 2_000_000)
                assert keys(s3) == ["scanned/a", "scanned/fits"]
                return
            with pytest.raises(Refused) as caught:
                put(s3, b"x" * 2_000_000)
            assert caught.value.status == 403 and "larger" in caught.value.message
            assert keys(s3) == ["scanned/fits"]
