"""Where objects are, and where they can be read."""

import urllib.parse
import urllib.request

import pytest

from gateway import MAIN

NAME = "attachments/invoice/company_7/2025-01-01/120000_abcdefgh_ü + %.pdf"


def url_of(site, name, **more):
    query = urllib.parse.urlencode({"bucket": site.bucket, "name": name, **more})
    status, answer = site.gateway.side("GET", f"/storage/url?{query}")
    assert status == 200, answer
    return answer


def location(site, key):
    path = f"/storage/objects/{site.bucket}/{urllib.parse.quote(key)}"
    return site.gateway.side("GET", path)


def read(url):
    with urllib.request.urlopen(url, timeout=20) as answer:
        return answer.read()


def test_the_record_of_an_object(behind):
    site = behind("fallback", prefix="front/")
    etag = site.put(NAME, b"content")["ETag"].strip('"')
    status, found = location(site, NAME)
    assert status == 200, found
    assert found["storage_backend"] == "s3"
    assert (found["s3_bucket"], found["s3_key"]) == (site.there, "front/" + NAME)
    assert (found["etag"], found["size"]) == (etag, 7)
    assert (found["company"], found["type"]) == ("7", "invoice")
    assert found["updated_at"].endswith("Z") and found["waiting"] is None
    site.proxy.fault("refuse")
    site.put(NAME, b"another")
    status, found = location(site, NAME)
    assert (found["storage_backend"], found["s3_bucket"], found["s3_key"]) == ("local", None, None)
    assert found["waiting"]["task"] == "put"
    site.delete(NAME)
    assert location(site, NAME)[0] == 404
    assert location(site, "absent")[0] in (404, 503)
    site.proxy.heal()


def test_bad_paths(behind):
    site = behind("local")
    for path, status in [
        ("objects/No/x", 400),
        (f"objects/{site.bucket}", 400),
        (f"objects/{site.bucket}/", 400),
        (f"objects/{site.bucket}/%ff", 400),
        (f"objects/{site.bucket}/absent", 404),
        ("objects/no-such-bucket/x", 404),
        ("objects", 404),
    ]:
        found, answer = site.gateway.side("GET", f"/storage/{path}")
        assert found == status, (path, answer)


@pytest.mark.parametrize("mode", ["local", "fallback", "upstream"])
def test_a_key_resolves_to_a_url_that_reads_it(behind, mode):
    site = behind(mode)
    site.put(NAME, b"content of it")
    answer = url_of(site, NAME, expires=60)
    assert answer["kind"] == "presigned" and answer["expires_at"]
    assert answer["storage_backend"] == ("local" if mode == "local" else "s3")
    assert MAIN.secret not in answer["url"]
    assert read(answer["url"]) == b"content of it"


def test_videovotes_names(behind):
    site = behind("local", bucket='public_url = "https://cdn.example.com/v"\nlocal_url = "/static"\n')
    site.put("avatars/user_1_avatar_profile.jpg", b"x")
    assert url_of(site, "avatars/user_1_avatar_profile.jpg") == {
        "url": "https://cdn.example.com/v/avatars/user_1_avatar_profile.jpg",
        "kind": "public",
        "storage_backend": "local",
        "expires_at": None,
    }
    assert url_of(site, "https://elsewhere/a.png")["url"] == "https://elsewhere/a.png"
    assert url_of(site, "a b.jpg", folder="avatars")["url"] == "/static/avatars/a%20b.jpg"
    assert url_of(site, "a.jpg")["url"] == "/static/a.jpg"


def test_bad_names(behind):
    site = behind("local")
    for query, status in [
        ("", 400),
        (f"bucket={site.bucket}", 400),
        (f"bucket={site.bucket}&name=", 400),
        (f"bucket={site.bucket}&name=..&folder=a", 400),
        (f"bucket={site.bucket}&name=a.jpg&folder=../etc", 400),
        (f"bucket={site.bucket}&name=a/b&expires=0", 400),
        (f"bucket={site.bucket}&name=a/b&expires=1h", 400),
        (f"bucket={site.bucket}&name=a/b", 404),
        ("bucket=no-such-bucket&name=a/b", 404),
    ]:
        found, answer = site.gateway.side("GET", f"/storage/url?{query}")
        assert found == status, (query, answer)
