"""HTTP itself: lengths, Expect, truncation, limits, keep-alive and pipelining."""

import hashlib
import time

import pytest

import sigv4
from s3check import absent, read
from wire import Closed

MIB = 1 << 20


def test_no_length_at_all(speak, s3, bucket, dial):
    connection = dial()
    response = connection.request(speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED), length=False)
    assert (response.status, response.code) == (411, "MissingContentLength")
    assert absent(s3, bucket, "k")


def test_length_zero_is_an_empty_object(speak, s3, bucket):
    assert speak.call("PUT", f"/{bucket}/k").status == 200
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == 0


def test_http_chunks_without_framing_inside(speak, s3, bucket, dial):
    request = speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED)
    request.headers.append(("transfer-encoding", "chunked"))
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    connection.send_quietly(b"4\r\nbody\r\n0\r\n\r\n")
    response = connection.read("PUT")
    assert (response.status, response.code) == (411, "MissingContentLength")
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("length", ["-1", "abc", "1, 2", "", "99999999999999999999999"])
def test_lengths_that_are_none(speak, s3, bucket, dial, length):
    request = speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED)
    request.headers.append(("content-length", length))
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    assert connection.read("PUT").status in (400, 411)
    assert connection.closed_by_peer()
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("sent", [0, 1, 1000, 300_000])
def test_a_body_that_ends_early(speak, s3, bucket, dial, sent):
    request = speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED)
    request.headers.append(("content-length", "400000"))
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    connection.send(b"x" * sent)
    connection.half_close()
    try:
        response = connection.read("PUT")
        assert response.status == 400, response
    except Closed:
        pass
    assert absent(s3, bucket, "k")


def test_a_connection_dropped_within_a_body(speak, s3, bucket, dial):
    s3.put_object(Bucket=bucket, Key="k", Body=b"old")
    request = speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED)
    request.headers.append(("content-length", str(MIB)))
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    connection.send(b"x" * (MIB // 2))
    connection.close()
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"old"


def test_five_gibibytes_and_one(speak, s3, bucket, dial):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    for query in ([], [("partNumber", "1"), ("uploadId", upload)]):
        request = speak.sign("PUT", f"/{bucket}/k", payload=sigv4.UNSIGNED, query=query)
        request.headers += [("content-length", str(5 * 1024**3 + 1)), ("expect", "100-continue")]
        connection = dial()
        connection.send_head("PUT", request.target, request.headers)
        response = connection.read_any("PUT")
        assert (response.status, response.code) == (400, "EntityTooLarge")
        assert response.error.findtext("ProposedSize") == str(5 * 1024**3 + 1)
        assert response.error.findtext("MaxSizeAllowed") == str(5 * 1024**3)
        assert connection.closed_by_peer()
    assert absent(s3, bucket, "k")


def test_a_decoded_length_of_five_gibibytes_and_one(speak, s3, bucket):
    request = speak.sign(
        "PUT",
        f"/{bucket}/k",
        payload="STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        headers=[
            ("x-amz-decoded-content-length", str(5 * 1024**3 + 1)),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
        ],
    )
    response = speak.send(request, b"0\r\n\r\n")
    assert (response.status, response.code) == (400, "EntityTooLarge")
    assert absent(s3, bucket, "k")


def test_continue_comes_once_the_request_is_acceptable(speak, s3, bucket, dial):
    request = speak.sign("PUT", f"/{bucket}/k", b"body")
    request.headers += [("content-length", "4"), ("expect", "100-continue")]
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    assert connection.read_any("PUT").status == 100
    connection.send(b"body")
    assert connection.read("PUT").status == 200
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b"body"


def test_continue_does_not_come_for_what_is_refused(speak, bucket, dial):
    refusals = [
        (speak.sign("PUT", f"/{bucket}/k", b"body").header("authorization", None), 403),
        (speak.sign("PUT", "/no-such-bucket-here/k", b"body"), 404),
        (speak.sign("PUT", f"/{bucket}/k", b"body", headers=[("if-match", '"none"')]), 404),
        (speak.sign("PUT", f"/{bucket}/" + "x" * 1025, b"body"), 400),
        (speak.sign("PUT", f"/{bucket}/k", b"body", headers=[("content-md5", "no")]), 400),
    ]
    for request, status in refusals:
        request.headers += [("content-length", "4"), ("expect", "100-continue")]
        connection = dial()
        connection.send_head("PUT", request.target, request.headers)
        response = connection.read_any("PUT")
        assert response.status == status, response.body
        # The client has sent no body, so either side may only go on by closing.
        assert response.closes and connection.closed_by_peer()


def test_an_answer_to_an_empty_body_that_never_saw_continue_is_the_last(speak, s3, bucket, dial):
    """botocore can't read a second answer on a connection whose first came without the 100."""
    request = speak.sign("PUT", f"/{bucket}/k", b"")
    request.headers += [("content-length", "0"), ("expect", "100-continue")]
    connection = dial()
    connection.send_head("PUT", request.target, request.headers)
    response = connection.read_any("PUT")
    assert response.status == 200, response.body
    assert response.closes and connection.closed_by_peer()
    assert read(s3.get_object(Bucket=bucket, Key="k")) == b""


def test_an_error_is_delivered_to_a_client_in_full_flow(speak, bucket, dial):
    """The answer is readable although the client goes on sending a large body."""
    body = b"x" * (8 * MIB)
    for _ in range(5):
        request = speak.sign("PUT", "/no-such-bucket-here/k", payload=sigv4.UNSIGNED)
        response = dial().request(request, body)
        assert (response.status, response.code) == (404, "NoSuchBucket")


def test_many_headers(speak, bucket, dial):
    request = speak.sign("GET", f"/{bucket}")
    request.headers += [(f"x-custom-{n}", "v") for n in range(150)]
    assert dial().request(request).status == 200


def test_headers_over_the_limit(speak, s3, bucket, dial):
    for headers in ([("x-custom", "v" * 20_000)], [(f"x-custom-{n}", "v" * 100) for n in range(200)]):
        request = speak.sign("PUT", f"/{bucket}/k", b"x")
        request.headers += headers
        response = dial().request(request, b"x")
        assert (response.status, response.code) == (400, "RequestHeaderSectionTooLarge")
    assert absent(s3, bucket, "k")


def test_headers_beyond_all_measure(speak, bucket, dial):
    request = speak.sign("GET", f"/{bucket}")
    request.headers.append(("x-custom", "v" * 3_000_000))
    connection = dial()
    try:
        connection.send_head("GET", request.target, request.headers)
        assert connection.read().status in (400, 431)
    except ConnectionError:
        pass
    assert dial().request(speak.sign("GET", f"/{bucket}")).status == 200


@pytest.mark.parametrize(
    "junk",
    [
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\nhost: x\r\n\r\n",
        b"GET /<> HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nfolded: a\r\n b\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\nbad header: a\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ],
    ids=lambda b: ascii(b[:24]),
)
def test_junk(speak, bucket, dial, junk):
    connection = dial()
    connection.send(junk)
    connection.half_close()
    try:
        assert connection.read().status in (400, 403, 404, 405, 411, 505)
    except (Closed, ConnectionError):
        pass
    assert dial().request(speak.sign("GET", f"/{bucket}")).status == 200


def test_pipelining(speak, s3, bucket, dial):
    s3.put_object(Bucket=bucket, Key="k", Body=b"get")
    connection = dial()
    requests = [
        (speak.sign("PUT", f"/{bucket}/p{n}", f"body{n}".encode()), f"body{n}".encode())
        if n % 2
        else (speak.sign("GET", f"/{bucket}/k"), b"")
        for n in range(20)
    ]
    for request, body in requests:
        if body:
            request.headers.append(("content-length", str(len(body))))
        connection.send_head(request.method, request.target, request.headers)
        connection.send(body)
    for number, (request, _) in enumerate(requests):
        response = connection.read(request.method)
        assert response.status == 200
        assert response.body == (b"" if number % 2 else b"get")
    for number in range(1, 20, 2):
        assert read(s3.get_object(Bucket=bucket, Key=f"p{number}")) == f"body{number}".encode()


def test_keep_alive_over_many_requests(speak, bucket, dial):
    connection = dial()
    for number in range(100):
        body = bytes([number]) * number
        response = connection.request(speak.sign("PUT", f"/{bucket}/k", body), body)
        assert response.status == 200 and not response.closes
        response = connection.request(speak.sign("GET", f"/{bucket}/k"))
        assert response.body == body


def test_http_1_0_and_connection_close(speak, s3, bucket, dial):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    connection = dial()
    request = speak.sign("GET", f"/{bucket}/k")
    request.headers.append(("connection", "close"))
    response = connection.request(request)
    assert (response.status, response.body) == (200, b"body")
    assert connection.closed_by_peer()


def test_a_body_on_a_get_is_passed_over(speak, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"body")
    request = speak.sign("GET", f"/{bucket}/k", payload=hashlib.sha256(b"ignored").hexdigest())
    request.headers.append(("content-length", "7"))
    assert speak.send(request, b"ignored").status in (200, 400)


def test_no_answer_names_a_path_or_a_secret(speak, bucket, gateway):
    answers = [
        speak.call("GET", f"/{bucket}/none"),
        speak.call("PUT", f"/{bucket}/k", b"x", payload="0" * 64),
        speak.call("POST", f"/{bucket}", b"<x", query=[("delete", "")]),
    ]
    for answer in answers:
        text = answer.body.decode()
        assert str(gateway.data) not in text
        assert ".rs" not in text and "sled" not in text


def test_errors_carry_their_request_id(speak, bucket):
    response = speak.call("GET", f"/{bucket}/none")
    assert response.get("content-type") == "application/xml"
    assert response.error.findtext("RequestId") == response.get("x-amz-request-id")
    assert response.error.findtext("HostId") == response.get("x-amz-id-2")
    assert response.body.startswith(b"<?xml")


def test_head_errors_have_no_body(speak, bucket):
    for path, status in ((f"/{bucket}/none", 404), ("/no-such-bucket-here", 404)):
        response = speak.call("HEAD", path)
        assert (response.status, response.body) == (status, b"")
        assert response.get("x-amz-request-id")


def test_a_slow_client_holds_nobody_up(speak, s3, bucket, dial):
    """A body that trickles in leaves every other request its speed."""
    request = speak.sign("PUT", f"/{bucket}/slow", payload=sigv4.UNSIGNED)
    request.headers.append(("content-length", "1000000"))
    slow = [dial() for _ in range(20)]
    for connection in slow:
        connection.send_head("PUT", request.target, request.headers)
        connection.send(b"x")
    began = time.monotonic()
    for number in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{number}", Body=b"x")
    assert time.monotonic() - began < 10
    assert absent(s3, bucket, "slow")
