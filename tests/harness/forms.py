"""Browser forms: encoded by hand, so that a test can send any of them, and sent with urllib3."""

import base64
import datetime
import hashlib
import hmac
import json

import urllib3

BOUNDARY = "----WebKitFormBoundary7MA4YWxkTrZu0gW"

_pool = urllib3.PoolManager(retries=False)


def encode(fields, file=None, name="cat.jpg", after=(), boundary=BOUNDARY):
    """The body of a form: fields in their order, the file, and what comes after it."""
    out = []
    for key, value in fields:
        out.append(_part(boundary, f'name="{key}"', "", value))
    if file is not None:
        kind = "\r\nContent-Type: application/octet-stream"
        out.append(_part(boundary, f'name="file"; filename="{name}"', kind, file))
    for key, value in after:
        out.append(_part(boundary, f'name="{key}"', "", value))
    return b"".join(out) + f"--{boundary}--\r\n".encode()


def _part(boundary, disposition, more, value):
    head = f"--{boundary}\r\nContent-Disposition: form-data; {disposition}{more}\r\n\r\n"
    value = value.encode() if isinstance(value, str) else value
    return head.encode() + value + b"\r\n"


def send(endpoint, bucket, body, boundary=BOUNDARY, headers=None):
    """Posts a body to a bucket; redirects are not followed."""
    headers = {"content-type": f"multipart/form-data; boundary={boundary}", **(headers or {})}
    return _pool.request("POST", f"{endpoint}/{bucket}", body=body, headers=headers, redirect=False)


def post(endpoint, bucket, fields, file, **more):
    return send(endpoint, bucket, encode(fields, file, **more))


def post_presigned(presigned, file, **more):
    """Posts what `generate_presigned_post` made, by urllib3's own encoding."""
    name = more.pop("name", "cat.jpg")
    fields = [*presigned["fields"].items(), *more.items(), ("file", (name, file))]
    return _pool.request("POST", presigned["url"], fields=fields, redirect=False)


def policy(conditions, expires=3600):
    """A policy in base64; conditions are the list, or what stands for it."""
    until = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=expires)
    document = {"expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ"), "conditions": conditions}
    return base64.b64encode(json.dumps(document).encode()).decode()


def signed_v2(key, encoded):
    """The fields of a policy signed with Version 2."""
    digest = hmac.new(key.secret.encode(), encoded.encode(), hashlib.sha1).digest()
    signature = base64.b64encode(digest).decode()
    return [("AWSAccessKeyId", key.access), ("policy", encoded), ("signature", signature)]


def signed_v4(key, conditions, expires=3600, region="us-east-1", fault=None):
    """The fields of a policy signed with Version 4, its own fields covered."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/{region}/s3/aws4_request"
    own = {
        "x-amz-algorithm": "AWS4-HMAC-SHA256",
        "x-amz-credential": f"{key.access}/{scope}",
        "x-amz-date": now,
    }
    encoded = policy([*conditions, *({name: value} for name, value in own.items())], expires)
    signing = f"AWS4{key.secret}".encode()
    for step in scope.split("/"):
        signing = hmac.new(signing, step.encode(), hashlib.sha256).digest()
    signature = hmac.new(signing, (fault or encoded).encode(), hashlib.sha256).hexdigest()
    return [*own.items(), ("policy", encoded), ("x-amz-signature", signature)]
