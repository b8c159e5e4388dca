"""Conditional reads and writes in every mode, and what only an absent upstream could decide."""

import concurrent.futures
import datetime

import botocore.exceptions
import pytest

from behind import decides_conditions
from connect import connect
from gateway import MAIN
from s3check import absent, refused
from waiting import eventually

MODES = ("local", "upstream", "fallback")


@pytest.fixture(scope="session")
def conditional(server):
    """Whether the upstream itself decides conditions on writes; where it doesn't, the mode that
    leaves them to it cannot be tested with it."""
    return decides_conditions(server)


def needs(conditional, mode):
    if mode != "local" and not conditional:
        pytest.skip("this upstream ignores conditions on writes")


@pytest.mark.parametrize("mode", MODES)
def test_create_only(behind, conditional, mode):
    needs(conditional, mode)
    site = behind(mode)
    site.put("k", b"first", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        site.put("k", b"second", IfNoneMatch="*")
    assert site.get("k") == b"first"
    site.delete("k")
    site.put("k", b"third", IfNoneMatch="*")
    assert site.get("k") == b"third"
    if mode != "local":
        assert site.get_there("k")["Content"] == b"third"


@pytest.mark.parametrize("mode", MODES)
def test_replace_only(behind, conditional, mode):
    needs(conditional, mode)
    site = behind(mode)
    with refused("NoSuchKey", 404):
        site.put("k", b"zero", IfMatch='"' + "0" * 32 + '"')
    first = site.put("k", b"first")["ETag"]
    second = site.put("k", b"second", IfMatch=first)["ETag"]
    with refused("PreconditionFailed", 412):
        site.put("k", b"third", IfMatch=first)
    assert site.get("k") == b"second"
    assert site.head("k")["ETag"] == second


@pytest.mark.parametrize("mode", MODES)
def test_reads(behind, mode):
    site = behind(mode)
    etag = site.put("k", b"content")["ETag"]
    assert site.get("k", IfMatch=etag) == b"content"
    with refused("PreconditionFailed", 412):
        site.get("k", IfMatch='"other"')
    for call in (site.get, site.head):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call("k", IfNoneMatch=etag)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 304
    # By whole seconds, however the upstream compares.
    modified = site.head("k")["LastModified"]
    earlier = modified - datetime.timedelta(seconds=1)
    assert site.get("k", IfUnmodifiedSince=modified) == b"content"
    assert site.head("k", IfUnmodifiedSince=modified)["ETag"] == etag
    assert site.get("k", IfModifiedSince=earlier) == b"content"
    with refused("PreconditionFailed", 412):
        site.get("k", IfUnmodifiedSince=earlier)
    for call in (site.get, site.head):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            call("k", IfModifiedSince=modified)
        answer = caught.value.response["ResponseMetadata"]
        assert (answer["HTTPStatusCode"], answer["HTTPHeaders"]["etag"]) == (304, etag)


@pytest.mark.parametrize("mode", MODES)
def test_of_many_at_once_one_wins(behind, conditional, mode):
    needs(conditional, mode)
    site = behind(mode)
    s3 = connect(site.gateway, MAIN, max_pool_connections=16)

    def create(number):
        try:
            s3.put_object(Bucket=site.bucket, Key="k", Body=b"%d" % number, IfNoneMatch="*")
        except botocore.exceptions.ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412), error.response
            return None
        return number

    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        winners = [n for n in pool.map(create, range(12)) if n is not None]
    assert len(winners) == 1
    assert site.get("k") == b"%d" % winners[0]


def test_left_overs_decide_for_themselves(behind, conditional):
    """In `upstream` mode the object that a client sees is the one that a condition is about."""
    needs(conditional, "upstream")
    site = behind("local")
    etag = site.put("k", b"local")["ETag"]
    site.restart("upstream")
    with refused("PreconditionFailed", 412):
        site.put("k", b"new", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        site.put("k", b"new", IfMatch='"' + "0" * 32 + '"')
    assert site.get("k") == b"local"
    site.put("k", b"new", IfMatch=etag)
    assert site.get("k") == site.get_there("k")["Content"] == b"new"


def test_while_the_upstream_is_away(behind, conditional, unavailable):
    needs(conditional, "fallback")
    site = behind("fallback")
    site.put_there("stranger", b"put by someone else")
    site.proxy.fault("refuse")
    # Only the upstream knows.
    with unavailable():
        site.put("stranger", b"x", IfNoneMatch="*")
    with unavailable():
        site.put("unknown", b"x", IfNoneMatch="*")
    with unavailable():
        site.put("stranger", b"x", IfMatch='"' + "0" * 32 + '"')
    # What is spooled is known here.
    etag = site.put("k", b"first")["ETag"]
    with refused("PreconditionFailed", 412):
        site.put("k", b"second", IfNoneMatch="*")
    with refused("PreconditionFailed", 412):
        site.put("k", b"second", IfMatch='"' + "0" * 32 + '"')
    etag = site.put("k", b"second", IfMatch=etag)["ETag"]
    assert site.get("k", IfMatch=etag) == b"second"
    site.delete("k")
    with refused("NoSuchKey", 404):
        site.put("k", b"third", IfMatch=etag)
    site.put("k", b"third", IfNoneMatch="*")
    assert site.get("k") == b"third"
    site.proxy.heal()
    site.drained()
    assert site.get_there("k")["Content"] == b"third"
    assert site.get_there("stranger")["Content"] == b"put by someone else"
    assert absent(site.s3, site.bucket, "unknown")


def test_a_write_behind_the_gateways_back_is_a_conflict_not_lost(behind, conditional):
    """What was spooled over a known object is not put over a stranger's newer one."""
    needs(conditional, "fallback")
    site = behind("fallback", spool={"attempts": 3})
    site.put("k", b"known")
    site.proxy.fault("refuse")
    site.put("k", b"spooled")
    site.put_there("k", b"a stranger's")
    site.proxy.heal()
    reported(site, "k")
    assert site.get_there("k")["Content"] == b"a stranger's"
    assert site.get("k") == b"spooled"
    assert site.head("k")["ReplicationStatus"] == "FAILED"


def reported(site, key):
    """Waits for the key among the dead letters."""
    def letters():
        return [letter for letter in site.spool()["dead_letters"] if letter["key"] == key]

    return eventually(letters, 30, "a dead letter")


@pytest.mark.parametrize("mode", MODES)
def test_conditional_deletes(behind, conditional, mode):
    if mode == "upstream":
        pytest.skip("only some upstreams decide conditions on deletes")
    site = behind(mode)
    etag = site.put("k", b"first")["ETag"]
    if mode == "fallback":
        site.proxy.fault("refuse")
        etag = site.put("k", b"first")["ETag"]
    with refused("PreconditionFailed", 412):
        site.delete("k", IfMatch='"' + "0" * 32 + '"')
    assert site.get("k") == b"first"
    site.delete("k", IfMatch=etag)
    assert absent(site.s3, site.bucket, "k")
