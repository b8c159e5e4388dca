"""Policies of buckets and of keys, as clients meet them."""

import json

import pytest

from connect import connect
from gateway import ALT, THIRD, Gateway

DENIED = (403, "AccessDenied")


def policy(bucket, *statements):
    """The text of a bucket's policy: statements of effect, principal, action, key and condition."""
    listed = []
    for effect, principal, action, key, *condition in statements:
        statement = {
            "Effect": effect,
            "Principal": principal,
            "Action": action,
            "Resource": f"arn:aws:s3:::{bucket}" + (f"/{key}" if key else ""),
        }
        if condition:
            statement["Condition"] = condition[0]
        listed.append(statement)
    return json.dumps({"Version": "2012-10-17", "Statement": listed})


def test_a_policy_reads_back_as_it_was_sent(alt, bucket):
    text = policy(bucket, ("Allow", "*", "s3:GetObject", "*"))
    alt.put_bucket_policy(Bucket=bucket, Policy=text)
    assert alt.get_bucket_policy(Bucket=bucket)["Policy"] == text
    assert alt.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    alt.delete_bucket_policy(Bucket=bucket)
    with pytest.raises(alt.exceptions.ClientError, match="NoSuchBucketPolicy"):
        alt.get_bucket_policy(Bucket=bucket)


def test_anybody_reads_where_the_policy_says_so(alt, bucket, public):
    for key in ("avatars/a.png", "private/a.png"):
        alt.put_object(Bucket=bucket, Key=key, Body=b"x")
    assert public.status(f"/{bucket}/avatars/a.png") == 403
    alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, ("Allow", "*", "s3:GetObject", "avatars/*")))
    assert public.status(f"/{bucket}/avatars/a.png") == 200
    assert public.status(f"/{bucket}/avatars/a.png", "HEAD") == 200
    for path, method in (
        ("private/a.png", "GET"),
        ("avatars/none.png", "GET"),
        ("avatars/none.png", "HEAD"),
        ("avatars/a.png", "DELETE"),
        ("avatars/a.png", "PUT"),
        ("avatars/a.png?tagging", "GET"),
        ("", "GET"),
        ("?policy", "GET"),
    ):
        body = b"y" if method == "PUT" else None
        assert public.status(f"/{bucket}/{path}", method, body) == 403, (method, path)
    assert alt.get_object(Bucket=bucket, Key="avatars/a.png")["Body"].read() == b"x"


def test_a_denial_beats_every_allowance(alt, s3, user, bucket, public, answer):
    alt.put_object(Bucket=bucket, Key="k", Body=b"x")
    statements = (("Allow", "*", "s3:*", "*"), ("Deny", "*", "s3:GetObject", "k"))
    alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, *statements))
    for client in (alt, s3, user):
        assert answer(client.get_object, Bucket=bucket, Key="k") == DENIED
    assert public.status(f"/{bucket}/k") == 403
    # The owner is never locked out of the policy itself.
    alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, ("Deny", "*", "s3:*", "")))
    assert answer(alt.list_objects_v2, Bucket=bucket) == DENIED
    alt.delete_bucket_policy(Bucket=bucket)
    assert answer(alt.get_object, Bucket=bucket, Key="k") == 200


def test_another_account_has_what_the_policy_gives(alt, third, bucket, answer):
    alt.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert answer(third.get_object, Bucket=bucket, Key="k") == DENIED
    for principal in (
        {"AWS": f"arn:aws:iam::{THIRD.owner}:root"},
        {"AWS": f"arn:aws:iam::{THIRD.owner}:user/{THIRD.access}"},
        {"AWS": [THIRD.owner]},
        {"CanonicalUser": THIRD.owner},
    ):
        alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, ("Allow", principal, "s3:GetObject", "*")))
        assert answer(third.get_object, Bucket=bucket, Key="k") == 200, principal
        assert answer(third.put_object, Bucket=bucket, Key="k", Body=b"") == DENIED, principal
        assert answer(third.list_objects_v2, Bucket=bucket) == DENIED, principal


def test_conditions_are_about_the_request(alt, third, bucket, public, answer):
    alt.put_object(Bucket=bucket, Key="k", Body=b"x")

    def allow(action, key, condition):
        alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, ("Allow", "*", action, key, condition)))

    allow("s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    assert public.status(f"/{bucket}/k") == 200
    allow("s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
    assert public.status(f"/{bucket}/k") == 403
    allow("s3:GetObject", "*", {"StringLike": {"aws:Referer": "https://example.com/*"}})
    assert public.status(f"/{bucket}/k") == 403
    assert public.status(f"/{bucket}/k", Referer="https://example.com/page") == 200
    allow("s3:ListBucket", "", {"StringEquals": {"s3:prefix": "a/"}, "NumericLessThanEquals": {"s3:max-keys": "5"}})
    assert answer(third.list_objects_v2, Bucket=bucket, Prefix="a/", MaxKeys=5) == 200
    assert answer(third.list_objects_v2, Bucket=bucket, Prefix="a/", MaxKeys=6) == DENIED
    assert answer(third.list_objects_v2, Bucket=bucket, Prefix="b/", MaxKeys=5) == DENIED
    allow("s3:GetObject", "*", {"StringEquals": {"s3:ExistingObjectTag/state": "public"}})
    assert public.status(f"/{bucket}/k") == 403
    alt.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "state", "Value": "public"}]})
    assert public.status(f"/{bucket}/k") == 200


def test_tags_are_given_as_the_policy_says(alt, third, bucket, answer):
    alt.put_object(Bucket=bucket, Key="k", Body=b"x")
    condition = {"StringEquals": {"s3:RequestObjectTag/team": "red"}}
    statement = ("Allow", "*", ["s3:PutObject", "s3:PutObjectTagging"], "*", condition)
    alt.put_bucket_policy(Bucket=bucket, Policy=policy(bucket, statement))
    assert answer(third.put_object, Bucket=bucket, Key="n", Body=b"", Tagging="team=red") == 200
    assert answer(third.put_object, Bucket=bucket, Key="n", Body=b"", Tagging="team=blue") == DENIED
    for value, expected in (("red", 200), ("blue", DENIED)):
        tags = {"TagSet": [{"Key": "team", "Value": value}]}
        assert answer(third.put_object_tagging, Bucket=bucket, Key="k", Tagging=tags) == expected


def test_a_copy_needs_both_ends_and_its_tags(alt, third, new_bucket, bucket, answer):
    target = new_bucket(third)
    alt.put_object(Bucket=bucket, Key="plain", Body=b"x")
    alt.put_object(Bucket=bucket, Key="tagged", Body=b"x", Tagging="a=b")

    def copy(key, **more):
        source = {"Bucket": bucket, "Key": key}
        return answer(third.copy_object, Bucket=target, Key="copy", CopySource=source, **more)

    assert copy("plain") == DENIED
    reads = policy(bucket, ("Allow", {"AWS": THIRD.owner}, "s3:GetObject", "*"))
    alt.put_bucket_policy(Bucket=bucket, Policy=reads)
    assert copy("plain") == 200
    assert copy("tagged") == DENIED
    assert copy("tagged", TaggingDirective="REPLACE") == 200
    assert copy("none") == DENIED, "who may not list does not learn what is not there"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"Version": "2012-10-17", "Statement": []}',
        policy("another-bucket", ("Allow", "*", "s3:GetObject", "*")),
        policy("BUCKET", ("Allow", "*", "s3:Nothing", "*")),
        policy("BUCKET", ("Allow", {"AWS": "arn:aws:iam::1:user/*"}, "s3:GetObject", "*")),
        policy("BUCKET", ("Allow", "*", "s3:GetObject", "*", {"StringIs": {"s3:prefix": ""}})),
        policy("BUCKET", ("allow", "*", "s3:GetObject", "*")),
    ],
)
def test_what_is_no_policy_is_refused(alt, bucket, answer, text):
    refusal = answer(alt.put_bucket_policy, Bucket=bucket, Policy=text.replace("BUCKET", bucket))
    assert refusal == (400, "MalformedPolicy")


def test_a_key_with_a_policy(alt, user, new_bucket, bucket, answer):
    app = new_bucket(alt, f"app-{bucket}")
    for key in ("a", "private/a"):
        alt.put_object(Bucket=app, Key=key, Body=b"x")
    assert answer(user.get_object, Bucket=app, Key="a") == 200
    assert answer(user.put_object, Bucket=app, Key="b", Body=b"") == 200
    assert answer(user.get_object, Bucket=app, Key="private/a") == DENIED
    assert answer(user.list_objects_v2, Bucket=app) == 200
    assert answer(user.list_objects_v2, Bucket=bucket) == DENIED
    assert answer(user.put_object, Bucket=bucket, Key="home/AKUSEREXAMPLE/a", Body=b"") == 200
    assert answer(user.put_object, Bucket=bucket, Key="home/another/a", Body=b"") == DENIED
    assert answer(user.create_bucket, Bucket=f"app-new-{bucket}") == 200
    assert answer(user.create_bucket, Bucket=f"new-{bucket}") == DENIED
    user.delete_bucket(Bucket=f"app-new-{bucket}")
    keys = [{"Key": "a"}, {"Key": "private/a"}]
    result = user.delete_objects(Bucket=app, Delete={"Objects": keys})
    assert [it["Key"] for it in result["Deleted"]] == ["a"]
    assert [(it["Key"], it["Code"]) for it in result["Errors"]] == [("private/a", "AccessDenied")]


def test_policies_outlive_a_restart(tmp_path, public):
    with Gateway(tmp_path, keys=(ALT,)) as gateway:
        alt = connect(gateway, ALT)
        alt.create_bucket(Bucket="kept")
        alt.put_object(Bucket="kept", Key="k", Body=b"x")
        alt.put_bucket_policy(Bucket="kept", Policy=policy("kept", ("Allow", "*", "s3:GetObject", "*")))
        assert gateway.stop() == 0
        gateway.start()
        assert type(public)(gateway.endpoint).status("/kept/k") == 200
