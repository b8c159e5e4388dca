"""Configurations of buckets are the gateway's own in every mode."""

import pytest

from s3check import refused

RULES = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["https://app.example.com"]}]}
ENCRYPTION = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


@pytest.mark.parametrize("mode", ["local", "upstream", "fallback"])
def test_they_never_reach_the_upstream(behind, mode):
    site = behind(mode)
    site.proxy.fault("blackhole")
    site.s3.put_bucket_cors(Bucket=site.bucket, CORSConfiguration=RULES)
    site.s3.put_bucket_encryption(
        Bucket=site.bucket, ServerSideEncryptionConfiguration=ENCRYPTION
    )
    assert site.s3.get_bucket_cors(Bucket=site.bucket)["CORSRules"] == RULES["CORSRules"]
    kept = site.s3.get_bucket_encryption(Bucket=site.bucket)["ServerSideEncryptionConfiguration"]
    assert kept["Rules"][0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    site.s3.delete_bucket_encryption(Bucket=site.bucket)
    with refused("ServerSideEncryptionConfigurationNotFoundError", 404):
        site.s3.get_bucket_encryption(Bucket=site.bucket)
    # The upstream bucket itself has none.
    with refused("NoSuchCORSConfiguration", 404):
        site.up.get_bucket_cors(Bucket=site.there)
