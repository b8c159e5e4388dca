"""MakePlus's users upload to the bucket themselves: their JWT is exchanged for credentials of an hour
or less, which can do what their role can."""

import contextlib
import json

import boto3
import botocore
import botocore.config
import botocore.exceptions
import pytest

from driving import JWT_SECRET
from files import pdf
from s3check import refused
from sites import Site


def policy(*statements):
    listed = [
        {"Effect": "Allow", "Action": actions, "Resource": f"arn:aws:s3:::media{key}"} for actions, key in statements
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": listed}, indent=1)


ROLES = {
    "manager": policy((["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], "/events/*"), ("s3:ListBucket", "")),
    "member": policy(("s3:GetObject", "/events/*")),
}
PROVIDER = f"""
[[identity_provider]]
name = "makeplus"
secret = "{JWT_SECRET}"
issuer = "https://makeplus.example.com"
audience = "makeplus"
role_claim = "role"

"""


def configuration():
    roles = "".join(
        f"[[role]]\nname = \"{name}\"\npolicy = '''\n{text}'''\n"
        f'[[role.identity]]\nprovider = "makeplus"\nclaims = {{ role = "{name}" }}\n\n'
        for name, text in ROLES.items()
    )
    return PROVIDER + roles


@pytest.fixture(scope="module")
def trusting(server, mode, tmp_path_factory):
    """A gateway that believes MakePlus's tokens."""
    directory = tmp_path_factory.mktemp("trusting")
    with contextlib.closing(Site(server, directory, "media", mode, more=configuration())) as site:
        yield site.start()


def assume(site, token, role, **settings):
    """What STS gives for a token."""
    sts = boto3.client(
        "sts",
        endpoint_url=site.gateway.endpoint,
        region_name="us-east-1",
        config=botocore.config.Config(signature_version=botocore.UNSIGNED, retries={"max_attempts": 0}),
    )
    return sts.assume_role_with_web_identity(
        RoleArn=f"arn:aws:iam::000000000000:role/{role}",
        RoleSessionName="browser",
        WebIdentityToken=token,
        **settings,
    )["Credentials"]


def client(site, credentials):
    return boto3.client(
        "s3",
        endpoint_url=site.gateway.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
        config=botocore.config.Config(
            signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 0}
        ),
    )


def test_a_manager_uploads_under_the_role(makeplus, trusting, mode):
    s3 = client(trusting, assume(trusting, makeplus.token("manager"), "manager"))
    key = "events/programmes/0123456789abcdef0123456789abcdef.pdf"
    s3.put_object(Bucket="media", Key=key, Body=pdf(), ContentType="application/pdf")
    trusting.expect_at(mode, key)
    url = s3.generate_presigned_url("get_object", {"Bucket": "media", "Key": key}, 60)
    assert makeplus.public.get(url).expect(200).body == pdf()
    with refused("AccessDenied", 403):
        s3.put_object(Bucket="media", Key="private/a.pdf", Body=pdf())
    # Without its token the session's key opens nothing.
    without = url.partition("&X-Amz-Security-Token")[0] + "&" + url.rpartition("X-Amz-Security-Token")[2].partition("&")[2]
    assert makeplus.public.get(without).status == 403
    s3.delete_object(Bucket="media", Key=key)


def test_a_member_reads(makeplus, trusting):
    trusting.put("events/guides/a.pdf", pdf(), ContentType="application/pdf")
    s3 = client(trusting, assume(trusting, makeplus.token("member"), "member", DurationSeconds=900))
    assert s3.get_object(Bucket="media", Key="events/guides/a.pdf")["Body"].read() == pdf()
    for call in (
        lambda: s3.put_object(Bucket="media", Key="events/guides/b.pdf", Body=pdf()),
        lambda: s3.delete_object(Bucket="media", Key="events/guides/a.pdf"),
        lambda: s3.list_objects_v2(Bucket="media"),
    ):
        with refused("AccessDenied", 403):
            call()


def test_roles_are_not_for_the_asking(makeplus, trusting):
    for token, role in (
        (makeplus.token("member"), "manager"),
        (makeplus.token("manager") + "x", "manager"),
        ("not.a.token", "member"),
        (makeplus.token("member"), "no-such-role"),
    ):
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            assume(trusting, token, role)
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403)
