"""MakePlus's upload checks once more, at the gateway: for what never comes by the application."""

import contextlib

import pytest

from clamd import EICAR, Clamd, zipped
from connect import connect
from driving import prepare_makeplus
from files import pdf
from s3check import refused
from sites import Site
from web import File, Web

MIB = 1 << 20
RULES = """
[[rule]]
name = "event files"
bucket = "media"
prefix = "events/"
extensions = ["pdf"]
content_types = ["application/pdf"]
match_content = true
max_size = "10 MiB"
block_dangerous = true
antivirus = true

[antivirus]
address = "{address}"

"""
PROGRAM = b"MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00" + bytes(400)
# File name, content, status, code and a word of why.
REFUSED = {
    "another extension": ("a.txt", pdf(), 400, "InvalidArgument", "extension"),
    "a program": ("a.pdf", PROGRAM, 400, "InvalidArgument", "application/pdf"),
    "a byte too much": ("a.pdf", pdf() + b"\n" * (10 * MIB + 1 - len(pdf())), 400, "EntityTooLarge", "10485760"),
    "an archive behind it": ("a.pdf", pdf() + zipped("a.txt", b"a" * 500), 403, "AccessDenied", "archive"),
    "a virus": ("a.pdf", pdf() + EICAR, 403, "AccessDenied", "Eicar"),
}


@pytest.fixture(scope="module")
def ruled(server, mode, tmp_path_factory):
    """A gateway with rules and a scanner."""
    with contextlib.ExitStack() as stack:
        clamd = stack.enter_context(Clamd())
        directory = tmp_path_factory.mktemp("ruled")
        site = Site(server, directory, "media", mode, more=RULES.format(address=clamd.address))
        stack.enter_context(contextlib.closing(site))
        prepare_makeplus(site.start(), "https://makeplus.example.com")
        yield site


def uploads(site, name, content):
    """Ways in for a file, each of which gives status and answer."""
    app, web = connect(site.gateway, site.key), Web(site.gateway.endpoint)
    key = f"events/programmes/{name}"

    def signed():
        where = {"Bucket": site.bucket, "Key": key, "ContentType": "application/pdf"}
        url = app.generate_presigned_url("put_object", where, 60)
        return web.put(url, body=content, content_type="application/pdf")

    def form():
        fields = {"Content-Type": "application/pdf"}
        made = app.generate_presigned_post(site.bucket, key, fields, [fields], 60)
        return web.post(made["url"], form=[*made["fields"].items(), ("file", File(name, content))])

    return signed, form


@pytest.mark.parametrize("what", REFUSED)
def test_upload_checks_of_direct_uploads(ruled, what):
    name, content, status, code, why = REFUSED[what]
    for upload in uploads(ruled, name, content):
        answer = upload()
        text = answer.body.decode()
        assert (answer.status, code in text, why in text, "event files" in text) == (status, True, True, True), text
    app = connect(ruled.gateway, ruled.key)
    with refused(code, status):
        app.put_object(Bucket=ruled.bucket, Key=f"events/guides/{name}", Body=content, ContentType="application/pdf")
    assert ruled.keys() == [] and ruled.keys_there() == []


def test_upload_checks_take_what_is_right(ruled, mode):
    for number, upload in enumerate(uploads(ruled, "right.pdf", pdf() + b"\n" * (10 * MIB - len(pdf())))):
        assert upload().status in (200, 201, 204), number
        assert len(ruled.get("events/programmes/right.pdf")) == 10 * MIB
        ruled.expect_at(mode, "events/programmes/right.pdf")
        ruled.delete("events/programmes/right.pdf")
    ruled.drained()
