"""Makes boto3 clients."""

import boto3
import botocore.config
import botocore.exceptions


def connect(server, key, **settings):
    """A boto3 client for a key. `settings` are botocore's."""
    s3 = {"addressing_style": "path", **settings.pop("s3", {})}
    settings.setdefault("retries", {"max_attempts": 0})
    settings.setdefault("signature_version", "s3v4")
    return boto3.client(
        "s3",
        endpoint_url=settings.pop("endpoint_url", server.endpoint),
        region_name=settings.pop("region_name", "us-east-1"),
        aws_access_key_id=key.access,
        aws_secret_access_key=key.secret,
        verify=settings.pop("verify", server.tls.cert if server.tls else None),
        config=botocore.config.Config(s3=s3, **settings),
    )


def answer_of(operation, **arguments):
    """Calls, and gives the status and the code of the error, or 200."""
    try:
        operation(**arguments)
    except botocore.exceptions.ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
    return 200
