"""A gateway with roles that keys and the tokens of an identity provider may assume."""

import json
import types

import boto3
import botocore.config
import botocore.exceptions
import pytest

import identity_provider
from gateway import ALT, MAIN, READER, THIRD, Gateway, Key

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


@pytest.fixture(scope="session")
def signer():
    """The provider's key."""
    return identity_provider.RsaKey("first")


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, signer):
    directory = tmp_path_factory.mktemp("sts")
    keys = directory / "jwks.json"
    keys.write_text(identity_provider.key_set(signer))
    config = (
        provider(f'jwks_file = "{keys}"')
        + role("manager", more=f'keys = ["{WORKER.access}"]\nmax_session = "2h"')
        + role("clerk", more='company_claim = "company"')
        + role("brief", more='max_session = "1s"')
    )
    everyone = (MAIN, ALT, THIRD, READER, WORKER)
    with Gateway(directory, keys=everyone, config=config) as running:
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture(scope="session")
def issue(signer):
    """Makes tokens of the provider, of managers where nothing else is said."""
    return lambda **claims: identity_provider.token(signer, **{"role": "manager", **claims})


def client(gateway, service, key=None, credentials=None):
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
        config=botocore.config.Config(retries={"max_attempts": 0}, s3=s3),
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


@pytest.fixture
def session(gateway, issue):
    """Clients with the credentials of a session, made of a token's claims."""

    def make(name="manager", arguments=None, **claims):
        answer = assume(gateway, issue(role=name, **claims), name, **(arguments or {}))
        credentials = answer["Credentials"]
        return types.SimpleNamespace(
            answer=answer,
            credentials=credentials,
            s3=client(gateway, "s3", credentials=credentials),
            sts=client(gateway, "sts", credentials=credentials),
        )

    return make
