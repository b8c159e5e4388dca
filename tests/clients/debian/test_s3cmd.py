"""s3cmd from Debian: put, get, sync, info, delete."""

import os
import shutil
import subprocess

import pytest

from gateway import MAIN, clean_environment
from s3check import header, keys, read


@pytest.fixture(params=["v4", "v2"])
def s3cmd(request, gateway, tmp_path):
    """With either signature version."""
    assert shutil.which("s3cmd"), "s3cmd is not installed"
    host = f"127.0.0.1:{gateway.port}"
    (tmp_path / "s3cfg").write_text(
        "[default]\n"
        f"access_key = {MAIN.access}\nsecret_key = {MAIN.secret}\n"
        f"host_base = {host}\nhost_bucket = {host}\n"
        "use_https = False\nbucket_location = us-east-1\nmultipart_chunk_size_mb = 5\n"
        f"signature_v2 = {request.param == 'v2'}\n"
    )

    def run(*arguments):
        done = subprocess.run(
            ["s3cmd", "-c", str(tmp_path / "s3cfg"), "--no-progress", *map(str, arguments)],
            capture_output=True,
            text=True,
            env=clean_environment(),
            timeout=110,
        )
        assert done.returncode == 0, done.stderr + done.stdout
        return done.stdout

    return run


def test_put_get_info_and_delete(s3cmd, s3, bucket, tmp_path):
    for name, body in (("a b.txt", b"alpha"), ("empty", b""), ("big", os.urandom(64) * (100 * 1024))):
        (tmp_path / name).write_bytes(body)
        s3cmd("put", tmp_path / name, f"s3://{bucket}/dir/{name}")
        assert read(s3.get_object(Bucket=bucket, Key=f"dir/{name}")) == body
        s3cmd("get", "--force", f"s3://{bucket}/dir/{name}", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == body
    assert header(s3.head_object(Bucket=bucket, Key="dir/empty"), "x-amz-meta-s3cmd-attrs")
    said = s3cmd("info", f"s3://{bucket}/dir/a b.txt")
    assert "MD5 sum" in said
    assert "Location:  us-east-1" in s3cmd("info", f"s3://{bucket}")
    assert "DIR" in s3cmd("ls", f"s3://{bucket}")
    s3cmd("cp", f"s3://{bucket}/dir/a b.txt", f"s3://{bucket}/copy")
    s3cmd("mv", f"s3://{bucket}/copy", f"s3://{bucket}/moved")
    assert "moved" in keys(s3.list_objects_v2(Bucket=bucket))
    s3cmd("del", "--recursive", "--force", f"s3://{bucket}")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_sync_both_ways(s3cmd, s3, bucket, tmp_path):
    up = tmp_path / "up"
    (up / "sub").mkdir(parents=True)
    (up / "one").write_bytes(b"1")
    (up / "sub/two").write_bytes(b"2")
    s3cmd("sync", f"{up}/", f"s3://{bucket}/pre/")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["pre/one", "pre/sub/two"]
    (up / "one").unlink()
    s3cmd("sync", "--delete-removed", f"{up}/", f"s3://{bucket}/pre/")
    assert keys(s3.list_objects_v2(Bucket=bucket)) == ["pre/sub/two"]
    down = tmp_path / "down"
    down.mkdir()
    s3cmd("sync", f"s3://{bucket}/pre/", f"{down}/")
    assert (down / "sub/two").read_bytes() == b"2"


def test_buckets(s3cmd):
    s3cmd("mb", "s3://s3cmd-made-bucket")
    assert "s3://s3cmd-made-bucket" in s3cmd("ls")
    s3cmd("rb", "s3://s3cmd-made-bucket")
