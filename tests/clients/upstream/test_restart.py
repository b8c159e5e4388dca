"""A crash with a backlog: nothing is lost, nothing is undone, and the start does not wait."""

import hashlib
import time

import pytest

from s3check import absent

BODY = bytes(range(256)) * 2048


def load(site):
    """Writes of all kinds while the upstream is away; what the keys then hold."""
    expected = {}
    for number in range(40):
        key = f"k{number:02}"
        expected[key] = BODY[: number * 4000]
        site.put(key, expected[key], Metadata={"number": str(number)}, Tagging=f"n={number}")
    for number in range(0, 40, 4):
        key = f"k{number:02}"
        expected[key] = b"again %d" % number
        site.put(key, expected[key], Metadata={"number": "again"})
    for number in range(1, 40, 4):
        site.delete(f"k{number:02}")
        del expected[f"k{number:02}"]
    return expected


def look(site, expected, etags):
    for key, body in expected.items():
        assert site.get(key) == body, key
        assert site.head(key)["ETag"] == etags[key]
    for number in range(1, 40, 4):
        assert absent(site.s3, site.bucket, f"k{number:02}")


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_with_a_backlog(behind, kill):
    site = behind("fallback")
    for number in range(0, 40, 2):
        site.put(f"k{number:02}", b"before the outage")
    site.put("k01", b"before the outage")
    site.proxy.fault("refuse")
    expected = load(site)
    etags = {key: site.head(key)["ETag"] for key in expected}
    assert etags["k03"] == f'"{hashlib.md5(expected["k03"]).hexdigest()}"'
    backlog = site.waiting()
    for fault in ("refuse", "blackhole"):
        site.proxy.fault(fault)
        began = time.monotonic()
        site.restart(kill=kill)
        assert time.monotonic() - began < 25
        look(site, expected, etags)
        assert site.waiting() == backlog
    site.proxy.heal()
    site.drained(60)
    look(site, expected, etags)
    assert site.keys() == site.keys_there() == sorted(expected)
    for key, body in expected.items():
        there = site.get_there(key)
        assert there["Content"] == body, key
        number = "again" if body.startswith(b"again") else str(int(key[1:]))
        assert there["Metadata"] == {"number": number}
    site.restart(kill=kill)
    look(site, expected, etags)


def test_killed_again_and_again_while_forwarding(behind):
    site = behind("fallback")
    site.proxy.fault("refuse")
    expected = load(site)
    etags = {key: site.head(key)["ETag"] for key in expected}
    site.proxy.fault("delay 100")
    for _ in range(6):
        site.restart(kill=True)
        site.put("during", b"the forwarding")
        look(site, expected, etags)
    expected["during"] = b"the forwarding"
    site.proxy.heal()
    site.drained(60)
    assert site.keys() == site.keys_there() == sorted(expected)
    for key, body in expected.items():
        assert site.get_there(key)["Content"] == body, key


def test_a_stop_drains_as_far_as_that_goes(behind):
    """SIGTERM ends within 20 s, whether or not the upstream answers."""
    site = behind("fallback")
    site.proxy.fault("blackhole")
    for number in range(10):
        site.put(f"k{number}", b"x")
    began = time.monotonic()
    assert site.gateway.stop() == 0
    assert time.monotonic() - began < 20
    site.gateway.start()
    assert site.waiting() == 10
    site.proxy.heal()
    site.drained()


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_without_a_backlog_no_one_notices(behind, mode):
    site = behind(mode)
    etags = {key: site.put(key, key.encode())["ETag"] for key in ("a", "b", "c")}
    site.restart(kill=True)
    assert site.keys() == ["a", "b", "c"]
    assert {key: site.head(key)["ETag"] for key in etags} == etags
    site.delete("a")
    site.restart(kill=True)
    assert site.keys() == ["b", "c"]
