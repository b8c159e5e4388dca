"""Holders of tokens become roles, and upload under them."""

import contextlib
import datetime
import http.client
import json
import os
import subprocess
import sys

import boto3.s3.transfer
import botocore.exceptions
import pytest

import identity_provider
from gateway import clean_environment
from sessions import arn, assume, client, refusal


def test_a_manager_uploads_directly(session, s3, bucket):
    manager = session()
    user = manager.answer["AssumedRoleUser"]
    assert user["Arn"].endswith(":assumed-role/manager/alice")
    assert manager.answer["Provider"] == identity_provider.ISSUER
    assert manager.answer["SubjectFromWebIdentityToken"] == "7"
    left = manager.credentials["Expiration"] - datetime.datetime.now(datetime.timezone.utc)
    assert datetime.timedelta(minutes=55) < left < datetime.timedelta(minutes=65)
    manager.s3.put_object(Bucket=bucket, Key="home/7/guide.pdf", Body=b"%PDF-1.7")
    assert s3.get_object(Bucket=bucket, Key="home/7/guide.pdf")["Body"].read() == b"%PDF-1.7"
    assert manager.sts.get_caller_identity()["Arn"] == user["Arn"]
    denied = refusal(manager.s3.put_object, Bucket=bucket, Key="home/8/guide.pdf", Body=b"x")
    assert denied == (403, "AccessDenied")
    assert refusal(manager.s3.create_bucket, Bucket="another-bucket") == (403, "AccessDenied")


def test_a_large_upload_goes_in_parts(session, bucket, tmp_path):
    file = tmp_path / "video"
    file.write_bytes(os.urandom(12 << 20))
    settings = boto3.s3.transfer.TransferConfig(multipart_threshold=5 << 20, multipart_chunksize=5 << 20)
    s3 = session().s3
    s3.upload_file(str(file), bucket, "home/7/video", Config=settings)
    s3.download_file(bucket, "home/7/video", str(tmp_path / "back"), Config=settings)
    assert (tmp_path / "back").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("version", ["s3", "s3v4"])
def test_presigned_urls_of_a_session(gateway, session, bucket, version):
    s3 = client(gateway, "s3", credentials=session().credentials, signature_version=version)

    def follow(method, operation, key, body=None):
        url = s3.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key})
        assert "x-amz-security-token=" in url.lower()
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=30)
        with contextlib.closing(connection):
            connection.request(method, url.removeprefix(gateway.endpoint), body)
            answer = connection.getresponse()
            return answer.status, answer.read()

    assert follow("PUT", "put_object", "home/7/a b", b"hello")[0] == 200
    assert follow("GET", "get_object", "home/7/a b") == (200, b"hello")
    assert follow("GET", "get_object", "home/8/x")[0] == 403


def test_a_clerk_stays_in_the_company_of_the_claim(session, s3, bucket):
    clerk = session("clerk", company=1).s3
    clerk.put_object(Bucket=bucket, Key="attachments/invoice/company_1/a", Body=b"x")
    s3.put_object(Bucket=bucket, Key="attachments/invoice/company_2/a", Body=b"y")
    for key in ("attachments/invoice/company_2/a", "attachments/invoice/company_2/none"):
        assert refusal(clerk.get_object, Bucket=bucket, Key=key) == (403, "AccessDenied")
        assert refusal(clerk.put_object, Bucket=bucket, Key=key) == (403, "AccessDenied")
    assert refusal(clerk.list_objects_v2, Bucket=bucket) == (403, "AccessDenied")
    own = clerk.list_objects_v2(Bucket=bucket, Prefix="attachments/invoice/company_1/")
    assert [entry["Key"] for entry in own["Contents"]] == ["attachments/invoice/company_1/a"]


def test_a_session_policy_narrows(session, bucket):
    policy = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{bucket}/home/7/only"}],
    }
    s3 = session(arguments={"Policy": json.dumps(policy)}).s3
    s3.put_object(Bucket=bucket, Key="home/7/only", Body=b"x")
    assert refusal(s3.put_object, Bucket=bucket, Key="home/7/other", Body=b"x") == (403, "AccessDenied")
    assert refusal(s3.get_object, Bucket=bucket, Key="home/7/only") == (403, "AccessDenied")


def test_tokens_that_are_refused(gateway, issue, signer):
    stranger = identity_provider.RsaKey(signer.name)
    for token, name, expected in [
        (issue(role="guest"), "manager", (403, "AccessDenied")),
        (issue(), "nobody", (403, "AccessDenied")),
        (issue(aud="other"), "manager", (400, "InvalidIdentityToken")),
        (issue(iss="https://other.example"), "manager", (400, "InvalidIdentityToken")),
        (issue(exp=1_000_000_000), "manager", (400, "ExpiredTokenException")),
        (issue(nbf=4_000_000_000), "manager", (400, "InvalidIdentityToken")),
        (issue(role="clerk"), "clerk", (403, "IDPRejectedClaim")),
        (identity_provider.token(stranger, role="manager"), "manager", (400, "InvalidIdentityToken")),
        ("garbage", "manager", (400, "InvalidIdentityToken")),
        ("x" * 19_000, "manager", (400, "InvalidIdentityToken")),
    ]:
        assert refusal(assume, gateway, token, name) == expected
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        assume(gateway, issue(), Policy="{}")
    assert raised.value.response["Error"]["Code"] == "MalformedPolicyDocument"
    too_long = refusal(assume, gateway, issue(), DurationSeconds=3 * 3600)
    assert too_long == (400, "ValidationError")


def test_the_sdk_finds_its_own_way(gateway, issue, bucket, tmp_path):
    """AWS_WEB_IDENTITY_TOKEN_FILE and the rest, as for an application in a container."""
    (tmp_path / "token").write_text(issue(sub="42"))
    environment = clean_environment()
    environment.update(
        AWS_WEB_IDENTITY_TOKEN_FILE=str(tmp_path / "token"),
        AWS_ROLE_ARN=arn("manager"),
        AWS_ROLE_SESSION_NAME="container-1",
        AWS_ENDPOINT_URL_STS=gateway.endpoint,
        AWS_ENDPOINT_URL_S3=gateway.endpoint,
        AWS_DEFAULT_REGION="eu-central-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
    )
    script = (
        "import boto3, sys\n"
        "boto3.client('s3').put_object(Bucket=sys.argv[1], Key='home/42/k', Body=b'x')\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, bucket], env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().endswith(":assumed-role/manager/container-1")
