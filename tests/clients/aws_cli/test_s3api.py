"""`aws s3api`: the operations one by one."""

import json

MIB = 1 << 20


def test_buckets(api):
    assert api("create-bucket", "--bucket", "api-bucket")["Location"] == "/api-bucket"
    assert api("get-bucket-location", "--bucket", "api-bucket")["LocationConstraint"] is None
    assert "api-bucket" in [b["Name"] for b in api("list-buckets")["Buckets"]]
    api("head-bucket", "--bucket", "api-bucket")
    assert api("get-bucket-versioning", "--bucket", "api-bucket") == {}
    assert api("get-bucket-acl", "--bucket", "api-bucket")["Grants"]
    assert "NoSuchBucketPolicy" in api("get-bucket-policy", "--bucket", "api-bucket", fails=True)
    api("delete-bucket", "--bucket", "api-bucket")
    assert "404" in api("head-bucket", "--bucket", "api-bucket", fails=True)


def test_objects(api, bucket, tmp_path):
    (tmp_path / "body").write_bytes(b"content")
    at = ("--bucket", bucket, "--key", "k")
    put = api("put-object", *at, "--body", "body", "--metadata", "a=b", "--tagging", "t=1")
    got = api("get-object", *at, "out")
    assert (tmp_path / "out").read_bytes() == b"content"
    assert (got["ETag"], got["Metadata"]) == (put["ETag"], {"a": "b"})
    api("get-object", *at, "--range", "bytes=1-3", "out")
    assert (tmp_path / "out").read_bytes() == b"ont"
    assert api("head-object", *at)["ContentLength"] == 7
    assert "304" in api("head-object", *at, "--if-none-match", put["ETag"], fails=True)
    assert "PreconditionFailed" in api(
        "put-object", *at, "--body", "body", "--if-none-match", "*", fails=True
    )
    copied = api("copy-object", "--bucket", bucket, "--key", "copy", "--copy-source", f"{bucket}/k")
    assert copied["CopyObjectResult"]["ETag"] == put["ETag"]
    attributes = api("get-object-attributes", *at, "--object-attributes", "ETag", "ObjectSize")
    assert attributes["ObjectSize"] == 7
    assert [v["VersionId"] for v in api("list-object-versions", "--bucket", bucket)["Versions"]] == ["null"] * 2
    page = api("list-objects-v2", "--bucket", bucket, "--max-items", "1")
    assert [o["Key"] for o in page["Contents"]] == ["copy"] and page["NextToken"]
    objects = json.dumps({"Objects": [{"Key": "k"}, {"Key": "copy"}]})
    gone = api("delete-objects", "--bucket", bucket, "--delete", objects)
    assert [d["Key"] for d in gone["Deleted"]] == ["k", "copy"]


def test_tags(api, bucket):
    at = ("--bucket", bucket, "--key", "k")
    api("put-object", *at)
    api("put-object-tagging", *at, "--tagging", "TagSet=[{Key=a,Value=1}]")
    assert api("get-object-tagging", *at)["TagSet"] == [{"Key": "a", "Value": "1"}]
    api("delete-object-tagging", *at)
    assert api("get-object-tagging", *at)["TagSet"] == []
    api("put-bucket-tagging", "--bucket", bucket, "--tagging", "TagSet=[{Key=b,Value=2}]")
    assert api("get-bucket-tagging", "--bucket", bucket)["TagSet"] == [{"Key": "b", "Value": "2"}]


def test_multipart(api, bucket, tmp_path):
    at = ("--bucket", bucket, "--key", "k")
    (tmp_path / "one").write_bytes(b"1" * (5 * MIB))
    (tmp_path / "two").write_bytes(b"2" * 10)
    upload = api("create-multipart-upload", *at)["UploadId"]
    part = (*at, "--upload-id", upload)
    parts = []
    for number, name in ((1, "one"), (2, "two")):
        answer = api("upload-part", *part, "--part-number", number, "--body", name)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    copied = api("upload-part-copy", *part, "--part-number", 3, "--copy-source", f"{bucket}/none", fails=True)
    assert "NoSuchKey" in copied
    assert [p["Size"] for p in api("list-parts", *part)["Parts"]] == [5 * MIB, 10]
    assert api("list-multipart-uploads", "--bucket", bucket)["Uploads"][0]["UploadId"] == upload
    done = api("complete-multipart-upload", *part, "--multipart-upload", json.dumps({"Parts": parts}))
    assert done["ETag"].endswith('-2"')
    assert api("head-object", *at)["ContentLength"] == 5 * MIB + 10
    upload = api("create-multipart-upload", *at)["UploadId"]
    api("abort-multipart-upload", *at, "--upload-id", upload)
    assert "Uploads" not in api("list-multipart-uploads", "--bucket", bucket)
