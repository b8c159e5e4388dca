"""XML documents that clients send: what is refused, and what odd but right forms are taken."""

import base64
import hashlib

import pytest

from s3check import absent, keys

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def md5(body):
    return base64.b64encode(hashlib.md5(body).digest()).decode()


@pytest.fixture
def delete(speak, bucket):
    def send(body, headers=None):
        body = body if isinstance(body, bytes) else body.encode()
        headers = [("content-md5", md5(body))] if headers is None else headers
        return speak.call("POST", f"/{bucket}", body, query=[("delete", "")], headers=headers)

    return send


@pytest.fixture
def stored(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    return lambda: not absent(s3, bucket, "k")


ONE = "<Object><Key>k</Key></Object>"
BOMB = (
    '<!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<Delete><Object><Key>&b;</Key></Object></Delete>"
)

MALFORMED = {
    "empty": "",
    "white": "  \n ",
    "text": "hello",
    "unclosed": f"<Delete>{ONE}",
    "mismatched": f"<Delete>{ONE}</Remove>",
    "wrong-root": f"<Remove>{ONE}</Remove>",
    "two-roots": f"<Delete>{ONE}</Delete><Delete>{ONE}</Delete>",
    "trailing-text": f"<Delete>{ONE}</Delete>more",
    "leading-text": f"more<Delete>{ONE}</Delete>",
    "doctype": f"<!DOCTYPE Delete><Delete>{ONE}</Delete>",
    "entity-bomb": BOMB,
    "external-entity": '<!DOCTYPE d [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<Delete><Object><Key>&x;</Key></Object></Delete>",
    "unknown-entity": "<Delete><Object><Key>&unknown;</Key></Object></Delete>",
    "no-object": "<Delete></Delete>",
    "no-key": "<Delete><Object></Object></Delete>",
    "empty-document": "<Delete/>",
    "not-utf8": b"<Delete><Object><Key>\xff\xfe</Key></Object></Delete>",
    "bad-quiet": f"<Delete><Quiet>maybe</Quiet>{ONE}</Delete>",
    "bad-reference": "<Delete><Object><Key>&#xFFFFFFFF;</Key></Object></Delete>",
}


@pytest.mark.parametrize("body", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_deletes(delete, stored, body):
    response = delete(body)
    assert (response.status, response.code) == (400, "MalformedXML"), response.body
    assert stored()


def test_a_truncated_document_at_every_place(speak, bucket, delete, stored):
    whole = f'<?xml version="1.0"?><Delete xmlns="{NAMESPACE}">{ONE}<Quiet>true</Quiet></Delete>'
    for end in range(0, len(whole), 7):
        response = delete(whole[:end])
        assert (response.status, response.code) == (400, "MalformedXML"), whole[:end]
    assert stored()


@pytest.mark.parametrize(
    "body",
    [
        f"<Delete>{ONE}</Delete>",
        f'<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="{NAMESPACE}">{ONE}</Delete>\n',
        f'<s:Delete xmlns:s="{NAMESPACE}"><s:Object><s:Key>k</s:Key></s:Object></s:Delete>',
        f"\ufeff<Delete>{ONE}</Delete>",
        "<Delete><Object><Key><![CDATA[k]]></Key></Object></Delete>",
        "<Delete><Object><Key>&#107;</Key></Object></Delete>",
        "<Delete><Object><Key>&#x6b;</Key></Object></Delete>",
        f"<Delete><Quiet>True</Quiet>{ONE}<Unknown><Nested/></Unknown></Delete>",
        f"<Delete><Object><Key>a</Key></Object><Quiet>false</Quiet>{ONE}</Delete>",
        f"<!-- note --><Delete>{ONE}<!-- note --></Delete><!-- note -->",
    ],
    ids=["plain", "declared", "prefixed", "mark", "cdata", "decimal", "hex", "unknown", "interleaved", "comments"],
)
def test_right_deletes(delete, stored, body):
    response = delete(body)
    assert response.status == 200, response.body
    assert not stored()


def test_the_text_of_a_key_counts(s3, bucket, delete):
    for key in (" k ", "\n", "a\tb", "<&>\"'", "\x01"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    body = (
        "<Delete><Object><Key> k </Key></Object><Object><Key>\n</Key></Object>"
        "<Object><Key>a\tb</Key></Object><Object><Key>&lt;&amp;&gt;&quot;&apos;</Key></Object>"
        "<Object><Key>&#1;</Key></Object></Delete>"
    )
    assert delete(body).status == 200
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_an_empty_key_is_no_bucket(s3, bucket, delete, stored):
    response = delete("<Delete><Object><Key></Key></Object></Delete>")
    assert response.status in (200, 400)
    assert response.status == 400 or b"<Error>" in response.body
    assert stored()
    s3.head_bucket(Bucket=bucket)


def test_a_digest_is_needed(delete, stored):
    body = f"<Delete>{ONE}</Delete>"
    response = delete(body, headers=[])
    assert (response.status, response.code) == (400, "InvalidRequest")
    response = delete(body, headers=[("content-md5", md5(b"other"))])
    assert (response.status, response.code) == (400, "BadDigest")
    response = delete(body, headers=[("x-amz-checksum-crc32", "AAAAAA==")])
    assert (response.status, response.code) == (400, "BadDigest")
    assert stored()


def test_a_document_over_the_limit(delete, stored):
    response = delete("<Delete>" + " " * 6_000_000 + f"{ONE}</Delete>")
    assert response.status == 400
    assert response.code in ("MalformedXML", "EntityTooLarge", "MaxMessageLengthExceeded")
    assert stored()


@pytest.fixture
def complete(speak, s3, bucket):
    """Completes an upload of one part with the document that a test gives."""
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")

    def send(text):
        body = text.replace("ETAG", part["ETag"].strip('"')).encode()
        return speak.call("POST", f"/{bucket}/k", body, query=[("uploadId", upload)])

    return send


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "MalformedXML"),
        ("<CompleteMultipartUpload/>", "MalformedXML"),
        ("<Complete><Part><PartNumber>1</PartNumber><ETag>ETAG</ETag></Part></Complete>", "MalformedXML"),
        ("<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", "MalformedXML"),
        ("<CompleteMultipartUpload><Part><ETag>ETAG</ETag></Part></CompleteMultipartUpload>", "MalformedXML"),
        (
            "<CompleteMultipartUpload><Part><PartNumber>one</PartNumber><ETag>ETAG</ETag></Part>"
            "</CompleteMultipartUpload>",
            "MalformedXML",
        ),
        (
            "<CompleteMultipartUpload><Part><PartNumber>0</PartNumber><ETag>ETAG</ETag></Part>"
            "</CompleteMultipartUpload>",
            "InvalidArgument",
        ),
        (
            "<CompleteMultipartUpload><Part><PartNumber>-1</PartNumber><ETag>ETAG</ETag></Part>"
            "</CompleteMultipartUpload>",
            "InvalidArgument",
        ),
        (
            "<CompleteMultipartUpload><Part><PartNumber>2</PartNumber><ETag>ETAG</ETag></Part>"
            "</CompleteMultipartUpload>",
            "InvalidPart",
        ),
    ],
    ids=["empty", "no-parts", "root", "no-etag", "no-number", "text", "zero", "negative", "unknown"],
)
def test_completions_that_are_refused(complete, s3, bucket, text, code):
    response = complete(text)
    assert (response.status, response.code) == (400, code), response.body
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("etag", ["ETAG", '"ETAG"', "&quot;ETAG&quot;", "&#34;ETAG&#34;"])
def test_completions_that_are_taken(complete, s3, bucket, etag):
    text = f"<Part><ETag>{etag}</ETag><PartNumber>1</PartNumber></Part>"
    response = complete(f"<CompleteMultipartUpload>{text}</CompleteMultipartUpload>")
    assert response.status == 200
    # The declaration is the very first of it, whatever else comes before the root.
    assert response.body.startswith(b"<?xml")
    assert not absent(s3, bucket, "k")


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<Tags/>",
        "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
        "<Tagging><TagSet><Tag><Value>a</Value></Tag></TagSet></Tagging>",
        "<Tagging>",
        "<!DOCTYPE x><Tagging><TagSet/></Tagging>",
    ],
)
def test_malformed_tags(speak, s3, bucket, stored, body):
    for path in (f"/{bucket}/k", f"/{bucket}"):
        response = speak.call(
            "PUT", path, body.encode(), query=[("tagging", "")], headers=[("content-md5", md5(body.encode()))]
        )
        assert (response.status, response.code) == (400, "MalformedXML"), response.body
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []


def test_an_empty_tag_key(speak, stored, bucket):
    body = b"<Tagging><TagSet><Tag><Key></Key><Value>v</Value></Tag></TagSet></Tagging>"
    response = speak.call(
        "PUT", f"/{bucket}/k", body, query=[("tagging", "")], headers=[("content-md5", md5(body))]
    )
    assert (response.status, response.code) == (400, "InvalidTag")


@pytest.mark.parametrize(
    "body",
    ["<Create/>", "<CreateBucketConfiguration>", "junk", "<!DOCTYPE x><CreateBucketConfiguration/>"],
)
def test_malformed_bucket_configuration(speak, body):
    response = speak.call("PUT", "/never-made-bucket", body.encode())
    assert (response.status, response.code) == (400, "MalformedXML")
    assert speak.call("HEAD", "/never-made-bucket").status == 404


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<CreateBucketConfiguration/>",
        f'<CreateBucketConfiguration xmlns="{NAMESPACE}"><LocationConstraint>us-east-1'
        "</LocationConstraint></CreateBucketConfiguration>",
        f'<CreateBucketConfiguration xmlns="{NAMESPACE}"><LocationConstraint></LocationConstraint>'
        "</CreateBucketConfiguration>",
    ],
)
def test_bucket_configuration_that_is_taken(speak, s3, body):
    response = speak.call("PUT", "/made-by-document", body.encode())
    assert response.status == 200, response.body
    s3.delete_bucket(Bucket="made-by-document")
