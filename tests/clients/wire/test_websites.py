"""Buckets as websites, as a browser sees them."""

import contextlib
import http.client

import pytest

from connect import connect
from gateway import MAIN, Gateway

CONFIG = """
[website]
domains = ["s3-website.localhost", "pages.example"]
[[bucket]]
name = "site"
website = true
"""
WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "404.html"},
    "RoutingRules": [
        {
            "Condition": {"KeyPrefixEquals": "old/"},
            "Redirect": {"ReplaceKeyPrefixWith": "docs/", "HttpRedirectCode": "302"},
        }
    ],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("websites"), config=CONFIG) as running:
        s3 = connect(running, MAIN)
        s3.create_bucket(Bucket="closed")
        for bucket in ("site", "closed"):
            for key in ("index.html", "404.html", "docs/index.html", "storage/info"):
                s3.put_object(Bucket=bucket, Key=key, Body=f"<p>{key}</p>".encode(), ContentType="text/html")
            s3.put_object(Bucket=bucket, Key="moved", Body=b"", WebsiteRedirectLocation="https://new.example/")
            s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=WEBSITE)
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture
def visit(site):
    def visit(path, method="GET", host="site.s3-website.localhost", **headers):
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, path, headers={"host": f"{host}:{site.port}", **headers})
            answer = connection.getresponse()
            answer.content = answer.read().decode()
            return answer

    return visit


@pytest.mark.parametrize("host", ["site.s3-website.localhost", "site.pages.example", "SITE.Pages.Example"])
@pytest.mark.parametrize(
    ("path", "key"), [("/", "index.html"), ("/docs/", "docs/index.html"), ("/storage/info", "storage/info")]
)
def test_pages(visit, host, path, key):
    answer = visit(path, host=host)
    assert (answer.status, answer.content) == (200, f"<p>{key}</p>")
    assert answer.getheader("content-type") == "text/html"
    head = visit(path, method="HEAD", host=host)
    assert (head.status, head.getheader("content-length")) == (200, str(len(answer.content)))


def test_conditions_and_ranges(visit):
    tag = visit("/").getheader("etag")
    assert visit("/", **{"if-none-match": tag}).status == 304
    part = visit("/", range="bytes=1-1")
    assert (part.status, part.content) == (206, "p")


@pytest.mark.parametrize(
    ("path", "status", "location"),
    [
        ("/docs", 302, "/docs/"),
        ("/moved", 301, "https://new.example/"),
        ("/old/index.html", 302, "http://site.s3-website.localhost:PORT/docs/index.html"),
    ],
)
def test_redirects(visit, site, path, status, location):
    answer = visit(path)
    assert (answer.status, answer.getheader("location")) == (status, location.replace("PORT", str(site.port)))


def test_errors(visit):
    answer = visit("/none")
    assert (answer.status, answer.content) == (404, "<p>404.html</p>")
    assert answer.getheader("x-amz-error-code") == "NoSuchKey"
    answer = visit("/", host="nobody.s3-website.localhost")
    assert answer.status == 404
    assert answer.getheader("content-type").startswith("text/html")
    assert "<li>Code: NoSuchBucket</li>" in answer.content
    answer = visit("/", method="PUT")
    assert answer.status == 405
    assert "<li>Code: MethodNotAllowed</li>" in answer.content


def test_what_nobody_may_read(visit, site):
    for path in ("/", "/docs", "/none"):
        answer = visit(path, host="closed.s3-website.localhost")
        assert answer.status == 403
        assert "<p>" not in answer.content
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", "/site/index.html")
        assert connection.getresponse().status == 403
