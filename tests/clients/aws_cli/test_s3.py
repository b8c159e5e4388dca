"""`aws s3`: mb, cp, mv, sync, ls, rm, rb, presign."""

import os
import urllib.request

from s3check import keys, read

MIB = 1 << 20


def tree(root, files):
    for name, body in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


FILES = {
    "a.txt": b"alpha",
    "empty": b"",
    "dir/b.html": b"<p>beta</p>",
    "dir/deep/c d+e.txt": b"gamma",
    "dir/ümlaut-日本.txt": b"delta",
    "big.bin": os.urandom(64) * (200 * 1024),  # 12.5 MiB: multipart
}


def test_life_of_a_bucket(aws, s3):
    aws("s3", "mb", "s3://cli-made-bucket")
    assert b"cli-made-bucket" in aws("s3", "ls")
    complaint = aws("s3", "rb", "s3://cli-missing-bucket", fails=True)
    assert "NoSuchBucket" in complaint
    s3.put_object(Bucket="cli-made-bucket", Key="k", Body=b"x")
    assert "BucketNotEmpty" in aws("s3", "rb", "s3://cli-made-bucket", fails=True)
    aws("s3", "rb", "s3://cli-made-bucket", "--force")
    assert b"cli-made-bucket" not in aws("s3", "ls")


def test_cp_up_down_and_across(aws, s3, bucket, tmp_path):
    up = tree(tmp_path / "up", FILES)
    for name in ("a.txt", "empty", "big.bin", "dir/deep/c d+e.txt"):
        aws("s3", "cp", up / name, f"s3://{bucket}/{name}")
        assert read(s3.get_object(Bucket=bucket, Key=name)) == FILES[name]
        aws("s3", "cp", f"s3://{bucket}/{name}", f"s3://{bucket}/copied/{name}")
        aws("s3", "cp", f"s3://{bucket}/copied/{name}", tmp_path / "down" / name)
    down = contents(tmp_path / "down")
    assert down == {k: FILES[k] for k in down} and len(down) == 4
    assert s3.head_object(Bucket=bucket, Key="a.txt")["ContentType"] == "text/plain"


def test_cp_with_streams_and_options(aws, s3, bucket):
    aws(
        "s3", "cp", "-", f"s3://{bucket}/stream",
        "--content-type", "application/pdf", "--metadata", "colour=red", "--cache-control", "no-cache",
        input=b"from stdin",
    )  # fmt: skip
    head = s3.head_object(Bucket=bucket, Key="stream")
    assert (head["ContentType"], head["CacheControl"]) == ("application/pdf", "no-cache")
    assert head["Metadata"] == {"colour": "red"}
    assert aws("s3", "cp", f"s3://{bucket}/stream", "-") == b"from stdin"
    assert "404" in aws("s3", "cp", f"s3://{bucket}/none", "-", fails=True)


def test_mv(aws, s3, bucket, tmp_path):
    up = tree(tmp_path / "up", {"a.txt": b"alpha"})
    aws("s3", "mv", up / "a.txt", f"s3://{bucket}/a.txt")
    assert not (up / "a.txt").exists()
    aws("s3", "mv", f"s3://{bucket}/a.txt", f"s3://{bucket}/b.txt")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["b.txt"]
    aws("s3", "mv", f"s3://{bucket}/b.txt", tmp_path / "down.txt")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []
    assert (tmp_path / "down.txt").read_bytes() == b"alpha"


def test_sync_both_ways_with_delete(aws, s3, bucket, tmp_path):
    up = tree(tmp_path / "up", FILES)
    aws("s3", "sync", up, f"s3://{bucket}/pre")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == sorted((f"pre/{k}" for k in FILES), key=str.encode)
    # Nothing has changed: nothing is sent again.
    assert aws("s3", "sync", up, f"s3://{bucket}/pre").strip() == b""
    aws("s3", "sync", f"s3://{bucket}/pre", tmp_path / "down")
    assert contents(tmp_path / "down") == FILES
    assert aws("s3", "sync", f"s3://{bucket}/pre", tmp_path / "down").strip() == b""
    (up / "a.txt").unlink()
    (up / "dir/b.html").write_bytes(b"<p>another beta</p>")
    (up / "new").write_bytes(b"new")
    said = aws("s3", "sync", up, f"s3://{bucket}/pre", "--delete").decode()
    assert said.count("upload:") == 2 and said.count("delete:") == 1
    aws("s3", "sync", f"s3://{bucket}/pre", tmp_path / "down", "--delete")
    assert contents(tmp_path / "down") == contents(up)


def test_sync_between_buckets(aws, s3, bucket, new_bucket):
    other = new_bucket()
    for key in ("a", "b/c", "d e"):
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    aws("s3", "sync", f"s3://{bucket}", f"s3://{other}")
    assert keys(s3.list_objects_v2(Bucket=other)) == ["a", "b/c", "d e"]
    aws("s3", "rm", f"s3://{bucket}/b/c")
    aws("s3", "sync", f"s3://{bucket}", f"s3://{other}", "--delete")
    assert keys(s3.list_objects_v2(Bucket=other)) == ["a", "d e"]


def test_ls(aws, s3, bucket):
    for key in ("a", "dir/b", "dir/c", "other/d"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"12345")
    lines = aws("s3", "ls", f"s3://{bucket}").decode().split("\n")
    assert [line.split()[-1] for line in lines if line] == ["dir/", "other/", "a"]
    said = aws("s3", "ls", f"s3://{bucket}", "--recursive", "--summarize").decode()
    assert "Total Objects: 4" in said and "Total Size: 20" in said
    aws("s3", "ls", f"s3://{bucket}/none", fails=True)


def test_rm_recursive_with_filters(aws, s3, bucket):
    for key in ("a.txt", "b.log", "dir/c.log", "dir/d.txt"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    aws("s3", "rm", f"s3://{bucket}", "--recursive", "--exclude", "*", "--include", "*.log")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["a.txt", "dir/d.txt"]
    aws("s3", "rm", f"s3://{bucket}", "--recursive")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_presign(aws, s3, bucket):
    s3.put_object(Bucket=bucket, Key="a b.txt", Body=b"presigned")
    for extra in ((), ("--region", "eu-central-1")):
        url = aws("s3", "presign", f"s3://{bucket}/a b.txt", "--expires-in", "60", *extra).decode().strip()
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert answer.read() == b"presigned"
