"""Forms as boto3, curl and browsers send them."""

import hashlib
import json
import os
import shutil
import subprocess
import urllib.parse
import xml.etree.ElementTree as ElementTree

import pytest

import forms
from gateway import MAIN

MIB = 1 << 20
CONTENT = bytes(range(256)) * 8


def read(s3, bucket, key):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_a_presigned_post_of_boto3(client, s3, bucket, signature):
    signer = client(signature_version=signature)
    presigned = signer.generate_presigned_post(
        bucket,
        "in/${filename}",
        Fields={"Content-Type": "image/jpeg", "x-amz-meta-colour": "red", "acl": "private"},
        Conditions=[
            ["starts-with", "$Content-Type", "image/"],
            {"x-amz-meta-colour": "red"},
            {"acl": "private"},
            ["content-length-range", 1, MIB],
        ],
    )
    answer = forms.post_presigned(presigned, CONTENT, name="a cat.jpg")
    assert answer.status == 204, answer.data
    assert answer.headers["etag"].strip('"') == hashlib.md5(CONTENT).hexdigest()
    head = s3.head_object(Bucket=bucket, Key="in/a cat.jpg")
    assert head["ContentType"] == "image/jpeg"
    assert head["Metadata"] == {"colour": "red"}
    assert read(s3, bucket, "in/a cat.jpg") == CONTENT


def test_every_success_answer(s3, gateway, bucket):
    open_to_all = [
        {"bucket": bucket},
        ["starts-with", "$key", ""],
        ["starts-with", "$success_action_status", ""],
        ["starts-with", "$success_action_redirect", ""],
    ]
    signed = forms.signed_v4(MAIN, open_to_all)

    def answer(status, redirect=""):
        fields = [
            ("key", "a b/c"),
            *signed,
            ("success_action_status", status),
            ("success_action_redirect", redirect),
        ]
        return forms.post(gateway.endpoint, bucket, fields, b"x")

    assert (answer("200").status, answer("200").data) == (200, b"")
    assert (answer("204").status, answer("999").status) == (204, 204)
    created = answer("201")
    assert created.status == 201
    document = ElementTree.fromstring(created.data)
    assert document.tag == "PostResponse"
    etag = f'"{hashlib.md5(b"x").hexdigest()}"'
    assert [document.findtext(name) for name in ("Bucket", "Key", "ETag")] == [bucket, "a b/c", etag]
    assert document.findtext("Location") == f"{gateway.endpoint}/{bucket}/a%20b/c"
    redirected = answer("201", "http://127.0.0.1:1/done?from=form")
    assert redirected.status == 303
    target = urllib.parse.urlsplit(redirected.headers["location"])
    assert dict(urllib.parse.parse_qsl(target.query)) == {
        "from": "form", "bucket": bucket, "key": "a b/c", "etag": etag,
    }
    assert answer("201", "not an address").status == 201


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(s3, bucket, tmp_path):
    (tmp_path / "report.pdf").write_bytes(CONTENT * 2000)
    presigned = s3.generate_presigned_post(bucket, "curl/${filename}")
    fields = [f"-F{name}={value}" for name, value in presigned["fields"].items()]
    command = ["curl", "-sS", "-o", "-", "-w", "%{http_code}", *fields]
    command += [f"-Ffile=@{tmp_path / 'report.pdf'}", presigned["url"]]
    done = subprocess.run(command, capture_output=True, timeout=60, check=True)
    assert done.stdout == b"204", done.stdout
    assert read(s3, bucket, "curl/report.pdf") == CONTENT * 2000


NODE = """
const { url, fields } = JSON.parse(process.argv[1]);
const form = new FormData();
for (const [name, value] of Object.entries(fields)) form.append(name, value);
form.append("file", new Blob([new Uint8Array(300000).fill(7)], { type: "image/png" }), "\\u00fc b.png");
const answer = await fetch(url, { method: "POST", body: form });
console.log(answer.status, await answer.text());
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")
def test_the_form_data_of_javascript(s3, bucket):
    presigned = s3.generate_presigned_post(bucket, "js/${filename}")
    command = ["node", "--input-type=module", "-e", NODE, json.dumps(presigned)]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.stdout.startswith(b"204"), (done.stdout, done.stderr)
    assert read(s3, bucket, "js/ü b.png") == b"\x07" * 300_000


def test_the_address_of_a_virtual_host(gateway, s3, bucket):
    signed = forms.signed_v4(MAIN, [{"bucket": bucket}, ["starts-with", "$key", ""]])
    host = {"host": f"{bucket}.s3.localhost:{gateway.port}"}
    body = forms.encode([("key", "k"), *signed], CONTENT)
    answer = forms.send(gateway.endpoint, "", body, headers=host)
    assert answer.status == 204, answer.data
    assert answer.headers["location"] == f"http://{host['host']}/k"
    assert read(s3, bucket, "k") == CONTENT


def test_fields_that_become_headers_and_tags(gateway, s3, bucket):
    tags = "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag></TagSet></Tagging>"
    fields = {
        "key": "k",
        "Cache-Control": "max-age=60",
        "Content-Disposition": "inline",
        "Expires": "whenever",
        "x-amz-meta-ü".replace("ü", "u"): "wert",
        "x-amz-storage-class": "STANDARD_IA",
        "tagging": tags,
    }
    conditions = [{"bucket": bucket}, *({name: value} for name, value in fields.items())]
    signed = forms.signed_v4(MAIN, conditions)
    more = [("x-amz-checksum-sha256", "lTmHKL2jNDb5cA6XHSXPp8JXqVHNxBsCbfbR0hBMtVE=")]
    wrong = forms.post(gateway.endpoint, bucket, [*fields.items(), *signed, *more], CONTENT)
    assert (wrong.status, b"BadDigest" in wrong.data) == (400, True), wrong.data
    answer = forms.post(gateway.endpoint, bucket, [*fields.items(), *signed], CONTENT)
    assert answer.status == 204, answer.data
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["CacheControl"] == "max-age=60"
    assert head["ContentDisposition"] == "inline"
    assert head["StorageClass"] == "STANDARD_IA"
    assert head["Metadata"] == {"u": "wert"}
    assert head["ContentType"] == "binary/octet-stream"
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]


def test_a_large_file_is_exact_around_every_piece(gateway, s3, bucket):
    signed = forms.signed_v4(MAIN, [{"bucket": bucket}, ["starts-with", "$key", ""]])
    for size in (0, 1, 131_071, 131_072, 131_073, 5 * MIB + 1):
        content = os.urandom(size) if size < MIB else (b"\r\n--" + forms.BOUNDARY[:-1].encode()) * (size // 42)
        answer = forms.post(gateway.endpoint, bucket, [("key", f"k{size}"), *signed], content)
        assert answer.status == 204, answer.data
        assert read(s3, bucket, f"k{size}") == content
