"""Browser forms through every mode: their files have no length that anyone tells."""

import pytest

import forms
from gateway import MAIN

MIB = 1 << 20


def signed(bucket, *more):
    return forms.signed_v4(MAIN, [{"bucket": bucket}, ["starts-with", "$key", ""], *more])


def post(site, key, content, *conditions):
    fields = [("key", key), *signed(site.bucket, *conditions)]
    return forms.post(site.gateway.endpoint, site.bucket, fields, content)


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("size", [0, 10, 65_536, 65_537, 3 * MIB + 1])
def test_a_form_s_file_is_upstream_when_it_is_acknowledged(behind, mode, size):
    site = behind(mode)
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    answer = post(site, "k", content)
    assert answer.status == 204, answer.data
    assert site.get_there("k")["Content"] == content
    assert site.get("k") == content
    assert site.head("k")["ETag"] == answer.headers["etag"]


@pytest.mark.parametrize("mode", ["local", "upstream", "fallback"])
def test_what_is_refused_is_nowhere(behind, mode):
    site = behind(mode)
    answer = post(site, "k", b"1" * 300_000, ["content-length-range", 0, 299_999])
    assert (answer.status, b"EntityTooLarge" in answer.data) == (400, True), answer.data
    answer = post(site, "k", b"1" * 300_000, ["content-length-range", 300_001, 400_000])
    assert (answer.status, b"EntityTooSmall" in answer.data) == (400, True), answer.data
    assert site.keys() == site.keys_there() == []


def test_while_the_upstream_is_away(behind):
    site = behind("fallback")
    site.proxy.fault("refuse")
    content = b"meanwhile" * 50_000
    answer = post(site, "k", content)
    assert answer.status == 204, answer.data
    assert site.get("k") == content
    site.proxy.heal()
    site.drained()
    assert site.get_there("k")["Content"] == content


def test_upstream_mode_says_so(behind):
    site = behind("upstream")
    site.proxy.fault("refuse")
    assert post(site, "k", b"x" * 100_000).status == 503
