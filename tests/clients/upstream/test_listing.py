"""One listing out of two layers, against the sorted set of what should be in it."""

import botocore.exceptions
import pytest

from waiting import eventually

SIZES = (1, 2, 3, 7, 1000)
DELIMITERS = (None, "/", "-", "ab")
PREFIXES = ("", "dir", "dir-1/", "none")


def entries(keys, prefix, delimiter):
    """What a listing shows: keys and common prefixes, in the order of their bytes."""
    shown = set()
    for key in keys:
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        shown.add(key if at < 0 else key[: at + len(delimiter)])
    return sorted(shown, key=str.encode)


def of_page(page):
    found = [o["Key"] for o in page.get("Contents", ())]
    found += [p["Prefix"] for p in page.get("CommonPrefixes", ())]
    return sorted(found, key=str.encode)


def pages_v2(s3, bucket, size, **settings):
    token = {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, MaxKeys=size, **settings, **token)
        assert page["KeyCount"] == len(of_page(page))
        yield page
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def pages_v1(s3, bucket, size, **settings):
    marker = {}
    while True:
        page = s3.list_objects(Bucket=bucket, MaxKeys=size, **settings, **marker)
        yield page
        if not page["IsTruncated"]:
            return
        marker = {"Marker": page.get("NextMarker") or of_page(page)[-1]}


def check(site, keys):
    """Every page of every kind of listing. Some upstreams may announce a page that turns out to be
    empty."""
    exact = site.server.traits.exact_pages
    for pages in (pages_v2, pages_v1):
        for size in SIZES:
            for delimiter in DELIMITERS:
                for prefix in PREFIXES:
                    settings = {"Prefix": prefix}
                    if delimiter:
                        settings["Delimiter"] = delimiter
                    expected = entries(keys, prefix, delimiter)
                    found = []
                    for page in pages(site.s3, site.bucket, size, **settings):
                        shown = of_page(page)
                        left = len(expected) - len(found)
                        what = (pages.__name__, size, settings, found[-1:], shown)
                        assert len(shown) == min(size, left), what
                        assert page["IsTruncated"] or left <= size, what
                        assert not page["IsTruncated"] or left > size or not exact, what
                        found += shown
                    assert found == expected, (pages.__name__, size, settings)


def names(start, count):
    """Keys that fit into a tree of files, some of them below common prefixes."""
    shapes = ("dir-{}/k{:02}", "dir-{}ab/k{:02}", "dir-{}/deep-ab/k{:02}", "top-{}-k{:02}", "ü{}/日本{:02}")
    return [shapes[n % len(shapes)].format(n // 5 % 3, n) for n in range(start, start + count)]


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_left_overs_and_the_upstream(behind, mode):
    site = behind("local")
    here, there = names(0, 24), names(12, 24)
    for key in here:
        site.put(key, b"local")
    for key in there:
        site.put_there(key, b"upstream one")
    site.restart(mode)
    keys = sorted({*here, *there}, key=str.encode)
    check(site, keys)
    # On equal keys the local one is shown.
    sizes = {}
    for page in pages_v2(site.s3, site.bucket, 7):
        sizes.update((o["Key"], o["Size"]) for o in page["Contents"])
    assert sizes == {key: 5 if key in here else 12 for key in keys}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_the_upstream_alone(behind, mode):
    site = behind(mode)
    keys = names(0, 20)
    for key in keys:
        site.put_there(key, b"x")
    check(site, keys)


@pytest.mark.timeout(300)
def test_deletes_that_wait_hide_what_is_upstream(behind):
    site = behind("fallback", upstream={"first_byte_timeout": "90s", "stall_timeout": "90s"})
    keys = names(0, 24)
    for key in keys:
        site.put(key, b"x")
    site.proxy.fault("refuse")
    # A whole common prefix, and every other key besides.
    gone = [k for n, k in enumerate(keys) if n % 2 or k.startswith("dir-1")]
    for key in gone:
        site.delete(key)
    # Deletes now reach the upstream and hang there, while everything else is answered.
    site.proxy.fault("blackhole", method="DELETE")
    kept = [k for k in keys if k not in gone]
    eventually(lambda: answers(site), 20, "a listing")
    assert site.waiting() > 0 and set(gone) & set(site.keys_there())
    check(site, kept)
    site.proxy.heal()
    site.drained()
    assert site.keys_there() == sorted(kept, key=str.encode)
    check(site, kept)


def answers(site):
    try:
        return site.s3.list_objects_v2(Bucket=site.bucket)
    except botocore.exceptions.ClientError:
        return None


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_entries_say_what_a_head_says(behind, mode):
    site = behind("local")
    site.put("here", b"local")
    site.restart(mode)
    site.put("there", b"upstream", StorageClass="STANDARD")
    for entry in site.s3.list_objects_v2(Bucket=site.bucket, FetchOwner=True)["Contents"]:
        head = site.head(entry["Key"])
        assert entry["ETag"] == head["ETag"]
        assert entry["Size"] == head["ContentLength"]
        assert entry["LastModified"] == head["LastModified"]
        assert entry["StorageClass"] == "STANDARD"
        assert entry["Owner"]["ID"] == "main-canonical-id"


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_token_of_somewhere_else_is_refused(behind, mode):
    site = behind(mode)
    for key in ("a", "b", "c"):
        site.put(key, b"x")
    token = site.s3.list_objects_v2(Bucket=site.bucket, MaxKeys=1)["NextContinuationToken"]
    changed = ("B" if token[0] == "A" else "A") + token[1:]
    for wrong in ("nonsense", changed):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            site.s3.list_objects_v2(Bucket=site.bucket, ContinuationToken=wrong)
        assert caught.value.response["Error"]["Code"] == "InvalidArgument"


@pytest.mark.timeout(300)
def test_an_outage_between_two_pages_never_shortens_a_listing(behind, unavailable):
    site = behind("fallback")
    keys = names(0, 20)
    for key in keys:
        site.put(key, b"x")
    pages = pages_v2(site.s3, site.bucket, 6)
    found = of_page(next(pages))
    site.proxy.fault("refuse")
    site.put("between", b"x")
    with unavailable():
        next(pages)
    site.proxy.heal()
    eventually(lambda: answers(site), 20, "a listing")
    assert sorted(site.keys(), key=str.encode) == sorted([*keys, "between"], key=str.encode)
    assert found == sorted(keys, key=str.encode)[:6]
