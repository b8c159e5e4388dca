"""What an object carries besides its bytes comes through and back, forwarded later or at once."""

import datetime

import pytest

import crc
from s3check import header, refused

BODY = b"The quick brown fox jumps over the lazy dog"
HEADERS = {
    "ContentType": "text/x-fox; charset=utf-8",
    "CacheControl": "max-age=60, public",
    "ContentDisposition": 'attachment; filename="fox.txt"',
    "ContentEncoding": "identity",
    "ContentLanguage": "en, de",
    "Expires": datetime.datetime(2031, 5, 1, 12, 0, 0, tzinfo=datetime.timezone.utc),
}
METADATA = {"colour": "red", "with-dash": "a  b", "empty": "", "long": "x" * 500}
TAGS = [{"Key": "a b", "Value": "1+1=2"}, {"Key": "ü", "Value": "日本"}]
QUERY = "a%20b=1%2B1%3D2&%C3%BC=%E6%97%A5%E6%9C%AC"


def same_headers(answer):
    for name, value in HEADERS.items():
        if name == "Expires":
            assert answer["ResponseMetadata"]["HTTPHeaders"]["expires"] == "Thu, 01 May 2031 12:00:00 GMT"
        else:
            assert answer[name] == value, name
    assert answer["Metadata"] == METADATA


def by_key(tags):
    return sorted(tags, key=lambda tag: tag["Key"])


@pytest.mark.parametrize("away", [False, True], ids=["at once", "forwarded"])
@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_headers_and_metadata(behind, mode, away):
    if away and mode == "upstream":
        pytest.skip("nothing is forwarded later in this mode")
    site = behind(mode)
    if away:
        site.proxy.fault("refuse")
    site.put("fox", BODY, Metadata=METADATA, **HEADERS)
    same_headers(site.head("fox"))
    if away:
        site.proxy.heal()
        site.drained()
    same_headers(site.head("fox"))
    same_headers(site.s3.get_object(Bucket=site.bucket, Key="fox"))
    there = site.up.head_object(Bucket=site.there, Key="fox")
    assert there["ContentType"] == HEADERS["ContentType"]
    assert there["CacheControl"] == HEADERS["CacheControl"]
    assert there["Metadata"]["colour"] == "red" and there["Metadata"]["with-dash"] == "a  b"
    answer = site.s3.get_object(Bucket=site.bucket, Key="fox", ResponseContentType="text/x-else")
    assert answer["ContentType"] == "text/x-else"


@pytest.mark.parametrize("away", [False, True], ids=["at once", "forwarded"])
@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_tags(behind, mode, away):
    if away and mode == "upstream":
        pytest.skip("nothing is forwarded later in this mode")
    site = behind(mode)
    at = {"Bucket": site.bucket, "Key": "fox"}
    if away:
        site.proxy.fault("refuse")
    site.put("fox", BODY, Tagging=QUERY)
    assert by_key(site.s3.get_object_tagging(**at)["TagSet"]) == TAGS
    assert site.s3.get_object(**at)["TagCount"] == 2
    if away:
        site.proxy.heal()
        site.drained()
        assert by_key(site.s3.get_object_tagging(**at)["TagSet"]) == TAGS
    there = {"Bucket": site.there, "Key": "fox"}
    assert by_key(site.up.get_object_tagging(**there)["TagSet"]) == TAGS
    modified = site.head("fox")["LastModified"]
    site.s3.put_object_tagging(**at, Tagging={"TagSet": TAGS[:1]})
    assert site.s3.get_object_tagging(**at)["TagSet"] == TAGS[:1]
    assert site.up.get_object_tagging(**there)["TagSet"] == TAGS[:1]
    assert site.head("fox")["LastModified"] == modified
    site.s3.delete_object_tagging(**at)
    assert site.s3.get_object_tagging(**at)["TagSet"] == []
    assert site.up.get_object_tagging(**there)["TagSet"] == []
    assert site.get("fox") == BODY


def test_tags_set_while_a_write_waits_go_with_it(behind):
    site = behind("fallback")
    at = {"Bucket": site.bucket, "Key": "fox"}
    site.proxy.fault("refuse")
    site.put("fox", BODY)
    site.s3.put_object_tagging(**at, Tagging={"TagSet": TAGS})
    assert by_key(site.s3.get_object_tagging(**at)["TagSet"]) == TAGS
    site.proxy.heal()
    site.drained()
    assert by_key(site.s3.get_object_tagging(**at)["TagSet"]) == TAGS
    there = site.up.get_object_tagging(Bucket=site.there, Key="fox")["TagSet"]
    assert by_key(there) == TAGS


@pytest.mark.parametrize("away", [False, True], ids=["at once", "forwarded"])
@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("algorithm", sorted(crc.RAW))
def test_checksums(behind, mode, algorithm, away):
    if away and mode == "upstream":
        pytest.skip("nothing is forwarded later in this mode")
    site = behind(mode)
    value, field = crc.checksum(algorithm, BODY), f"Checksum{algorithm}"
    if away:
        site.proxy.fault("refuse")
    assert site.put("fox", BODY, **{field: value})[field] == value
    assert site.head("fox", ChecksumMode="ENABLED")[field] == value
    if away:
        site.proxy.heal()
        site.drained()
    assert site.head("fox", ChecksumMode="ENABLED")[field] == value
    # The SDK checks it while reading.
    assert site.get("fox", ChecksumMode="ENABLED") == BODY
    attributes = site.s3.get_object_attributes(
        Bucket=site.bucket, Key="fox", ObjectAttributes=["Checksum", "ObjectSize", "ETag"]
    )
    assert attributes["Checksum"][field] == value and attributes["ObjectSize"] == len(BODY)
    with refused(("BadDigest", "InvalidRequest"), 400):
        site.put("fox", b"other", **{field: value})
    assert site.get("fox") == BODY


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_ranges(behind, mode):
    site = behind(mode)
    site.put("fox", BODY)
    for asked, expected in {"bytes=4-8": BODY[4:9], "bytes=40-": BODY[40:], "bytes=-3": BODY[-3:]}.items():
        answer = site.s3.get_object(Bucket=site.bucket, Key="fox", Range=asked)
        assert answer["Body"].read() == expected
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert answer["ContentRange"].endswith(f"/{len(BODY)}")
    with refused("InvalidRange", 416):
        site.get("fox", Range="bytes=100-")


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_keys_of_all_kinds(behind, server, mode):
    """Names that are hard to write in a URL or in XML; those that no tree of files can hold only
    where the upstream is none."""
    site = behind(mode)
    keys = ["with space", "plus+plus", "percent%20percent%", "quote\"'`", "<tag>&amp;&", "ü/日本語/🦀",
            "semi;colon,comma:at@", "star*tilde~()[]{}|^", "question?mark=1&two", "hash#tag"]
    if not server.traits.files:
        keys += ["a//b", "trailing/", "dir/./dot", "x" * 900]
        if server.name != "moto":  # has no route for it
            keys += ["line\nfeed"]
    for number, key in enumerate(keys):
        site.put(key, b"%d" % number)
    assert site.keys() == site.keys_there() == sorted(keys, key=str.encode)
    for number, key in enumerate(keys):
        assert site.get(key) == b"%d" % number, key
    for key in keys:
        site.delete(key)
    assert site.keys() == site.keys_there() == []


def test_asking_for_encryption(behind, server):
    if server.name != "moto":
        pytest.skip("this upstream doesn't keep what was asked for")
    site = behind("fallback", upstream={"sse": "AES256"})
    site.put("k", BODY)
    site.proxy.fault("refuse")
    site.put("later", BODY)
    site.proxy.heal()
    site.drained()
    for key in ("k", "later"):
        there = site.up.head_object(Bucket=site.there, Key=key)
        assert there["ServerSideEncryption"] == "AES256"
    assert header(site.head("k"), "content-length") == str(len(BODY))
