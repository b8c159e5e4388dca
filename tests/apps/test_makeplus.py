"""MakePlus, row by row: events with PDF programmes and guides, behind nginx with TLS."""

import json
import re
import subprocess
import time

import pytest

from files import pdf
from web import File, multipart

KEY = {
    "programme_file": re.compile(r"events/programmes/[0-9a-f]{32}\.pdf"),
    "guide_file": re.compile(r"events/guides/[0-9a-f]{32}\.pdf"),
}


def document(name="programme.pdf", **settings):
    return File(name, pdf(**settings), "application/pdf")


def both(programme="One", guide="Two"):
    return {"programme": document(title=programme), "guide": document("guide.pdf", title=guide)}


def keys_of(makeplus, event):
    return {name: makeplus.key(event[name]) for name in KEY if event[name]}


def test_key_layout(makeplus, mode):
    event = makeplus.event(**both()).expect(201).json
    keys = keys_of(makeplus, event)
    for name, key in keys.items():
        assert KEY[name].fullmatch(key), key
    makeplus.site.expect_at(mode, *keys.values())
    (record,) = [row for row in makeplus.records() if row["id"] == event["id"]]
    assert {name: record[name] for name in KEY} == keys
    assert not [value for value in record.values() if isinstance(value, bytes) or "PDF-" in str(value)]


# How clients write forms: boundary, whether parts say their type, and the order of parts.
CLIENTS = {
    "flutter": ("dart-http-boundary-Yh3aGp7nJq+0bXv2T5mZ", "application/octet-stream", False),
    "react": ("----WebKitFormBoundary7MA4YWxkTrZu0gW", "application/pdf", False),
    "angular": ("----WebKitFormBoundaryAbCdEfGhIjKlMnOp", "application/pdf", True),
    "mobile": ("Boundary-1F5A2B3C-0D4E-4F6A-8B7C-9D0E1F2A3B4C", "application/pdf", True),
    "postman": ("--------------------------618273645182736451827364", "application/pdf", False),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_uploads(makeplus, client):
    boundary, content_type, files_first = CLIENTS[client]
    one, two = pdf("One", seed=1), pdf("Two", seed=2)
    texts = [("title", "Messe “Ünï”"), ("starts_at", "2030-05-01T18:00:00Z")]
    files = [
        ("programme_file", File("programme.pdf", one, content_type)),
        ("guide_file", File("guide.PDF", two, content_type)),
    ]
    kind, body = multipart(files + texts if files_first else texts + files, boundary)
    answer = makeplus.as_("manager").post("/api/events/", body=body, content_type=kind)
    event = answer.expect(201).json
    assert event["title"] == "Messe “Ünï”"
    assert makeplus.web.get(event["programme_file"]).expect(200).body == one
    assert makeplus.web.get(event["guide_file"]).expect(200).body == two


def test_uploads_by_curl(makeplus, tmp_path):
    for name in ("programme", "guide"):
        (tmp_path / f"{name}.pdf").write_bytes(pdf(name))
    done = subprocess.run(
        [
            "curl", "-sS", "--cacert", makeplus.front.trust,
            "-H", f"Authorization: Bearer {makeplus.token('manager')}",
            "-F", "title=By curl", "-F", "starts_at=2030-05-01T18:00:00Z",
            "-F", "programme_file=@programme.pdf", "-F", "guide_file=@guide.pdf;type=application/pdf",
            f"{makeplus.front.url('site')}/api/events/",
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    event = json.loads(done.stdout)
    assert makeplus.web.get(event["guide_file"]).expect(200).body == pdf("guide")


def test_life_cycle(makeplus):
    site, manager = makeplus.site, makeplus.as_("manager")
    before = set(site.keys())
    event = makeplus.event(**both()).expect(201).json
    url, first = f"/api/events/{event['id']}/", keys_of(makeplus, event)
    assert set(site.keys()) - before == set(first.values())
    assert manager.get(url).expect(200).json == event
    # PATCH may replace one.
    patched = manager.patch(url, form={"guide_file": document("new.pdf", title="Three")}).expect(200).json
    second = keys_of(makeplus, patched)
    assert second["programme_file"] == first["programme_file"]
    assert second["guide_file"] != first["guide_file"]
    assert set(site.keys()) - before == set(second.values())
    assert makeplus.web.get(patched["guide_file"]).expect(200).body == pdf("Three")
    assert makeplus.web.get(event["guide_file"]).status in (403, 404)
    # PATCH of something else leaves the files alone.
    manager.patch(url, data={"title": "Another"}).expect(200)
    assert set(site.keys()) - before == set(second.values())
    # PUT replaces the file.
    form = {"title": "Put", "starts_at": "2031-01-01T00:00:00Z", "programme_file": document(title="Four")}
    put = manager.put(url, form=form).expect(200).json
    third = keys_of(makeplus, put)
    assert third["programme_file"] != second["programme_file"]
    assert makeplus.web.get(put["programme_file"]).expect(200).body == pdf("Four")
    assert set(site.keys()) - before == set(third.values())
    # DELETE removes both files.
    manager.delete(url).expect(204)
    assert set(site.keys()) == before
    manager.get(url).expect(404)


def test_life_cycle_list_is_small_and_fast(makeplus):
    for number in range(5):
        makeplus.event(title=f"Event {number}", **both()).expect(201)
    member, took = makeplus.as_("member"), []
    for _ in range(7):
        began = time.monotonic()
        answer = member.get("/api/events/").expect(200)
        took.append(time.monotonic() - began)
    events = answer.json["results"]
    assert len(events) >= 5 and len(answer.body) < 1000 * len(events)
    assert all(one["programme_file"].startswith(makeplus.front.url("site")) for one in events)
    # What else this machine does only ever adds to it.
    assert min(took) < 0.1, took


def test_authentication(makeplus):
    event = makeplus.event(**both()).expect(201).json
    url, web = f"/api/events/{event['id']}/", makeplus.web
    change = {"title": "Changed"}
    for method in ("GET", "PATCH", "DELETE"):
        web(method, url).expect(401)
        web.with_headers(authorization="Bearer not.a.token")(method, url).expect(401)
    web.post("/api/token/", data={"username": "manager", "password": "wrong"}).expect(401)
    before = makeplus.site.keys()
    for name in ("member", "editor"):
        makeplus.event(name).expect(403)
        makeplus.as_(name).patch(url, data=change).expect(403)
        makeplus.as_(name).delete(url).expect(403)
        makeplus.as_(name).post("/api/uploads/", data={"field": "guide_file"}).expect(403)
        makeplus.as_(name).get(url).expect(200)
    assert makeplus.site.keys() == before
    # An editor of the event changes it, and does not remove it.
    makeplus.as_("manager").patch(url, data={"editors": [2]}).expect(200)
    makeplus.as_("editor").patch(url, data=change).expect(200)
    makeplus.as_("member").patch(url, data=change).expect(403)
    makeplus.as_("editor").delete(url).expect(403)


BAD = {
    "another extension": (File("programme.txt", pdf(), "application/pdf"), "end in .pdf"),
    "no extension": (File("programme", pdf(), "application/pdf"), "end in .pdf"),
    "two extensions": (File("programme.pdf.exe", pdf(), "application/pdf"), "end in .pdf"),
    "a program": (File("programme.pdf", b"MZ\x90\0" + bytes(500), "application/pdf"), "not a PDF"),
    "a page": (File("programme.pdf", b"<html><script>", "application/pdf"), "not a PDF"),
    "too large": (File("programme.pdf", pdf() + b"\n" * (10 << 20), "application/pdf"), "10 MB"),
}


@pytest.mark.parametrize("what", BAD)
def test_upload_checks(makeplus, what):
    file, why = BAD[what]
    before = makeplus.site.keys()
    answer = makeplus.event(programme=file).expect(400)
    assert why in answer.json["programme_file"][0]
    assert makeplus.site.keys() == before


def test_upload_checks_take_exactly_10_mb(makeplus):
    body = pdf(size=5)
    body += b"\n" * ((10 << 20) - len(body))
    event = makeplus.event(programme=File("a.pdf", body, "application/pdf")).expect(201).json
    assert makeplus.web.get(event["programme_file"]).expect(200).body == body


@pytest.mark.parametrize("name", ["../../../etc/cron.d/x.pdf", "/etc/passwd.pdf", "a;rm -rf.pdf", "..%2f..%2fx.pdf", "same.pdf"])
def test_upload_checks_of_names(makeplus, name):
    """Names are unique, and no part of what a user sends is in a path."""
    file = File(name, pdf(), "application/pdf")
    keys = set()
    for _ in range(2):
        event = makeplus.event(programme=file).expect(201).json
        key = makeplus.key(event["programme_file"])
        assert KEY["programme_file"].fullmatch(key)
        keys.add(key)
    assert len(keys) == 2
    files = [path.name for path in makeplus.site.gateway.data.rglob("*") if path.is_file()]
    assert not [one for one in files if "passwd" in one or "cron" in one or "same" in one]
