"""Verification: counters, bodies against their checksums, and what is upstream."""

import pathlib

from behind import fresh_bucket
from connect import connect
from gateway import MAIN, Gateway
from waiting import eventually, job_done


def verified(gateway, query=""):
    """Runs a verification to its end."""
    return job_done(gateway, "verify", query)


def test_damage_is_found(tmp_path):
    with Gateway(tmp_path / "gateway") as gateway:
        s3, bucket = connect(gateway, MAIN), fresh_bucket()
        s3.create_bucket(Bucket=bucket)
        for number in range(5):
            s3.put_object(Bucket=bucket, Key=f"small-{number}", Body=b"x" * 1000)
        s3.put_object(Bucket=bucket, Key="large", Body=b"y" * 400_000)
        found = verified(gateway)
        assert (found["objects_checked"], found["bytes_checked"]) == (6, 405_000)
        assert (found["problems"], found["counters_repaired"]) == (0, 0)
        [counters] = found["counters"]
        assert counters["local_counted"] == counters["local_found"] == {"objects": 6, "bytes": 405_000}
        [blob] = [p for p in pathlib.Path(gateway.data, "blobs").rglob("*") if p.is_file()]
        with open(blob, "r+b") as file:
            file.seek(200_000)
            byte = file.read(1)
            file.seek(200_000)
            file.write(bytes([byte[0] ^ 1]))
        found = verified(gateway, f"?bucket={bucket}&upstream=false")
        assert found["problems"] == 1
        [finding] = found["findings"]
        assert (finding["key"], finding["what"]) == ("large", "damaged")
        assert verified(gateway, "?content=false")["problems"] == 0


def test_what_is_upstream_is_compared(behind):
    site = behind("fallback")
    for name in ("kept", "replaced", "removed"):
        site.put(name, b"content")
    assert verified(site.gateway)["problems"] == 0
    site.put_there("replaced", b"by someone else")
    site.up.delete_object(Bucket=site.there, Key="removed")
    found = verified(site.gateway)
    assert found["upstream_checked"] == 3
    assert {(f["key"], f["what"]) for f in found["findings"]} == {
        ("replaced", "upstream differs"),
        ("removed", "upstream lacks it"),
    }


def test_a_part_of_the_keys_and_copies_that_were_kept(behind):
    site = behind("local")
    for name in ("a/1", "a/2", "b/1"):
        site.put(name, b"content")
    status, view = site.gateway.side("POST", "/storage/migrate-to-s3?prefix=a/&keep_source=true")
    assert status == 202, view
    path = f"/storage/migrations/{view['id']}"
    eventually(lambda: site.gateway.side("GET", path)[1]["state"] == "done", 60, "the migration")
    found = verified(site.gateway, "?prefix=a/")
    assert (found["prefix"], found["counters"]) == ("a/", [])
    assert (found["objects_checked"], found["upstream_checked"], found["problems"]) == (2, 2, 0)
    found = verified(site.gateway)
    assert (found["objects_checked"], found["upstream_checked"], found["problems"]) == (3, 2, 0)


def test_one_is_cancelled(tmp_path):
    with Gateway(tmp_path / "gateway") as gateway:
        s3, bucket = connect(gateway, MAIN), fresh_bucket()
        s3.create_bucket(Bucket=bucket)
        for number in range(50):
            s3.put_object(Bucket=bucket, Key=f"large-{number}", Body=b"x" * 2_000_000)
        status, job = gateway.side("POST", "/storage/verify")
        assert status == 202, job
        path = f"/storage/verify/{job['id']}"
        assert gateway.side("POST", f"{path}/cancel")[0] == 202
        told = eventually(
            lambda: (told := gateway.side("GET", path)[1])["state"] != "running" and told,
            60,
            "the end of a verification",
        )
        assert told["state"] == "cancelled" and told["objects_checked"] < 50, told
        assert gateway.side("POST", f"{path}/cancel")[0] == 409
        assert gateway.side("POST", "/storage/verify/0123/cancel")[0] == 404
        assert verified(gateway)["objects_checked"] == 50


def test_bad_requests(tmp_path):
    with Gateway(tmp_path / "gateway") as gateway:
        for query in ("?content=maybe", "?deep=true", "?bucket=A"):
            status, answer = gateway.side("POST", f"/storage/verify{query}")
            assert status == 400 and answer["error"]["code"] == "InvalidArgument", answer
        assert gateway.side("POST", "/storage/verify?bucket=no-such-bucket")[0] == 404
        assert gateway.side("GET", "/storage/verify/0123")[0] == 404
