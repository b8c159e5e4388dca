"""Holders of keys: who they are, sessions of their own, and roles that trust them."""

import secrets

from gateway import ALT, MAIN
from sessions import WORKER, arn, client, refusal


def test_everybody_learns_who_they_are(gateway):
    who = client(gateway, "sts", MAIN).get_caller_identity()
    assert who["Account"] == MAIN.owner
    assert who["Arn"] == f"arn:aws:iam::{MAIN.owner}:user/{MAIN.access}"
    assert refusal(client(gateway, "sts").get_caller_identity) == (403, "InvalidClientTokenId")


def test_a_session_of_a_key_has_its_rights(gateway, s3, bucket):
    issued = client(gateway, "sts", ALT).get_session_token(DurationSeconds=900)["Credentials"]
    assert issued["AccessKeyId"].startswith("ASIA")
    session = client(gateway, "s3", credentials=issued)
    own = f"own-{secrets.token_hex(5)}"
    session.create_bucket(Bucket=own)
    session.put_object(Bucket=own, Key="k", Body=b"x")
    assert client(gateway, "s3", ALT).get_object(Bucket=own, Key="k")["Body"].read() == b"x"
    assert refusal(session.put_object, Bucket=bucket, Key="k", Body=b"x") == (403, "AccessDenied")
    sts = client(gateway, "sts", credentials=issued)
    assert refusal(sts.get_session_token) == (403, "AccessDenied")
    assert sts.get_caller_identity()["Arn"].endswith(f":user/{ALT.access}")
    session.delete_object(Bucket=own, Key="k")
    session.delete_bucket(Bucket=own)


def test_a_worker_assumes_the_role_that_trusts_it(gateway, bucket):
    worker = client(gateway, "sts", WORKER)
    asked = {"RoleArn": arn("manager"), "RoleSessionName": "job-1"}
    session = client(gateway, "s3", credentials=worker.assume_role(**asked)["Credentials"])
    session.put_object(Bucket=bucket, Key="jobs/manager:job-1/k", Body=b"x")
    denied = refusal(session.put_object, Bucket=bucket, Key="jobs/manager:job-2/k", Body=b"x")
    assert denied == (403, "AccessDenied")
    for key in (MAIN, ALT):
        assert refusal(client(gateway, "sts", key).assume_role, **asked) == (403, "AccessDenied")
    clerk = {**asked, "RoleArn": arn("clerk")}
    assert refusal(worker.assume_role, **clerk) == (403, "AccessDenied")


def test_a_wrong_token_is_refused_as_s3_does(gateway, bucket, session):
    one, other = session().credentials, session().credentials
    for changes, expected in [
        ({"SessionToken": other["SessionToken"]}, (400, "InvalidToken")),
        ({"SessionToken": one["SessionToken"][:-4] + "AAAA"}, (400, "InvalidToken")),
        ({"SessionToken": None}, (403, "InvalidAccessKeyId")),
        ({"SecretAccessKey": "x" * 40}, (403, "SignatureDoesNotMatch")),
        ({"AccessKeyId": MAIN.access, "SecretAccessKey": MAIN.secret}, (400, "InvalidToken")),
    ]:
        s3 = client(gateway, "s3", credentials={**one, **changes})
        assert refusal(s3.get_object, Bucket=bucket, Key="home/7/k") == expected
