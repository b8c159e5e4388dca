"""CORS, default encryption and websites of buckets, as boto3 sets and reads them."""

import pytest

from gateway import MAIN, Gateway
from connect import connect
from s3check import refused, status

CORS = {
    "CORSRules": [
        {
            "ID": "app",
            "AllowedHeaders": ["*"],
            "AllowedMethods": ["PUT", "POST", "GET"],
            "AllowedOrigins": ["https://app.example.com", "https://*.app.example.com"],
            "ExposeHeaders": ["ETag", "x-amz-version-id"],
            "MaxAgeSeconds": 3000,
        },
        {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]},
    ]
}
ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": True,
        }
    ]
}
WEBSITE = {
    "IndexDocument": {"Suffix": "index.html"},
    "ErrorDocument": {"Key": "error.html"},
    "RoutingRules": [
        {
            "Condition": {"KeyPrefixEquals": "old/", "HttpErrorCodeReturnedEquals": "404"},
            "Redirect": {"ReplaceKeyPrefixWith": "new/", "HttpRedirectCode": "302"},
        }
    ],
}
KINDS = {
    "cors": ("CORSConfiguration", CORS, "NoSuchCORSConfiguration", {"CORSRules": CORS["CORSRules"]}),
    "encryption": (
        "ServerSideEncryptionConfiguration",
        ENCRYPTION,
        "ServerSideEncryptionConfigurationNotFoundError",
        {"ServerSideEncryptionConfiguration": ENCRYPTION},
    ),
    "website": ("WebsiteConfiguration", WEBSITE, "NoSuchWebsiteConfiguration", WEBSITE),
}


def calls(s3, kind):
    return (getattr(s3, f"{verb}_bucket_{kind}") for verb in ("put", "get", "delete"))


def shown(answer):
    return {k: v for k, v in answer.items() if k != "ResponseMetadata"}


@pytest.mark.parametrize("kind", KINDS)
def test_set_shown_and_removed(s3, bucket, kind):
    parameter, document, absent, expected = KINDS[kind]
    put, get, delete = calls(s3, kind)
    with refused(absent, 404):
        get(Bucket=bucket)
    assert status(put(Bucket=bucket, **{parameter: document})) == 200
    assert shown(get(Bucket=bucket)) == expected
    assert status(delete(Bucket=bucket)) == 204
    with refused(absent, 404):
        get(Bucket=bucket)


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_owner_changes_them(alt, third, reader, new_bucket, kind):
    parameter, document, _, expected = KINDS[kind]
    bucket = new_bucket(alt)
    calls(alt, kind).__next__()(Bucket=bucket, **{parameter: document})
    for other in (third, reader):
        put, get, delete = calls(other, kind)
        with refused("AccessDenied", 403):
            put(Bucket=bucket, **{parameter: document})
        with refused("AccessDenied", 403):
            delete(Bucket=bucket)
        if other is third:
            with refused("AccessDenied", 403):
                get(Bucket=bucket)
        else:
            assert shown(get(Bucket=bucket)) == expected


@pytest.mark.parametrize(
    ("rule", "code", "text"),
    [
        ({"AllowedMethods": ["PATCH"]}, "InvalidRequest", "Unsupported method is PATCH"),
        ({"AllowedOrigins": ["http://*.*"]}, "InvalidRequest", "more than one wildcard"),
        ({"AllowedHeaders": ["x-*-*"]}, "InvalidRequest", "more than one wildcard"),
        ({"ExposeHeaders": ["x-*"]}, "InvalidRequest", "contains wildcard"),
        ({"AllowedOrigins": []}, "MalformedXML", ""),
        ({"ID": "i" * 256}, "InvalidArgument", "255"),
    ],
)
def test_rules_that_s3_refuses(s3, bucket, rule, code, text):
    whole = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], **rule}
    with refused(code, 400) as caught:
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [whole]})
    assert text in caught.value.response["Error"]["Message"]
    with refused("NoSuchCORSConfiguration", 404):
        s3.get_bucket_cors(Bucket=bucket)


def test_a_hundred_rules_and_no_more(s3, bucket):
    rule = {"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule] * 100})
    assert len(s3.get_bucket_cors(Bucket=bucket)["CORSRules"]) == 100
    with refused("MalformedXML", 400):
        s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [rule] * 101})


def test_there_is_no_key_management_service(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    with refused("NotImplemented", 501) as caught:
        s3.put_bucket_encryption(
            Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
        )
    assert "key management" in caught.value.response["Error"]["Message"]


def test_they_survive_a_kill_and_a_lost_index(tmp_path):
    with Gateway(tmp_path, config='[[bucket]]\nname = "configured"\n') as running:
        s3 = connect(running, MAIN)
        s3.create_bucket(Bucket="made")
        for bucket in ("configured", "made"):
            for kind, (parameter, document, _, _) in KINDS.items():
                put, _, _ = calls(s3, kind)
                put(Bucket=bucket, **{parameter: document})
            s3.delete_bucket_website(Bucket=bucket)
        running.kill()
        running.start()
        everything_is_there(connect(running, MAIN))
        assert running.stop() == 0
        assert running.check("--rebuild-index").returncode == 0
        running.start()
        everything_is_there(connect(running, MAIN))
        s3 = connect(running, MAIN)
        s3.delete_bucket(Bucket="made")
        s3.create_bucket(Bucket="made")
        with refused("NoSuchCORSConfiguration", 404):
            s3.get_bucket_cors(Bucket="made")


def everything_is_there(s3):
    for bucket in ("configured", "made"):
        assert shown(s3.get_bucket_cors(Bucket=bucket)) == KINDS["cors"][3]
        assert shown(s3.get_bucket_encryption(Bucket=bucket)) == KINDS["encryption"][3]
        with refused("NoSuchWebsiteConfiguration", 404):
            s3.get_bucket_website(Bucket=bucket)
