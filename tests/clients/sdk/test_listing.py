"""ListObjects, version 1 and 2: order, delimiters, pages, encodings."""

import concurrent.futures
import itertools

import pytest

from gateway import MAIN
from s3check import CONTROL_KEYS, ODD_KEYS, keys, prefixes, refused

TREE = (
    "a",
    "a+",
    "a/1",
    "a/2",
    "a/b/1",
    "a/b/2",
    "a0",
    "b/",
    "b/1",
    "b/c/d/e",
    "c d",
    "d%2F",
    "e//f",
    "é/1",
    "日/1",
    "日/2",
    "\U0001f980",
)


def fill(s3, bucket, names):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: s3.put_object(Bucket=bucket, Key=k, Body=b"x"), names))


@pytest.fixture(scope="module")
def tree(client):
    """A bucket with the tree, kept for the module."""
    s3 = client(max_pool_connections=8)
    name = "listing-of-a-tree"
    s3.create_bucket(Bucket=name)
    fill(s3, name, TREE)
    yield name
    s3.delete_objects(Bucket=name, Delete={"Objects": [{"Key": k} for k in TREE]})
    s3.delete_bucket(Bucket=name)


def model(names, prefix="", delimiter="", after=""):
    """What a listing must hold: keys and common prefixes in byte order."""
    entries = []
    for name in sorted(names, key=lambda k: k.encode()):
        if not name.startswith(prefix):
            continue
        rest = name[len(prefix) :]
        if delimiter and delimiter in rest:
            entry = ("prefix", prefix + rest[: rest.index(delimiter)] + delimiter)
        else:
            entry = ("key", name)
        if entry[1].encode() > after.encode() and entry not in entries:
            entries.append(entry)
    return entries


def entries_of(page):
    merged = [("key", k) for k in keys(page)] + [("prefix", p) for p in prefixes(page)]
    return sorted(merged, key=lambda e: e[1].encode())


CASES = list(itertools.product(("", "a", "a/", "b/", "日", "none"), ("", "/", "b/", "é")))


@pytest.mark.parametrize(("prefix", "delimiter"), CASES)
def test_v2_pages_equal_the_model(s3, tree, prefix, delimiter):
    wanted = model(TREE, prefix, delimiter)
    for size in (1, 2, 3, 7, 1000):
        got, token = [], {}
        while True:
            page = s3.list_objects_v2(
                Bucket=tree, Prefix=prefix, Delimiter=delimiter, MaxKeys=size, **token
            )
            found = entries_of(page)
            assert len(found) <= size
            assert page["KeyCount"] == len(found)
            got += found
            if not page["IsTruncated"]:
                assert "NextContinuationToken" not in page
                break
            assert len(found) == size, "a truncated page is full"
            token = {"ContinuationToken": page["NextContinuationToken"]}
        assert got == wanted, f"{size} a page"


@pytest.mark.parametrize(("prefix", "delimiter"), CASES)
def test_v1_pages_equal_the_model(s3, tree, prefix, delimiter):
    wanted = model(TREE, prefix, delimiter)
    for size in (1, 2, 5, 1000):
        got, marker = [], ""
        while True:
            page = s3.list_objects(
                Bucket=tree, Prefix=prefix, Delimiter=delimiter, MaxKeys=size, Marker=marker
            )
            assert page["Marker"] == marker
            found = entries_of(page)
            got += found
            if not page["IsTruncated"]:
                break
            marker = page.get("NextMarker") or found[-1][1]
            assert "NextMarker" in page or not delimiter
        assert got == wanted, f"{size} a page"


@pytest.mark.parametrize("after", ["", "a", "a/", "a/b/1", "b", "zzz", "日/1", "\U0001f980"])
def test_start_after_and_marker(s3, tree, after):
    for delimiter in ("", "/"):
        wanted = model(TREE, "", delimiter, after)
        v2 = s3.list_objects_v2(Bucket=tree, Delimiter=delimiter, StartAfter=after)
        v1 = s3.list_objects(Bucket=tree, Delimiter=delimiter, Marker=after)
        assert entries_of(v2) == wanted
        assert entries_of(v1) == wanted
        assert v2.get("StartAfter", "") == after


def test_a_token_wins_over_start_after(s3, tree):
    first = s3.list_objects_v2(Bucket=tree, MaxKeys=2)
    token = first["NextContinuationToken"]
    second = s3.list_objects_v2(Bucket=tree, ContinuationToken=token, StartAfter="zzz", MaxKeys=2)
    assert keys(second) == list(sorted(TREE, key=lambda k: k.encode())[2:4])
    assert second["ContinuationToken"] == token
    assert second["StartAfter"] == "zzz"


def test_a_spoiled_token_is_refused(s3, tree):
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=tree, ContinuationToken="not-a-token")


def test_max_keys(s3, tree):
    none = s3.list_objects_v2(Bucket=tree, MaxKeys=0)
    assert (keys(none), none["IsTruncated"]) == ([], False)
    assert s3.list_objects_v2(Bucket=tree)["MaxKeys"] == 1000
    many = s3.list_objects_v2(Bucket=tree, MaxKeys=5000)
    assert len(keys(many)) == len(TREE)
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=tree, MaxKeys=-1)


def test_1001_keys_make_two_pages(client, bucket):
    s3 = client(max_pool_connections=8)
    names = [f"k{n:05}" for n in range(1001)]
    fill(s3, bucket, names)
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=2000)
    assert (len(keys(first)), first["IsTruncated"], first["KeyCount"]) == (1000, True, 1000)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    assert [k for page in pages for k in keys(page)] == names
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket)
    assert [k for page in pages for k in keys(page)] == names


def test_truncation_is_exact_at_a_rolled_up_end(s3, bucket):
    fill(s3, bucket, ["a/1", "a/2", "a/3"])
    page = s3.list_objects_v2(Bucket=bucket, Delimiter="/", MaxKeys=1)
    assert (prefixes(page), page["IsTruncated"]) == (["a/"], False)


def test_a_key_equal_to_the_prefix_is_a_key(s3, tree):
    page = s3.list_objects_v2(Bucket=tree, Prefix="b/", Delimiter="/")
    assert (keys(page), prefixes(page)) == (["b/", "b/1"], ["b/c/"])


def test_the_fields_of_an_entry(s3, bucket):
    put = s3.put_object(Bucket=bucket, Key="k", Body=b"12345")
    entry = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert (entry["Size"], entry["ETag"], entry["StorageClass"]) == (5, put["ETag"], "STANDARD")
    assert "Owner" not in entry
    owned = s3.list_objects_v2(Bucket=bucket, FetchOwner=True)["Contents"][0]
    assert owned["Owner"]["ID"] == MAIN.owner
    assert s3.list_objects(Bucket=bucket)["Contents"][0]["Owner"]["ID"] == MAIN.owner


def test_odd_keys_in_one_listing(s3, bucket):
    names = [*ODD_KEYS, *CONTROL_KEYS]
    fill(s3, bucket, names)
    wanted = sorted(names, key=lambda k: k.encode())
    assert keys(s3.list_objects_v2(Bucket=bucket)) == wanted
    paged = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 1})
    assert [k for page in paged for k in keys(page)] == wanted
    paged = s3.get_paginator("list_objects").paginate(
        Bucket=bucket, Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    assert sorted(e for page in paged for e in entries_of(page)) == sorted(model(names, "", "/"))
    for name in names:
        page = s3.list_objects_v2(Bucket=bucket, Prefix=name)
        assert keys(page) == [k for k in wanted if k.startswith(name)]


def test_an_empty_bucket(s3, bucket):
    page = s3.list_objects_v2(Bucket=bucket)
    assert (keys(page), page["IsTruncated"], page["KeyCount"], page["Name"]) == ([], False, 0, bucket)


def test_an_unknown_encoding_is_refused(s3, tree):
    with refused("InvalidArgument", 400):
        s3.list_objects_v2(Bucket=tree, EncodingType="base64")
