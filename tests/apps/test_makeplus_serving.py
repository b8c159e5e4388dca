"""MakePlus's downloads: through nginx with TLS, a CDN's cache, and browsers' viewers."""

import email.utils
import time

import pytest

from connect import connect
from files import pdf
from web import File


@pytest.fixture(scope="module")
def served(makeplus):
    """A document of 600 kB: its path, its URL and its content."""
    content = pdf(pages=20, size=600_000)
    event = makeplus.event(programme=File("p.pdf", content, "application/pdf")).expect(201).json
    makeplus.site.drained()
    url = event["programme_file"]
    return "/media/" + makeplus.key(url), url, content


def test_download(makeplus, served):
    _, url, content = served
    answer = makeplus.web.get(url).expect(200)
    assert answer.body == content
    headers = answer.headers
    assert headers["content-type"] == "application/pdf"
    assert headers["content-disposition"] == "inline"
    assert headers["accept-ranges"] == "bytes"
    assert headers["cache-control"] == "public, max-age=86400"
    assert headers["etag"].startswith('"') and headers["last-modified"]
    assert int(headers["content-length"]) == len(content)
    head = makeplus.web("HEAD", url)
    assert (head.status, head.body) == (200, b"")
    for name in ("etag", "last-modified", "content-type", "content-length", "cache-control"):
        assert head.headers[name] == headers[name], name


def test_download_as_an_attachment(makeplus, served):
    """The answer's own disposition, asked for by a signed URL behind nginx."""
    site = makeplus.site
    signed = connect(site.gateway, site.key, endpoint_url=makeplus.front.url("s3")).generate_presigned_url(
        "get_object",
        Params={
            "Bucket": site.bucket,
            "Key": makeplus.key(served[1]),
            "ResponseContentDisposition": 'attachment; filename="programme.pdf"',
            "ResponseCacheControl": "no-store",
        },
        ExpiresIn=60,
    )
    answer = makeplus.s3.get(signed).expect(200)
    assert answer.body == served[2]
    assert answer.headers["content-disposition"] == 'attachment; filename="programme.pdf"'
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "asked, first, last",
    [("bytes=0-1023", 0, 1023), ("bytes=-500", -500, -1), ("bytes=65536-131071", 65536, 131071), ("bytes=599990-", 599990, -1)],
)
def test_download_by_ranges(makeplus, served, asked, first, last):
    _, url, content = served
    size = len(content)
    first, last = first % size, last % size
    answer = makeplus.web.get(url, range=asked).expect(206)
    assert answer.body == content[first : last + 1]
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{size}"
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["etag"] and answer.headers["last-modified"]


def test_download_by_ranges_under_conditions(makeplus, served):
    _, url, content = served
    etag = makeplus.web("HEAD", url).headers["etag"]
    assert makeplus.web.get(url, range="bytes=0-9", if_range=etag).expect(206).body == content[:10]
    assert makeplus.web.get(url, range="bytes=0-9", if_range='"another"').expect(200).body == content
    unsatisfiable = makeplus.web.get(url, range="bytes=99999999-").expect(416)
    assert unsatisfiable.headers["content-range"] == f"bytes */{len(content)}"


def test_download_under_conditions(makeplus, served):
    _, url, content = served
    headers = makeplus.web("HEAD", url).headers
    etag, modified = headers["etag"], headers["last-modified"]
    earlier = email.utils.formatdate(email.utils.mktime_tz(email.utils.parsedate_tz(modified)) - 60, usegmt=True)
    for conditions, status in (
        ({"if_none_match": etag}, 304),
        ({"if_none_match": '"another"'}, 200),
        ({"if_modified_since": modified}, 304),
        ({"if_modified_since": earlier}, 200),
        ({"if_match": etag}, 200),
        ({"if_match": '"another"'}, 412),
        ({"if_unmodified_since": earlier}, 412),
    ):
        answer = makeplus.web.get(url, **conditions)
        assert answer.status == status, (conditions, answer.status)
        if status == 304:
            assert answer.body == b"" and answer.headers["etag"] == etag
            assert answer.headers["cache-control"] == "public, max-age=86400"


def test_media_are_read_only(makeplus, served):
    path, url, content = served
    for method in ("PUT", "POST", "DELETE"):
        assert makeplus.web(method, url, body=b"x").status == 403
        assert makeplus.public(method, path, body=b"x").status in (400, 403, 405)
    for hidden in ("/media/", "/media", "/media/?policy", "/media/private.pdf", "/media/events/../private.pdf"):
        assert makeplus.public.get(hidden).status == 403, hidden
    assert makeplus.web.get(url).expect(200).body == content


def test_a_cdn_with_this_server_as_its_origin(makeplus, served):
    path, _, content = served
    site, key = makeplus.site, makeplus.key(served[1])
    seen = [makeplus.cdn.get(path).expect(200) for _ in range(3)]
    assert [one.headers["x-cache"] for one in seen] == ["MISS", "HIT", "HIT"]
    assert {one.body for one in seen} == {content}
    asked = [line for line in site.access_log(key=key) if line.get("method") == "GET"]
    before = len(asked)
    # From its cache it serves ranges and conditions by what the origin said.
    part = makeplus.cdn.get(path, range="bytes=100-199").expect(206)
    assert part.body == content[100:200]
    makeplus.cdn.get(path, if_none_match=seen[0].headers["etag"]).expect(304)
    asked = [line for line in site.access_log(key=key) if line.get("method") == "GET"]
    assert len(asked) == before


def test_a_cdn_asks_again_by_the_entity_tag(makeplus):
    """What may be kept for a moment only is asked for again, and not sent again."""
    site, key, content = makeplus.site, "events/programmes/short.pdf", pdf(pages=2)
    site.put(key, content, ContentType="application/pdf", CacheControl="public, max-age=1")
    site.drained()
    assert makeplus.cdn.get(f"/media/{key}").expect(200).headers["x-cache"] == "MISS"
    end = time.monotonic() + 20
    while True:
        answer = makeplus.cdn.get(f"/media/{key}").expect(200)
        if answer.headers["x-cache"] != "HIT" or time.monotonic() > end:
            break
        time.sleep(0.2)
    assert answer.headers["x-cache"] == "REVALIDATED" and answer.body == content
    statuses = [line.get("status") for line in site.access_log(key=key) if line.get("method") == "GET"]
    assert statuses == [200, 304], statuses
    site.delete(key)
