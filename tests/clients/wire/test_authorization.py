"""The Authorization header: every way to get it wrong, and the odd ways to get it right."""

import email.utils
import re

import pytest

import sigv4
from gateway import ALT, MAIN, Key
from s3check import absent


def authorization(request):
    return dict((k.lower(), v) for k, v in request.headers)["authorization"]


def test_right(speak, bucket):
    assert speak.call("PUT", f"/{bucket}/k", b"body").status == 200
    response = speak.call("GET", f"/{bucket}/k")
    assert (response.status, response.body) == (200, b"body")


@pytest.mark.parametrize(
    ("change", "code", "status"),
    [
        (lambda a: a.replace(", ", ","), None, 200),
        (lambda a: a.replace(", ", " ,  "), None, 200),
        (lambda a: re.sub(r"Credential=[^,]*, ", "", a), "AuthorizationHeaderMalformed", 400),
        (lambda a: re.sub(r", SignedHeaders=[^,]*", "", a), "AuthorizationHeaderMalformed", 400),
        (lambda a: re.sub(r", Signature=.*", "", a), "AuthorizationHeaderMalformed", 400),
        (lambda a: a.replace("/us-east-1", ""), "AuthorizationHeaderMalformed", 400),
        (lambda a: a.replace("/s3/", "/ec2/"), "AuthorizationHeaderMalformed", 400),
        (lambda a: a.replace("aws4_request", "aws4_reply"), "AuthorizationHeaderMalformed", 400),
        (lambda a: re.sub(r"/\d{8}/", "/2024-1-1/", a), "AuthorizationHeaderMalformed", 400),
        (lambda a: re.sub(r"/\d{8}/", "/20010203/", a), "AuthorizationHeaderMalformed", 400),
        (lambda a: a.replace(" ", ""), "InvalidArgument", 400),
        (lambda a: a.split(" ")[0], "InvalidArgument", 400),
        (lambda a: "Bearer abcdef", "InvalidArgument", 400),
        (lambda a: a.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-MD5"), "InvalidArgument", 400),
        (lambda a: a.replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), None, 400),
        (lambda a: a[:-1] + ("0" if a[-1] != "0" else "1"), "SignatureDoesNotMatch", 403),
        (lambda a: a[:-1], "SignatureDoesNotMatch", 403),
        (lambda a: a.replace(MAIN.access, "AKNOBODY"), "InvalidAccessKeyId", 403),
        (lambda a: a.replace("host;", "host;x-not-sent;"), "SignatureDoesNotMatch", 403),
        (lambda a: a.replace("host;", ""), ("AccessDenied", "SignatureDoesNotMatch"), 403),
    ],
    ids=lambda v: None if callable(v) else str(v),
)
def test_forms(speak, s3, bucket, change, code, status):
    request = speak.sign("PUT", f"/{bucket}/k", b"body")
    request.header("authorization", change(authorization(request)))
    response = speak.send(request, b"body")
    assert response.status == status, response.body
    if code:
        assert response.code in ((code,) if isinstance(code, str) else code)
    assert absent(s3, bucket, "k") == (status != 200)


def test_an_empty_header(speak, bucket):
    response = speak.send(speak.sign("GET", f"/{bucket}").header("authorization", ""))
    assert (response.status, response.code) in ((400, "InvalidArgument"), (403, "AccessDenied"))


def test_what_a_wrong_signature_tells(speak, bucket):
    request = speak.sign("GET", f"/{bucket}", key=Key(MAIN.access, "wrong", "", "", ""))
    error = speak.send(request).error
    assert error.findtext("AWSAccessKeyId") == MAIN.access
    assert error.findtext("SignatureProvided") == request.signing.signature
    assert error.findtext("StringToSign").startswith("AWS4-HMAC-SHA256\n")
    assert error.findtext("CanonicalRequest").startswith(f"GET\n/{bucket}\n")
    assert MAIN.secret not in "".join(error.itertext())


def test_an_unknown_key_is_named(speak, bucket):
    error = speak.call("GET", f"/{bucket}", key=Key("AKNOBODY", "x", "", "", "")).error
    assert error.findtext("AWSAccessKeyId") == "AKNOBODY"


@pytest.mark.parametrize("skew", [-901, 905, -86_400, 86_400])
def test_skewed_clocks(speak, s3, bucket, skew):
    response = speak.call("PUT", f"/{bucket}/k", b"x", time=sigv4.amz_time(skew=skew))
    assert (response.status, response.code) == (403, "RequestTimeTooSkewed")
    error = response.error
    assert error.findtext("MaxAllowedSkewMilliseconds") == "900000"
    assert error.findtext("RequestTime") and error.findtext("ServerTime")
    assert email.utils.parsedate_to_datetime(response.get("date"))
    assert absent(s3, bucket, "k")


@pytest.mark.parametrize("skew", [-800, 800])
def test_clocks_that_are_near_enough(speak, bucket, skew):
    assert speak.call("GET", f"/{bucket}", time=sigv4.amz_time(skew=skew)).status == 200


def test_the_scope_has_the_requests_date(speak, bucket):
    response = speak.call("GET", f"/{bucket}", scope_date="20200101")
    assert (response.status, response.code) == (400, "AuthorizationHeaderMalformed")


def test_without_a_date(speak, bucket):
    response = speak.send(speak.sign("GET", f"/{bucket}").header("x-amz-date", None))
    assert (response.status, response.code) in ((403, "AccessDenied"), (403, "SignatureDoesNotMatch"))
    response = speak.send(speak.sign("GET", f"/{bucket}").header("x-amz-date", "yesterday"))
    assert response.status == 403


def test_without_a_payload_hash(speak, bucket):
    request = speak.sign("GET", f"/{bucket}", payload=None)
    response = speak.send(request)
    assert (response.status, response.code) == (400, "InvalidRequest")


@pytest.mark.parametrize("value", ["", "abc", "g" * 64, "0" * 63, "STREAMING-SOMETHING-ELSE"])
def test_a_bad_payload_hash(speak, s3, bucket, value):
    response = speak.call("PUT", f"/{bucket}/k", b"x", payload=value)
    assert response.status == 400, response.body
    assert response.code in ("InvalidArgument", "InvalidRequest")
    assert absent(s3, bucket, "k")


def test_amz_headers_must_be_signed(speak, s3, bucket):
    for name in ("x-amz-tagging", "x-amz-meta-a", "x-amz-copy-source"):
        request = speak.sign(
            "PUT", f"/{bucket}/k", b"x", headers=[(name, f"{bucket}/a=b")], unsigned=[name]
        )
        response = speak.send(request, b"x")
        assert (response.status, response.code) == (403, "AccessDenied")
        assert name in response.error.findtext("HeadersNotSigned")
    assert absent(s3, bucket, "k")


def test_other_headers_need_not_be_signed(speak, bucket):
    request = speak.sign("GET", f"/{bucket}")
    for name in ("user-agent", "amz-sdk-invocation-id", "amz-sdk-request", "x-amzn-trace-id", "accept"):
        request.headers.append((name, "anything"))
    assert speak.send(request).status == 200


def test_signed_headers_are_checked_as_sent(speak, bucket):
    request = speak.sign("GET", f"/{bucket}", headers=[("accept-encoding", "identity")])
    assert speak.send(request).status == 200
    request = speak.sign("GET", f"/{bucket}", headers=[("accept-encoding", "identity")])
    assert speak.send(request.header("accept-encoding", "gzip")).code == "SignatureDoesNotMatch"


def test_white_space_and_repeated_headers(speak, bucket, s3):
    headers = [("x-amz-meta-a", "one   two"), ("x-amz-meta-b", "1"), ("x-amz-meta-b", "2")]
    assert speak.call("PUT", f"/{bucket}/k", b"x", headers=headers).status == 200
    got = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    assert got["a"] == "one   two"
    assert got["b"].replace(" ", "") == "1,2"


@pytest.mark.parametrize("query", [[("a", "1"), ("a", "")], [("Param", "1"), ("Param-3", "2")], [("x", "a+b &=ü/")]])
def test_unknown_parameters_are_signed_and_ignored(speak, bucket, query):
    assert speak.call("GET", f"/{bucket}", query=[("list-type", "2"), *query]).status == 200


def test_a_changed_query_or_path(speak, bucket):
    request = speak.sign("GET", f"/{bucket}", query=[("prefix", "a")])
    request.target = request.target.replace("prefix=a", "prefix=b")
    assert speak.send(request).code == "SignatureDoesNotMatch"
    request = speak.sign("GET", f"/{bucket}/k")
    request.target += "2"
    assert speak.send(request).code == "SignatureDoesNotMatch"


def test_header_and_query_at_once(speak, bucket):
    request = speak.presign("GET", f"/{bucket}/k")
    request.headers.append(("authorization", authorization(speak.sign("GET", f"/{bucket}/k"))))
    response = speak.send(request)
    assert (response.status, response.code) == (400, "InvalidArgument")


def test_a_second_host(speak, bucket):
    request = speak.sign("GET", f"/{bucket}")
    request.headers.append(("host", "other.example"))
    response = speak.send(request)
    assert (response.status, response.code) == (400, "InvalidRequest")


def test_a_session_token_for_a_lasting_key(speak, bucket):
    response = speak.call("GET", f"/{bucket}", headers=[("x-amz-security-token", "token")])
    assert (response.status, response.code) == (400, "InvalidToken")


def test_one_connection_serves_many_callers(speak, alt, new_bucket, bucket):
    """Keep-alive carries no identity from one request to the next."""
    theirs = new_bucket(alt)
    assert speak.call("GET", f"/{theirs}", key=ALT).status == 200
    assert speak.call("GET", f"/{bucket}", key=ALT).code == "AccessDenied"
    assert speak.call("GET", f"/{bucket}").status == 200
    request = speak.sign("GET", f"/{theirs}")
    request.headers = [("host", speak.host)]
    assert speak.send(request).code == "AccessDenied"
