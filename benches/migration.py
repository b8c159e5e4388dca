"""Moves a bucket upstream by migration and with `rclone copy`, in one run: see README.md."""

import argparse
import concurrent.futures
import contextlib
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests" / "harness"))

import upstreams  # noqa: E402
from behind import bucket_toml, upstream_toml  # noqa: E402
from connect import connect  # noqa: E402
from gateway import Gateway  # noqa: E402
from migrating import Migrations  # noqa: E402

TOOLS = HERE.parent / "target" / "tools" / "bin"
MIB = 1 << 20
PART = 16 * MIB
SOURCE, COPIES = "bench", "copies"


def fill(s3, prefix, count, size):
    """Puts so many objects, in parts where they are large."""
    noise = random.Random(size).randbytes(min(size, PART))

    def put(number):
        key = f"{prefix}/{number:07}"
        if size <= PART:
            s3.put_object(Bucket=SOURCE, Key=key, Body=b"%d " % number + noise[: size - 8])
            return
        upload = s3.create_multipart_upload(Bucket=SOURCE, Key=key)["UploadId"]
        where = {"Bucket": SOURCE, "Key": key, "UploadId": upload}
        parts = []
        for part in range(1, size // PART + 1):
            etag = s3.upload_part(**where, PartNumber=part, Body=noise)["ETag"]
            parts.append({"PartNumber": part, "ETag": etag})
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for _ in pool.map(put, range(count)):
            pass


def empty(s3, bucket):
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        keys = [{"Key": line["Key"]} for line in page.get("Contents", ())]
        if keys:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": keys, "Quiet": True})


def rclone(gateway, server, prefix, concurrency):
    """Seconds that a copy takes, each object compared by size and MD5 afterwards as rclone does."""
    # A bundle for the whole machine is nothing that rclone can use.
    environment = {name: value for name, value in os.environ.items() if name != "AWS_CA_BUNDLE"}
    for name, one, key in (("SOURCE", gateway, server.key), ("TARGET", server, server.key)):
        settings = {
            "type": "s3", "provider": "Other", "endpoint": f"http://127.0.0.1:{one.port}", "region": "us-east-1",
            "access_key_id": key.access, "secret_access_key": key.secret, "force_path_style": "true",
        }
        for setting, value in settings.items():
            environment[f"RCLONE_CONFIG_{name}_{setting.upper()}"] = value
    command = [
        "rclone", "copy", "--config", "/dev/null", f"--transfers={concurrency}", f"--checkers={concurrency}",
        "--s3-no-check-bucket", f"source:{SOURCE}/{prefix}", f"target:{COPIES}/{prefix}",
    ]
    begun = time.monotonic()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - begun


def migrate(migrations, prefix, concurrency, count):
    """Seconds that a migration takes, each object verified."""
    begun = time.monotonic()
    settings = {"bucket": SOURCE, "prefix": f"{prefix}/", "concurrency": concurrency, "keep_source": "true"}
    id = migrations.start("s3", **settings)
    view = migrations.over(id, seconds=3600)
    seconds = time.monotonic() - begun
    assert view["progress"]["moved"] == count and view["progress"]["failed"] == 0, view
    migrations.ask(id, "rollback")
    migrations.over(id, "rolled_back", seconds=3600)
    return seconds


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--upstream", choices=("versitygw", "stowgate"), default="versitygw")
    parser.add_argument("--small", type=int, default=10_000, help="objects of 4 KiB")
    parser.add_argument("--large", type=int, default=16, help="objects of 128 MiB")
    parser.add_argument("--concurrency", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--directory", help="where the servers keep their data")
    arguments = parser.parse_args()
    for found in TOOLS.glob("versitygw-*"):
        os.environ.setdefault("STOWGATE_VERSITYGW", str(found))
    with contextlib.ExitStack() as stack:
        home = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(dir=arguments.directory)))
        server = stack.enter_context(upstreams.make(arguments.upstream, home / "upstream"))
        usual = dict.fromkeys(("connect_timeout", "first_byte_timeout", "stall_timeout"))
        config = upstream_toml(server.endpoint, server.key, **usual)
        config += bucket_toml(SOURCE, "local", upstream="main")
        gateway = stack.enter_context(Gateway(home / "gateway", keys=(server.key,), config=config))
        s3, there = connect(gateway, server.key), connect(server, server.key)
        there.create_bucket(Bucket=SOURCE)
        there.create_bucket(Bucket=COPIES)
        migrations = Migrations(gateway)
        for prefix, count, size in (("small", arguments.small, 4096), ("large", arguments.large, 128 * MIB)):
            if not count:
                continue
            fill(s3, prefix, count, size)
            times = {"rclone copy": [], "migration": []}
            for _ in range(arguments.rounds):
                times["rclone copy"].append(rclone(gateway, server, prefix, arguments.concurrency))
                empty(there, COPIES)
                times["migration"].append(migrate(migrations, prefix, arguments.concurrency, count))
            first = statistics.median(times["rclone copy"])
            for name, all_of_them in times.items():
                seconds = statistics.median(all_of_them)
                print(
                    f"{prefix} x{count:<6} {name:12} {seconds:8.2f} s {count / seconds:9.1f}/s "
                    f"{count * size / MIB / seconds:8.1f} MiB/s  rate x{first / seconds:.2f}"
                )


if __name__ == "__main__":
    sys.exit(main())
