"""Tags of objects and buckets."""

import pytest

from s3check import absent, header, refused, status


def pairs(answer):
    return {t["Key"]: t["Value"] for t in answer["TagSet"]}


def tag_set(**tags):
    return {"TagSet": [{"Key": k, "Value": v} for k, v in tags.items()]}


def test_object_tags(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {}
    assert status(s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tag_set(a="1", b=""))) == 200
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {"a": "1", "b": ""}
    assert header(s3.head_object(Bucket=bucket, Key="k"), "x-amz-tagging-count") == "2"
    assert header(s3.get_object(Bucket=bucket, Key="k"), "x-amz-tagging-count") == "2"
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tag_set(c="ü ="))
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {"c": "ü ="}
    assert status(s3.delete_object_tagging(Bucket=bucket, Key="k")) == 204
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {}
    assert header(s3.head_object(Bucket=bucket, Key="k"), "x-amz-tagging-count") is None


def test_tags_in_the_header(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="a=1&b%20c=d%2Fe&empty=")
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {"a": "1", "b c": "d/e", "empty": ""}
    s3.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {}


def test_tagging_keeps_the_object(s3, bucket):
    before = s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"m": "1"})
    head = s3.head_object(Bucket=bucket, Key="k")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tag_set(a="1"))
    after = s3.head_object(Bucket=bucket, Key="k")
    assert after["ETag"] == before["ETag"]
    assert after["Metadata"] == {"m": "1"}
    assert after["LastModified"] == head["LastModified"]


@pytest.mark.parametrize(
    ("tags", "code"),
    [
        ({f"k{n}": "v" for n in range(11)}, "BadRequest"),
        ({"k" * 129: "v"}, "InvalidTag"),
        ({"k": "v" * 257}, "InvalidTag"),
        ({"bad\u0007": "v"}, ("InvalidTag", "MalformedXML")),
        ({"k": "semi;colon<"}, "InvalidTag"),
    ],
    ids=["too-many", "long-key", "long-value", "control", "characters"],
)
def test_bad_tags(s3, bucket, tags, code):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging="kept=1")
    with refused(code, 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tag_set(**tags))
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == {"kept": "1"}


def test_the_largest_tags(s3, bucket):
    tags = {f"{n}" + "k" * 127: "v" * 256 for n in range(10)}
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=tag_set(**tags))
    assert pairs(s3.get_object_tagging(Bucket=bucket, Key="k")) == tags


def test_a_key_twice(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    twice = {"TagSet": [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]}
    with refused("InvalidTag", 400):
        s3.put_object_tagging(Bucket=bucket, Key="k", Tagging=twice)


@pytest.mark.parametrize(
    "text", ["a=1&a=2", "a=%zz", "&".join(f"k{n}=v" for n in range(11))], ids=["twice", "escape", "many"]
)
def test_bad_tags_in_the_header(s3, bucket, text):
    with refused(("InvalidArgument", "InvalidTag", "BadRequest"), 400):
        s3.put_object(Bucket=bucket, Key="k", Body=b"x", Tagging=text)
    assert absent(s3, bucket, "k")


def test_tags_of_what_is_not_there(s3, bucket):
    with refused("NoSuchKey", 404):
        s3.get_object_tagging(Bucket=bucket, Key="none")
    with refused("NoSuchKey", 404):
        s3.put_object_tagging(Bucket=bucket, Key="none", Tagging=tag_set(a="1"))


def test_bucket_tags(s3, bucket):
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
    many = {f"k{n}": "v" for n in range(50)}
    s3.put_bucket_tagging(Bucket=bucket, Tagging=tag_set(**many))
    assert pairs(s3.get_bucket_tagging(Bucket=bucket)) == many
    with refused(("BadRequest", "InvalidTag"), 400):
        s3.put_bucket_tagging(Bucket=bucket, Tagging=tag_set(**many, one_more="v"))
    assert pairs(s3.get_bucket_tagging(Bucket=bucket)) == many
    assert status(s3.delete_bucket_tagging(Bucket=bucket)) == 204
    with refused("NoSuchTagSet", 404):
        s3.get_bucket_tagging(Bucket=bucket)
