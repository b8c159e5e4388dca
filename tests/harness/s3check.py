"""What the suites say about answers, in one word each."""

import contextlib

import botocore.exceptions
import pytest

# Keys that clients, file systems and XML stumble over, in no order.
ODD_KEYS = (
    "plain",
    "with space",
    " leading and trailing ",
    "plus+plus",
    "percent%20percent%",
    "question?mark=1&two=2",
    "hash#tag",
    "a//b",
    "/leading",
    "//",
    "trailing/",
    "dir/./dot",
    "dir/../up",
    "../x",
    "..",
    "quote\"'`",
    "<tag>&amp;&",
    "semi;colon,comma:at@",
    "star*tilde~paren()[]{}|^",
    "back\\slash",
    "naïve-ü-ß",
    "日本語/キー",
    "emoji-🦀",
    "e\u0301-combining",
    "%u002e%2e",
    "null",
    "soap",
    "x" * 1024,
    "ü" * 512,
)

# Those that XML 1.0 or an HTTP line cannot say as they are.
CONTROL_KEYS = ("tab\there", "line\nfeed", "carriage\rreturn", "both\r\n", "one\x01two", "del\x7f")


@contextlib.contextmanager
def refused(code, status=None):
    """Expects botocore's ClientError with this code (or one of these) and status."""
    codes = (code,) if isinstance(code, str) else code
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        yield caught
    answer = caught.value.response
    assert answer["Error"]["Code"] in codes, answer
    if status is not None:
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == status, answer


def status(answer):
    return answer["ResponseMetadata"]["HTTPStatusCode"]


def header(answer, name):
    return answer["ResponseMetadata"]["HTTPHeaders"].get(name)


def keys(page):
    return [o["Key"] for o in page.get("Contents", ())]


def prefixes(page):
    return [p["Prefix"] for p in page.get("CommonPrefixes", ())]


def read(answer):
    return answer["Body"].read()


def absent(s3, bucket, key):
    """Whether nothing is stored under the key."""
    try:
        s3.head_object(Bucket=bucket, Key=key)
    except botocore.exceptions.ClientError as error:
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error.response
        return True
    return False
