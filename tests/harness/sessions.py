"""Roles and providers as the configuration has them, and clients of the Security Token Service."""

import json

import boto3
import botocore.config
import botocore.exceptions
import pytest

import identity_provider
from gateway import ALT, MAIN, Key

WORKER = Key("AKWORKEREXAMPLE", "worker-secret-key-0123456", "read-only", ALT.owner, "Alt")
# Managers do everything in the bucket below their company and their own prefix.
POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"],
            "Resource": [
                "arn:aws:s3:::*/attachments/*",
                "arn:aws:s3:::*/home/${jwt:sub}/*",
                "arn:aws:s3:::*/jobs/${aws:userid}/*",
            ],
        },
        {"Effect": "Allow", "Action": ["s3:ListBucket", "s3:ListAllMyBuckets"], "Resource": "*"},
    ],
}
ACCOUNT = "123456789012"


def arn(role):
    return f"arn:aws:iam::{ACCOUNT}:role/{role}"


def role(name, provider="makeplus", more="", identity=""):
    return (
        f'[[role]]\nname = "{name}"\nuser_id = "{MAIN.owner}"\n'
        f"policy = '''{json.dumps(POLICY)}'''\n{more}\n"
        f'[[role.identity]]\nprovider = "{provider}"\nclaims = {{ role = "{name}" }}\n{identity}\n\n'
    )


def provider(keys, name="makeplus", more=""):
    return (
        f'[[identity_provider]]\nname = "{name}"\nissuer = "{identity_provider.ISSUER}"\n'
        f'audience = "{identity_provider.AUDIENCE}"\n{keys}\n{more}\n\n'
    )


def client(gateway, service, key=None, credentials=None, **settings):
    """A client of that service for a key, for what STS gave, or for nobody."""
    if credentials:
        who = (credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"])
    else:
        who = (key.access, key.secret, None) if key else ("none", "none", None)
    s3 = {"addressing_style": "path"} if service == "s3" else None
    return boto3.client(
        service,
        endpoint_url=gateway.endpoint,
        region_name="us-east-1",
        aws_access_key_id=who[0],
        aws_secret_access_key=who[1],
        aws_session_token=who[2],
        config=botocore.config.Config(retries={"max_attempts": 0}, s3=s3, **settings),
    )


def assume(gateway, token, name="manager", **arguments):
    """The answer of AssumeRoleWithWebIdentity."""
    arguments.setdefault("RoleSessionName", "alice")
    return client(gateway, "sts").assume_role_with_web_identity(
        RoleArn=arn(name), WebIdentityToken=token, **arguments
    )


def refusal(call, *arguments, **named):
    """The status and the code of an error."""
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        call(*arguments, **named)
    answer = raised.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
