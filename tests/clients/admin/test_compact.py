"""Compaction of the log: the room of deleted small objects comes back, and everything else stays."""

import json
import subprocess

from behind import fresh_bucket
from connect import connect
from gateway import MAIN, TOKEN, Gateway, binary
from waiting import eventually, job_done

SMALL = '[store]\nsegment_size = "16 MiB"\ncompaction = false\n'
BODY = 100_000


def log_bytes(gateway):
    """What the files of the log take on the disk."""
    files = (gateway.data / "log").glob("*.slog")
    return sum(file.stat().st_blocks * 512 for file in files)


def compacted(gateway, query=""):
    """Runs a compaction to its end."""
    return job_done(gateway, "compact", query)


def fill(s3, bucket, count):
    for number in range(count):
        body = bytes([number % 251]) * BODY
        s3.put_object(Bucket=bucket, Key=f"k/{number:04}", Body=body, Metadata={"n": str(number)})


def kept(s3, bucket):
    """What a client sees of the bucket: the listing, and every object."""
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"]
    rows = [(o["Key"], o["Size"], o["ETag"], o["LastModified"]) for o in listed]
    objects = {}
    for key, *_ in rows:
        got = s3.get_object(Bucket=bucket, Key=key)
        objects[key] = (got["Body"].read(), got["Metadata"], got["LastModified"], got["ETag"])
    return rows, objects


def delete_most(s3, bucket, count):
    gone = [{"Key": f"k/{number:04}"} for number in range(count) if number % 20]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": gone})


def test_the_disk_gets_its_room_back(tmp_path):
    with Gateway(tmp_path / "gateway", config=SMALL) as gateway:
        s3, bucket = connect(gateway, MAIN), fresh_bucket()
        s3.create_bucket(Bucket=bucket)
        upload = s3.create_multipart_upload(Bucket=bucket, Key="upload")["UploadId"]
        part = s3.upload_part(
            Bucket=bucket, Key="upload", UploadId=upload, PartNumber=1, Body=b"p" * 5000
        )
        fill(s3, bucket, 600)
        full = log_bytes(gateway)
        assert full > 600 * BODY
        delete_most(s3, bucket, 600)
        before = kept(s3, bucket)
        assert len(before[0]) == 30
        found = compacted(gateway)
        assert found["segments_removed"] >= 4 and found["records_moved"] >= 30, found
        assert found["bytes"] < found["bytes_before"] and found["bytes_freed"] > 500 * BODY, found
        # The next segment is allocated ahead.
        assert log_bytes(gateway) < 24 << 20, log_bytes(gateway)
        assert kept(s3, bucket) == before
        assert compacted(gateway)["segments"] == 0
        again = s3.list_parts(Bucket=bucket, Key="upload", UploadId=upload)
        assert [p["ETag"] for p in again["Parts"]] == [part["ETag"]]
        parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
        s3.complete_multipart_upload(
            Bucket=bucket, Key="upload", UploadId=upload, MultipartUpload=parts
        )
        assert s3.get_object(Bucket=bucket, Key="upload")["Body"].read() == b"p" * 5000
        s3.delete_object(Bucket=bucket, Key="upload")
        gateway.kill()
        gateway.start()
        s3 = connect(gateway, MAIN)
        assert kept(s3, bucket) == before
        status, job = gateway.side("POST", "/storage/verify")
        assert status == 202
        path = f"/storage/verify/{job['id']}"
        told = eventually(
            lambda: (told := gateway.side("GET", path)[1])["state"] != "running" and told,
            60,
            "the end of a verification",
        )
        assert (told["problems"], told["counters_repaired"], told["objects_checked"]) == (0, 0, 30)
        assert gateway.stop() == 0
        done = gateway.check()
        assert done.returncode == 0, done.stdout + done.stderr


def test_by_itself(tmp_path):
    config = '[store]\nsegment_size = "16 MiB"\n'
    with Gateway(tmp_path / "gateway", config=config) as gateway:
        s3, bucket = connect(gateway, MAIN), fresh_bucket()
        s3.create_bucket(Bucket=bucket)
        fill(s3, bucket, 600)
        delete_most(s3, bucket, 600)
        before = kept(s3, bucket)
        eventually(lambda: log_bytes(gateway) < 40 << 20, 150, "a compaction by itself")
        assert kept(s3, bucket) == before


def test_from_the_command_line(tmp_path):
    with Gateway(tmp_path / "gateway", config=SMALL) as gateway:
        s3, bucket = connect(gateway, MAIN), fresh_bucket()
        s3.create_bucket(Bucket=bucket)
        fill(s3, bucket, 300)
        delete_most(s3, bucket, 300)
        before = kept(s3, bucket)
        command = [binary(), "compact", "--config", str(tmp_path / "gateway" / "stowgate.toml")]
        at = ["--url", gateway.endpoint, "--json"]
        environment = {"STOWGATE_ADMIN_TOKEN": TOKEN}
        done = subprocess.run(command + at, capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        job = json.loads(done.stdout)
        assert job["segments_removed"] >= 2, job
        assert kept(s3, bucket) == before
        fill(s3, bucket, 300)
        delete_most(s3, bucket, 300)
        before = kept(s3, bucket)
        assert gateway.stop() == 0
        # The data directory itself, as no gateway runs.
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "removed" in done.stdout, done.stdout
        gateway.start()
        assert kept(connect(gateway, MAIN), bucket) == before


def test_bad_requests(tmp_path):
    with Gateway(tmp_path / "gateway") as gateway:
        for query in ("?dead=0", "?dead=101", "?dead=half", "?deep=true"):
            status, answer = gateway.side("POST", f"/storage/compact{query}")
            assert status == 400 and answer["error"]["code"] == "InvalidArgument", answer
        assert gateway.side("GET", "/storage/compact/0123")[0] == 404
        assert gateway.side("POST", "/storage/compact/0123/cancel")[0] == 404
        assert gateway.side("PUT", "/storage/compact")[0] == 405
        assert compacted(gateway)["segments"] == 0
