"""DeleteObject and DeleteObjects."""

import concurrent.futures

from s3check import keys, refused, status


def fill(s3, bucket, names):
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda k: s3.put_object(Bucket=bucket, Key=k, Body=b"x"), names))


def test_many_at_once(client, bucket):
    s3 = client(max_pool_connections=8)
    names = [f"k{n:04}" for n in range(1000)]
    fill(s3, bucket, names)
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in names]})
    assert [d["Key"] for d in answer["Deleted"]] == names
    assert "Errors" not in answer
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_1001_at_once_are_too_many(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k0", Body=b"x")
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": f"k{n}"} for n in range(1001)]})
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["k0"]


def test_quiet_and_missing(s3, bucket):
    fill(s3, bucket, ["a", "b"])
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a"}, {"Key": "none"}], "Quiet": True}
    )
    assert "Deleted" not in answer and "Errors" not in answer
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "b"}, {"Key": "none"}]})
    assert [d["Key"] for d in answer["Deleted"]] == ["b", "none"]


def test_the_null_version(s3, bucket):
    fill(s3, bucket, ["a", "b"])
    answer = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "null"}]}
    )
    assert answer["Deleted"][0]["Key"] == "a"
    assert status(s3.delete_object(Bucket=bucket, Key="b", VersionId="null")) == 204
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_from_a_missing_bucket(s3):
    with refused("NoSuchBucket", 404):
        s3.delete_object(Bucket="no-such-bucket-here", Key="k")
    with refused("NoSuchBucket", 404):
        s3.delete_objects(Bucket="no-such-bucket-here", Delete={"Objects": [{"Key": "k"}]})


def test_without_any_key(s3, bucket):
    with refused("MalformedXML", 400):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": []})
