"""An upstream that is away, and what waits for it, tell a company nothing of another's keys."""

import pytest

from companies import NONE, OWN, THEIRS
from waiting import eventually

OPERATIONS = {
    "get_object": {},
    "head_object": {},
    "get_object_tagging": {},
    "get_object_acl": {},
    "put_object": {"Body": b"x"},
    "put_object_tagging": {"Tagging": {"TagSet": []}},
    "delete_object": {},
    "create_multipart_upload": {},
    "list_parts": {"UploadId": "u"},
}


@pytest.fixture
def away(site):
    """The upstream is away, and comes back with the test's end."""
    if site.mode == "local":
        pytest.skip("there is no upstream")
    site.proxy.fault("refuse")
    yield
    site.proxy.heal()
    if site.mode == "fallback":
        site.drained()
    eventually(lambda: _reads(site), 30, "an upstream that is back")


def _reads(site):
    status, answer = site.gateway.side("GET", "/storage/info")
    assert status == 200
    return all(it.get("state", "closed") == "closed" for it in answer.get("upstreams", ()))


def test_an_upstream_that_is_away(company, bucket, same, seen, away):
    for operation, arguments in OPERATIONS.items():
        same(company, operation, bucket, arguments)
    # The own key is not refused: it cannot be reached.
    assert seen(company.get_object, OWN, Bucket=bucket, Key=OWN)[0] == 503


def test_what_waits_for_it(site, alt, company, bucket, same, away):
    if site.mode != "fallback":
        pytest.skip("nothing waits in this mode")
    alt.put_object(Bucket=bucket, Key=THEIRS, Body=b"changed")
    alt.put_object(Bucket=bucket, Key=OWN, Body=b"changed")
    for operation, arguments in OPERATIONS.items():
        same(company, operation, bucket, arguments)
    assert company.get_object(Bucket=bucket, Key=OWN)["Body"].read() == b"changed"
    alt.delete_object(Bucket=bucket, Key=THEIRS)
    for operation, arguments in OPERATIONS.items():
        same(company, operation, bucket, arguments)
    assert NONE not in str(company.list_buckets())
