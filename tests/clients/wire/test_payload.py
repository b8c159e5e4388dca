"""Bodies: literal hashes, aws-chunked framing with and without signatures, trailers, digests."""

import hashlib

import pytest

import sigv4
from crc import checksum
from s3check import absent

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
BODY = bytes(range(256)) * 1200  # 307,200 bytes: a file of its own
PIECES = [BODY[:65536], BODY[65536:131072], BODY[131072:]]


def signed_chunks(signing, pieces, trailer=None, spoil=None):
    """The body of a signed aws-chunked upload; `spoil` gives one chunk a wrong signature."""
    out, previous = [], signing.signature
    for number, piece in enumerate([*pieces, b""]):
        previous = signing.chunk(piece, previous)
        shown = "0" * 64 if spoil == number else previous
        out.append(f"{len(piece):x};chunk-signature={shown}\r\n".encode() + piece)
        out.append(b"\r\n" if piece or trailer is None else b"")
    if trailer is not None:
        signature = signing.trailer(trailer.encode() + b"\n", previous)
        shown = "0" * 64 if spoil == "trailer" else signature
        out.append(f"{trailer}\r\nx-amz-trailer-signature:{shown}\r\n\r\n".encode())
    return b"".join(out)


def unsigned_chunks(pieces, trailer, end="\r\n"):
    out = [f"{len(p):x}\r\n".encode() + p + b"\r\n" for p in pieces]
    return b"".join(out) + f"0\r\n{trailer}{end}\r\n".encode()


def head(speak, bucket, mode, length=len(BODY), key="k", trailer=None, **extra):
    headers = [("content-encoding", "aws-chunked")]
    if length is not None:
        headers.append(("x-amz-decoded-content-length", str(length)))
    if trailer:
        headers.append(("x-amz-trailer", trailer))
    return speak.sign("PUT", f"/{bucket}/{key}", payload=mode, headers=headers, **extra)


def stored(s3, bucket, key="k"):
    got = s3.get_object(Bucket=bucket, Key=key)
    assert "ContentEncoding" not in got
    return got["Body"].read()


def test_a_literal_hash(speak, s3, bucket):
    wrong = hashlib.sha256(b"other").hexdigest()
    response = speak.call("PUT", f"/{bucket}/k", BODY, payload=wrong)
    assert (response.status, response.code) == (400, "XAmzContentSHA256Mismatch")
    assert response.error.findtext("ClientComputedContentSHA256") == wrong
    assert response.error.findtext("S3ComputedContentSHA256") == hashlib.sha256(BODY).hexdigest()
    assert absent(s3, bucket, "k")


def test_unsigned(speak, s3, bucket):
    assert speak.call("PUT", f"/{bucket}/k", BODY, payload=sigv4.UNSIGNED).status == 200
    assert stored(s3, bucket) == BODY


@pytest.mark.parametrize("pieces", [PIECES, [BODY], [BODY[i : i + 1] for i in range(99)], []])
def test_signed_chunks(speak, s3, bucket, pieces):
    body = b"".join(pieces)
    request = head(speak, bucket, SIGNED, len(body))
    assert speak.send(request, signed_chunks(request.signing, pieces)).status == 200
    assert stored(s3, bucket) == body


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
def test_signed_trailers(speak, s3, bucket, algorithm):
    name = f"x-amz-checksum-{algorithm.lower()}"
    request = head(speak, bucket, SIGNED_TRAILER, trailer=name)
    line = f"{name}:{checksum(algorithm, BODY)}"
    response = speak.send(request, signed_chunks(request.signing, PIECES, line))
    assert response.status == 200, response.body
    assert response.get(name) == checksum(algorithm, BODY)
    assert stored(s3, bucket) == BODY


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"])
@pytest.mark.parametrize("end", ["\r\n", "\n", "\n\r\n"], ids=["CRLF", "LF", "LF-CRLF"])
def test_unsigned_trailers(speak, s3, bucket, algorithm, end):
    name = f"x-amz-checksum-{algorithm.lower()}"
    request = head(speak, bucket, UNSIGNED_TRAILER, trailer=name)
    body = unsigned_chunks(PIECES, f"{name}:{checksum(algorithm, BODY)}", end)
    response = speak.send(request, body)
    assert response.status == 200, response.body
    assert stored(s3, bucket) == BODY


def test_chunks_within_http_chunks(speak, s3, bucket, dial):
    name = "x-amz-checksum-crc32"
    request = head(speak, bucket, UNSIGNED_TRAILER, trailer=name)
    body = unsigned_chunks(PIECES, f"{name}:{checksum('CRC32', BODY)}")
    connection = dial()
    request.headers.append(("transfer-encoding", "chunked"))
    connection.send_head("PUT", request.target, request.headers)
    for start in range(0, len(body), 10_007):
        piece = body[start : start + 10_007]
        connection.send(f"{len(piece):X}\r\n".encode() + piece + b"\r\n")
    connection.send(b"0\r\n\r\n")
    assert connection.read("PUT").status == 200
    assert stored(s3, bucket) == BODY


@pytest.mark.parametrize("spoil", [0, 1, 3])
def test_a_wrong_chunk_signature(speak, s3, bucket, spoil):
    request = head(speak, bucket, SIGNED)
    response = speak.send(request, signed_chunks(request.signing, PIECES, spoil=spoil))
    assert (response.status, response.code) == (403, "SignatureDoesNotMatch")
    assert absent(s3, bucket, "k")


def test_a_wrong_trailer_signature(speak, s3, bucket):
    name = "x-amz-checksum-crc32"
    request = head(speak, bucket, SIGNED_TRAILER, trailer=name)
    line = f"{name}:{checksum('CRC32', BODY)}"
    response = speak.send(request, signed_chunks(request.signing, PIECES, line, spoil="trailer"))
    assert (response.status, response.code) == (403, "SignatureDoesNotMatch")
    assert absent(s3, bucket, "k")


def test_a_wrong_trailer_checksum(speak, s3, bucket):
    name = "x-amz-checksum-crc32"
    line = f"{name}:{checksum('CRC32', b'other')}"
    request = head(speak, bucket, UNSIGNED_TRAILER, trailer=name)
    response = speak.send(request, unsigned_chunks(PIECES, line))
    assert (response.status, response.code) == (400, "BadDigest")
    request = head(speak, bucket, SIGNED_TRAILER, trailer=name)
    response = speak.send(request, signed_chunks(request.signing, PIECES, line))
    assert (response.status, response.code) == (400, "BadDigest")
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize(
    ("announced", "line", "code"),
    [
        ("x-amz-checksum-crc32", "", "MalformedTrailerError"),
        ("x-amz-checksum-crc32", "x-amz-checksum-sha1:AAAA", "MalformedTrailerError"),
        ("x-amz-something", "x-amz-something:1", "InvalidRequest"),
        ("x-amz-checksum-crc32", "x-amz-checksum-crc32:not base64", ("InvalidRequest", "MalformedTrailerError")),
    ],
    ids=["missing", "another", "unknown", "malformed"],
)
def test_trailers_that_do_not_fit(speak, s3, bucket, announced, line, code):
    request = head(speak, bucket, UNSIGNED_TRAILER, trailer=announced)
    response = speak.send(request, unsigned_chunks(PIECES, line, "\r\n" if line else ""))
    assert response.status == 400, response.body
    assert response.code in ((code,) if isinstance(code, str) else code)
    assert absent(s3, bucket, "k")


def test_a_decoded_length_is_needed(speak, s3, bucket):
    for length in (None, "many"):
        request = head(speak, bucket, UNSIGNED_TRAILER, length, trailer="x-amz-checksum-crc32")
        response = speak.send(request, unsigned_chunks(PIECES, ""))
        assert (response.status, response.code) == (411, "MissingContentLength")
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("length", [0, len(BODY) - 1, len(BODY) + 1])
def test_a_decoded_length_that_is_wrong(speak, s3, bucket, length):
    request = head(speak, bucket, SIGNED, length)
    response = speak.send(request, signed_chunks(request.signing, PIECES))
    assert (response.status, response.code) == (400, "IncompleteBody")
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\r\n",
        b"zz\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhel",
        b"5\r\nhelloworld0\r\n\r\n",
        b"5\nhello\n0\n\n",
        b"5\r\nhello\r\n",
        b"ffffffffffffffffffff\r\nhello\r\n0\r\n\r\n",
        b"7fffffffffffffff\r\nhello",
        b"5;" + b"x" * 70_000 + b"\r\nhello\r\n0\r\n\r\n",
        b"5;chunk-signature=short\r\nhello\r\n0\r\n\r\n",
        b"0\r\n" + b"x-amz-checksum-crc32:" + b"A" * 70_000 + b"\r\n\r\n",
    ],
    ids=lambda b: ascii(b[:16]),
)
@pytest.mark.parametrize("mode", [UNSIGNED_TRAILER, SIGNED, SIGNED_TRAILER])
def test_broken_framing(speak, s3, bucket, mode, body):
    trailer = None if mode == SIGNED else "x-amz-checksum-crc32"
    request = head(speak, bucket, mode, 5, trailer=trailer)
    response = speak.send(request, body)
    assert response.status in (400, 403), response.body
    assert response.code in (
        "IncompleteBody",
        "InvalidRequest",
        "InvalidChunkSizeError",
        "MalformedTrailerError",
        "SignatureDoesNotMatch",
    )
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("mode", [f"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD{s}" for s in ("", "-TRAILER")])
def test_elliptic_curves_are_not_served(speak, s3, bucket, mode):
    response = speak.send(head(speak, bucket, mode), b"0\r\n\r\n")
    assert (response.status, response.code) == (501, "NotImplemented")
    assert absent(s3, bucket, "k")


def test_streaming_elsewhere_is_refused(speak, bucket):
    for method, path, query in (
        ("GET", f"/{bucket}", []),
        ("POST", f"/{bucket}", [("delete", "")]),
        ("PUT", f"/{bucket}", [("tagging", "")]),
    ):
        response = speak.call(method, path, query=query, payload=SIGNED)
        assert response.status in (400, 411), response.body
        assert response.code in ("InvalidRequest", "MissingContentLength")


def test_an_encoding_token_alone_is_no_framing(speak, s3, bucket):
    for encoding, kept in (("aws-chunked", None), ("gzip,AWS-Chunked", "gzip"), ("aws-chunked, br", "br")):
        request = speak.sign("PUT", f"/{bucket}/k", b"literal", headers=[("content-encoding", encoding)])
        assert speak.send(request, b"literal").status == 200
        got = s3.get_object(Bucket=bucket, Key="k")
        assert (got["Body"].read(), got.get("ContentEncoding")) == (b"literal", kept)


def test_parts_are_streamed_too(speak, s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    request = speak.sign(
        "PUT",
        f"/{bucket}/k",
        payload=SIGNED,
        query=[("partNumber", "1"), ("uploadId", upload)],
        headers=[("x-amz-decoded-content-length", str(len(BODY)))],
    )
    response = speak.send(request, signed_chunks(request.signing, PIECES))
    assert response.status == 200, response.body
    parts = {"Parts": [{"PartNumber": 1, "ETag": response.get("etag")}]}
    s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=upload, MultipartUpload=parts)
    assert stored(s3, bucket) == BODY


@pytest.mark.parametrize(
    "headers",
    [
        [("x-amz-checksum-crc32", checksum("CRC32", b"body")), ("x-amz-checksum-sha1", checksum("SHA1", b"body"))],
        [("x-amz-checksum-crc32", "")],
        [("x-amz-checksum-sha256", "AAAA")],
        [("x-amz-sdk-checksum-algorithm", "CRC32")],
        [("x-amz-sdk-checksum-algorithm", "SHA1"), ("x-amz-checksum-crc32", checksum("CRC32", b"body"))],
        [("x-amz-sdk-checksum-algorithm", "ROT13"), ("x-amz-checksum-crc32", checksum("CRC32", b"body"))],
    ],
    ids=["two", "empty", "short", "announced-only", "another", "unknown"],
)
def test_checksum_headers_that_do_not_fit(speak, s3, bucket, headers):
    response = speak.call("PUT", f"/{bucket}/k", b"body", headers=headers)
    assert response.status == 400, response.body
    assert response.code in ("InvalidRequest", "BadDigest", "InvalidArgument")
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("value", ["", "not base64", "AAAA"])
def test_content_md5_that_is_none(speak, s3, bucket, value):
    response = speak.call("PUT", f"/{bucket}/k", b"body", headers=[("content-md5", value)])
    assert (response.status, response.code) == (400, "InvalidDigest")
    assert absent(s3, bucket, "k")


def test_a_spoiled_overwrite_keeps_the_old_object(speak, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    speak.call("PUT", f"/{bucket}/k", BODY, payload="0" * 64)
    request = head(speak, bucket, SIGNED)
    speak.send(request, signed_chunks(request.signing, PIECES, spoil=2))
    assert stored(s3, bucket) == b"old"
