"""Signature Version 4 by hand, so that a test can break any part of it.

Independent of every SDK and of the gateway: written from AWS's description. What the SDKs make of
the same rules is tested with the SDKs themselves.
"""

import dataclasses
import datetime
import hashlib
import hmac
import urllib.parse

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def amz_time(moment=None, skew=0):
    """The time stamp of a request, `skew` seconds off."""
    moment = moment or datetime.datetime.now(datetime.timezone.utc)
    return (moment + datetime.timedelta(seconds=skew)).strftime("%Y%m%dT%H%M%SZ")


def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret, date, region="us-east-1", service="s3"):
    key = mac(("AWS4" + secret).encode(), date)
    for part in (region, service, "aws4_request"):
        key = mac(key, part)
    return key


def canonical_query(query):
    pairs = sorted((quote(k), quote(v)) for k, v in query)
    return "&".join(f"{k}={v}" for k, v in pairs)


def canonical_request(method, path, query, headers, signed, payload):
    values = {}
    for name, value in headers:
        values.setdefault(name.lower(), []).append(" ".join(value.split()))
    lines = "".join(f"{name}:{','.join(values.get(name, []))}\n" for name in signed)
    return "\n".join(
        [method, quote(path, "/-_.~"), canonical_query(query), lines, ";".join(signed), payload]
    )


@dataclasses.dataclass
class Signing:
    """What a signature was made of; chunk signatures go on from it."""

    key: bytes
    time: str
    scope: str
    signature: str

    def chunk(self, data, previous):
        return self._sign("AWS4-HMAC-SHA256-PAYLOAD", previous, EMPTY_SHA256, hashlib.sha256(data).hexdigest())

    def trailer(self, text, previous):
        return self._sign("AWS4-HMAC-SHA256-TRAILER", previous, hashlib.sha256(text).hexdigest())

    def _sign(self, algorithm, *parts):
        text = "\n".join([algorithm, self.time, self.scope, *parts])
        return hmac.new(self.key, text.encode(), hashlib.sha256).hexdigest()


@dataclasses.dataclass
class Request:
    """A request ready for the wire."""

    method: str
    target: str
    headers: list
    signing: Signing

    def header(self, name, value):
        """Replaces a header without signing again; `None` takes it away."""
        self.headers = [(k, v) for k, v in self.headers if k.lower() != name.lower()]
        if value is not None:
            self.headers.append((name, value))
        return self


def target_of(path, query):
    text = quote(path, "/-_.~")
    return text + ("?" + canonical_query(query) if query else "")


def sign(
    key,
    method,
    path,
    host,
    query=(),
    headers=(),
    payload=EMPTY_SHA256,
    region="us-east-1",
    service="s3",
    time=None,
    scope_date=None,
    unsigned=(),
):
    """Signs in the Authorization header. `path` is not encoded yet; `query` is a list of pairs."""
    time = time or amz_time()
    headers = [("host", host), ("x-amz-date", time), *headers]
    if payload is not None:
        headers.append(("x-amz-content-sha256", payload))
    signed = sorted({n.lower() for n, _ in headers} - {n.lower() for n in unsigned})
    canonical = canonical_request(method, path, query, headers, signed, payload or UNSIGNED)
    signing = _signing(key, time, scope_date or time[:8], region, service, canonical)
    headers.append(
        (
            "authorization",
            f"AWS4-HMAC-SHA256 Credential={key.access}/{signing.scope}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signing.signature}",
        )
    )
    return Request(method, target_of(path, query), headers, signing)


def presign(key, method, path, host, query=(), headers=(), expires=60, region="us-east-1", time=None, changes=()):
    """Signs in the query. `changes` are applied to the X-Amz- parameters before signing."""
    time = time or amz_time()
    headers = [("host", host), *headers]
    signed = sorted(n.lower() for n, _ in headers)
    parameters = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": f"{key.access}/{time[:8]}/{region}/s3/aws4_request",
        "X-Amz-Date": time,
        "X-Amz-Expires": str(expires),
        "X-Amz-SignedHeaders": ";".join(signed),
    }
    for name, value in changes:
        if value is None:
            parameters.pop(name)
        else:
            parameters[name] = value
    query = [*query, *parameters.items()]
    canonical = canonical_request(method, path, query, headers, signed, UNSIGNED)
    signing = _signing(key, time, time[:8], region, "s3", canonical)
    query.append(("X-Amz-Signature", signing.signature))
    return Request(method, target_of(path, query), headers, signing)


def _signing(key, time, date, region, service, canonical):
    scope = f"{date}/{region}/{service}/aws4_request"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    derived = signing_key(key.secret, date, region, service)
    text = "\n".join(["AWS4-HMAC-SHA256", time, scope, digest])
    return Signing(derived, time, scope, hmac.new(derived, text.encode(), hashlib.sha256).hexdigest())
