"""Upload rules before an upstream: what is refused reaches it on no path, in no mode."""

import botocore.exceptions
import pytest

import entrances
import upload_rules
from clamd import Clamd
from entrances import Refused

CASES = [
    "EICAR in a zip",
    "a program named .pdf",
    "an SVG with a script",
    "a PDF of a byte too much",
    "a PDF that is an archive",
]


@pytest.fixture
def clamd():
    with Clamd() as running:
        yield running


def enter(site, entrance, case):
    key, kind, body = case[:3]
    return entrances.ALL[entrance](site.s3, site.gateway, site.bucket, key, body, kind)


def ours(keys):
    return [key for key in keys if not key.startswith("free/")]


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("entrance", entrances.ALL)
def test_what_is_refused_is_nowhere(behind, clamd, mode, entrance):
    site = behind(mode, more=upload_rules.toml(clamd.address))
    for name in CASES:
        case = upload_rules.REFUSED[name]
        with pytest.raises(Refused) as caught:
            enter(site, entrance, case)
        refused = caught.value
        assert (refused.status, refused.code) == case[3:5], (name, refused)
        assert ours(site.keys()) == ours(site.keys_there()) == [], name
    assert site.uploads_there() == []


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("entrance", entrances.ALL)
def test_what_is_allowed_is_upstream(behind, clamd, mode, entrance):
    site = behind(mode, more=upload_rules.toml(clamd.address))
    for name in ("a picture", "a clean archive", "a PDF of exactly 10 MiB"):
        case = upload_rules.ALLOWED[name]
        enter(site, entrance, case)
        site.drained()
        assert site.get_there(case[0])["Content"] == case[2], name
        assert site.get(case[0]) == case[2], name


def test_a_slow_verdict_is_no_outage(behind, clamd):
    """The upstream is sent nothing before the scanner has spoken."""
    site = behind("fallback", more=upload_rules.toml(clamd.address, scan_timeout="4s"))
    clamd.silent = True
    with pytest.raises(Refused) as caught:
        enter(site, "put", ("scanned/a", "text/plain", b"x" * 500_000))
    assert caught.value.status == 503
    assert site.keys_there() == [] and site.waiting() == 0
    clamd.silent = False
    enter(site, "put", ("scanned/a", "text/plain", b"x" * 500_000))
    assert site.keys_there() == ["scanned/a"]


def test_while_the_upstream_is_away(behind, clamd):
    site = behind("fallback", more=upload_rules.toml(clamd.address))
    site.proxy.fault("refuse")
    for entrance in ("put", "multipart", "form"):
        with pytest.raises(Refused):
            enter(site, entrance, upload_rules.REFUSED["an SVG with a script"])
        enter(site, entrance, upload_rules.ALLOWED["a picture"])
    site.proxy.heal()
    site.drained()
    assert site.keys_there() == ["pictures/a.png"]


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_parts_under_a_customers_key_are_not_taken_where_they_must_be_seen(behind, mode):
    """They would have to stay here until they are complete, and could then be sent nowhere."""
    site = behind(mode, more=upload_rules.toml())
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        site.s3.create_multipart_upload(
            Bucket=site.bucket, Key="pictures/a.png", SSECustomerAlgorithm="AES256", SSECustomerKey=b"k" * 32
        )
    answer = caught.value.response
    assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]) == (501, "NotImplemented")
    assert site.uploads_there() == []
