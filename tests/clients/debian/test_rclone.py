"""rclone from Debian: sync, check, modification times, delete."""

import os
import shutil
import subprocess

import pytest

from gateway import MAIN, clean_environment
from s3check import keys

FILES = {
    "a.txt": b"alpha",
    "empty": b"",
    "dir/b.html": b"<p>beta</p>",
    "dir/deep/c d+e&f.txt": b"gamma",
    "dir/ümlaut-日本.txt": b"delta",
    "big.bin": os.urandom(64) * (200 * 1024),
}


@pytest.fixture(params=["Minio", "Other"])
def rclone(request, gateway, tmp_path):
    """Version 2 listings with checked ETags, and version 1 listings without."""
    assert shutil.which("rclone"), "rclone is not installed"
    environment = clean_environment()
    environment.update(
        HOME=str(tmp_path),
        RCLONE_CONFIG=os.devnull,
        RCLONE_CONFIG_GW_TYPE="s3",
        RCLONE_CONFIG_GW_PROVIDER=request.param,
        RCLONE_CONFIG_GW_ENDPOINT=gateway.endpoint,
        RCLONE_CONFIG_GW_ACCESS_KEY_ID=MAIN.access,
        RCLONE_CONFIG_GW_SECRET_ACCESS_KEY=MAIN.secret,
        RCLONE_CONFIG_GW_REGION="us-east-1",
        RCLONE_CONFIG_GW_FORCE_PATH_STYLE="true",
        RCLONE_S3_UPLOAD_CUTOFF="6M",
        RCLONE_S3_CHUNK_SIZE="5M",
        RCLONE_RETRIES="1",
        RCLONE_LOW_LEVEL_RETRIES="1",
    )

    def run(*arguments):
        done = subprocess.run(
            ["rclone", *map(str, arguments)], capture_output=True, text=True, env=environment, timeout=110
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def fill(root):
    for name, body in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        os.utime(path, (1_600_000_000.25, 1_600_000_000.25))
    return root


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


def test_sync_check_and_delete(rclone, s3, bucket, tmp_path):
    up = fill(tmp_path / "up")
    remote = f"gw:{bucket}/pre"
    rclone("sync", up, remote)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == sorted((f"pre/{k}" for k in FILES), key=str.encode)
    rclone("check", up, remote)
    rclone("check", "--download", up, remote)
    # Times are kept, so nothing is sent again.
    assert "Transferred:   \t          0 B" in rclone("sync", "-v", "--stats-one-line=false", up, remote)
    rclone("sync", remote, tmp_path / "down")
    assert contents(tmp_path / "down") == FILES
    assert (tmp_path / "down/a.txt").stat().st_mtime == 1_600_000_000.25
    (up / "a.txt").unlink()
    (up / "dir/b.html").write_bytes(b"changed")
    rclone("sync", up, remote)
    rclone("check", up, remote)
    assert "pre/a.txt" not in keys(s3.list_objects_v2(Bucket=bucket))
    # Setting a time is a copy onto itself.
    os.utime(up / "empty", (1_500_000_000, 1_500_000_000))
    rclone("copy", up, remote)
    assert "2017-07-14" in rclone("lsl", f"{remote}/empty")
    rclone("delete", remote)
    assert keys(s3.list_objects_v2(Bucket=bucket)) == []


def test_buckets_moves_and_streams(rclone, s3, tmp_path):
    rclone("mkdir", "gw:rclone-made-bucket")
    source = tmp_path / "file"
    source.write_bytes(b"content")
    rclone("copyto", source, "gw:rclone-made-bucket/one")
    rclone("moveto", "gw:rclone-made-bucket/one", "gw:rclone-made-bucket/two words")
    assert rclone("cat", "gw:rclone-made-bucket/two words").startswith("content")
    assert "rclone-made-bucket" in rclone("lsd", "gw:")
    rclone("purge", "gw:rclone-made-bucket")
    assert "rclone-made-bucket" not in [b["Name"] for b in s3.list_buckets()["Buckets"]]
