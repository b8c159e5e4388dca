"""What people do in a browser: upload an avatar and a PDF, and see them."""

import json

import pytest


from browser import Browser
from files import pdf, png
from waiting import eventually


@pytest.fixture
def browse(tmp_path):
    """Starts browsers: `browse(certificates to trust…)`."""
    started = []

    def start(*certificates):
        started.append(Browser(tmp_path, *certificates))
        return started[-1]

    yield start
    for one in started:
        one.close()


def test_an_avatar_is_uploaded_and_seen(videovote, mode, browse, tmp_path):
    picture = tmp_path / "profile.png"
    picture.write_bytes(png(width=40, height=30))
    user = videovote.user("Grace")
    page = browse().page(f"{videovote.application.base}/users/{user}")
    assert page.run("document.querySelector('#avatar')") is None
    page.choose("#file", picture)
    page.click("#send")
    page.wait("document.querySelector('#avatar') && document.querySelector('#avatar').complete")
    seen = page.run(
        "(({src, naturalWidth, naturalHeight}) => [src, naturalWidth, naturalHeight])"
        "(document.querySelector('#avatar'))"
    )
    key = f"avatars/user_{user}_avatar_profile.png"
    assert seen == [f"{videovote.site.gateway.endpoint}/{videovote.site.bucket}/{key}", 40, 30]
    assert videovote.site.get(key) == picture.read_bytes()
    videovote.site.expect_at(mode, key)
    (shown,) = [line for line in videovote.site.access_log(key=key, method="GET") if "Chrome" in line["user_agent"]]
    assert (shown["status"], shown.get("access_key")) == (200, None)


def test_a_pdf_is_uploaded_and_opened_by_ranges(makeplus, mode, browse, tmp_path):
    """The page signs in, sends the file to the bucket itself by a signed form, from another origin,
    and the browser's viewer shows it."""
    content = pdf("Browser", pages=30, size=3_000_000)
    (tmp_path / "programme.pdf").write_bytes(content)
    browser = browse(makeplus.front.trust)
    page = browser.page(f"{makeplus.front.url('site')}/upload/")
    page.choose("#file", tmp_path / "programme.pdf")
    for field, text in {"user": "manager", "password": "manager-password", "title": "By a browser"}.items():
        page.type(f"#{field}", text)
    page.click("#send")
    state = page.wait("document.querySelector('#state').textContent")
    assert state.startswith("created "), state
    url = state.removeprefix("created ")
    key = makeplus.key(url)
    assert makeplus.site.get(key) == content
    makeplus.site.expect_at(mode, key)
    (post,) = [line for line in makeplus.site.access_log(method="POST", bucket="media") if line["status"] == 201]
    assert post["access_key"] == makeplus.site.key.access and "Chrome" in post["user_agent"]
    # The browser's viewer opens it.
    eventually(lambda: url in browser.frames(), 30, lambda: f"a viewer among {browser.frames()}")
    viewed = [one for one in makeplus.site.access_log(key=key, method="GET") if "Chrome" in one["user_agent"]]
    assert viewed and viewed[0]["status"] in (200, 206)
    # It is read by ranges, too.
    parts = page.run(
        "(async (url) => { const parts = [];"
        " for (const range of ['bytes=0-1023', 'bytes=-1024', 'bytes=1000000-1065535']) {"
        "  const answer = await fetch(url, { headers: { range }, cache: 'no-store' });"
        "  parts.push([answer.status, answer.headers.get('content-range'),"
        "   answer.headers.get('content-type'), (await answer.arrayBuffer()).byteLength]); }"
        f" return parts; }})({json.dumps(url)})"
    )
    size = len(content)
    assert parts == [
        [206, f"bytes 0-1023/{size}", "application/pdf", 1024],
        [206, f"bytes {size - 1024}-{size - 1}/{size}", "application/pdf", 1024],
        [206, f"bytes 1000000-1065535/{size}", "application/pdf", 65536],
    ]
    asked = [one["status"] for one in makeplus.site.access_log(key=key, method="GET")]
    assert asked.count(206) >= 3


def test_a_page_of_another_origin_is_refused(makeplus, browse):
    """CORS allows the site's own pages, and no others."""
    browser = browse(makeplus.front.trust)
    script = (
        "fetch({url}, {{ method: 'PUT', body: 'x', headers: {{ 'content-type': 'text/plain' }} }})"
        ".then((answer) => answer.status, (error) => 'blocked')"
    )
    target = json.dumps(f"{makeplus.front.url('s3')}/media/events/programmes/x.pdf")
    own = browser.page(f"{makeplus.front.url('site')}/upload/")
    assert own.run(script.format(url=target)) == 403
    foreign = browser.page(f"{makeplus.front.url('cdn')}/media/none")
    assert foreign.run(script.format(url=target)) == "blocked"
