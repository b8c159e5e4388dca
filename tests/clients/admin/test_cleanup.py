"""Clean-up: previewed, capped, and only of what nothing refers to."""

import concurrent.futures
import csv
import http.client
import json

import pytest

from gateway import TOKEN
from waiting import eventually, finished_job, pass_moment


def begin(site, query, manifest=None):
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=30)
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "text/plain"}
    connection.request("POST", f"/storage/cleanup?{query}", body=manifest, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def cleaned(site, query, keys=None):
    """Runs a clean-up to its end."""
    manifest = "".join(f"{key}\n" for key in keys).encode() if keys is not None else None
    if keys is not None:
        query = f"bucket={site.bucket}&min_age=0&{query}"
    status, job = begin(site, query, manifest)
    assert status == 202, job
    return finished_job(site.gateway, "cleanup", job["id"])


def settle(site, key):
    """Until the object is older than the second that it is stamped with."""
    pass_moment(site.head(key)["LastModified"])


@pytest.mark.parametrize("mode, backend", [("local", "local"), ("fallback", "s3")])
def test_what_the_manifest_lacks_goes(behind, mode, backend):
    site = behind(mode)
    for number in range(250):
        site.put(f"key {number:03}", b"12345")
    settle(site, "key 249")
    live = [f"key {number:03}" for number in range(0, 250, 2)]
    preview = cleaned(site, f"storage_backend={backend}&dry_run=true", live)
    assert (preview["state"], preview["found"], preview["found_bytes"]) == ("done", 125, 625)
    assert preview["deleted"] == 0 and len(site.keys()) == 250
    assert preview["keys"][:2] == ["key 001", "key 003"]
    refused = cleaned(site, f"storage_backend={backend}&max_deletes=124", live)
    assert refused["state"] == "failed" and "nothing is deleted" in refused["error"]
    assert len(site.keys()) == 250
    other = cleaned(site, f"storage_backend={'s3' if backend == 'local' else 'local'}", live)
    assert (other["state"], other["found"]) == ("done", 0)
    done = cleaned(site, f"storage_backend={backend}&max_deletes=125", live)
    assert (done["state"], done["deleted"], done["deleted_bytes"]) == ("done", 125, 625)
    assert site.keys() == live
    if backend == "s3":
        assert site.keys_there() == live


def test_what_others_put_upstream_stays(behind):
    site = behind("fallback")
    site.put("ours", b"x")
    site.put_there("theirs", b"y")
    settle(site, "ours")
    done = cleaned(site, "storage_backend=s3", ["something"])
    assert done["deleted"] == 1
    assert site.keys_there() == ["theirs"]


def test_young_objects_stay(behind):
    site = behind("local")
    site.put("young", b"x")
    status, job = begin(site, f"storage_backend=local&bucket={site.bucket}", b"other\n")
    assert status == 202
    found = finished_job(site.gateway, "cleanup", job["id"])
    assert (found["deleted"], found["kept_newer"]) == (0, 1)
    assert site.keys() == ["young"]


def test_without_a_manifest_no_object_goes(behind):
    site = behind("fallback")
    site.put("a", b"x")
    for backend in ("local", "s3"):
        done = cleaned(site, f"storage_backend={backend}")
        assert (done["state"], done["deleted"]) == ("done", 0)
    assert site.keys() == ["a"]


def test_bad_requests(behind):
    site = behind("local")
    site.put("a", b"x")
    bucket = f"storage_backend=local&bucket={site.bucket}"
    for query, manifest, status in [
        ("", None, 400),
        ("storage_backend=tape", None, 400),
        ("storage_backend=local&dry_run=perhaps", None, 400),
        ("storage_backend=local&max_deletes=-1", None, 400),
        ("storage_backend=local&max_deletes=01", None, 400),
        ("storage_backend=local&bucket=absent-bucket", None, 404),
        ("storage_backend=local", b"a\n", 400),
        (bucket, b"\n", 400),
        (bucket, b"a\n\xff\n", 400),
        (bucket, b"x" * 1025, 400),
    ]:
        found, answer = begin(site, query, manifest)
        assert found == status, (query, answer)
    assert site.keys() == ["a"]


def report(site, id, form="ndjson"):
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=30)
    headers = {"authorization": f"Bearer {TOKEN}"}
    connection.request("GET", f"/storage/cleanup/{id}/report?format={form}", headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    if form == "csv":
        assert answer.getheader("content-type") == "text/csv; charset=utf-8"
        return list(csv.DictReader(text.splitlines()))
    assert answer.getheader("content-type") == "application/x-ndjson"
    return [json.loads(line) for line in text.splitlines()]


def test_a_report_has_all_that_went_and_stays_after_a_restart(behind):
    site = behind("local")
    for number in range(120):
        site.put(f'key "{number:03}", x', b"12345")
    settle(site, 'key "119", x')
    etag = site.head('key "000", x')["ETag"].strip('"')
    preview = cleaned(site, "storage_backend=local&dry_run=true", ["other"])
    done = cleaned(site, "storage_backend=local", ["other"])
    rows = report(site, done["id"])
    assert [row["key"] for row in rows] == [f'key "{number:03}", x' for number in range(120)]
    assert {(row["what"], row["outcome"], row["etag"], row["size"]) for row in rows} == {
        ("object", "deleted", etag, 5)
    }
    assert {row["outcome"] for row in report(site, preview["id"], "csv")} == {"found"}
    table = report(site, done["id"], "csv")
    assert [row["key"] for row in table] == [row["key"] for row in rows]
    site.restart()
    assert report(site, done["id"]) == rows
    status, again = site.gateway.side("GET", f"/storage/cleanup/{done['id']}")
    assert (status, again) == (200, done)
    _, jobs = site.gateway.side("GET", "/storage/cleanup")
    assert [job["id"] for job in jobs["jobs"]] == [done["id"], preview["id"]]
    assert site.gateway.side("GET", f"/storage/cleanup/{done['id']}/report?format=xml")[0] == 400
    assert site.gateway.side("GET", "/storage/cleanup/absent/report")[0] == 404


def test_one_that_was_killed_is_interrupted_and_its_journal_tells_how_far_it_came(behind):
    site = behind("local")
    keys = [f"key {number:04}" for number in range(1500)]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda key: site.put(key, b"x"), keys))
    settle(site, keys[-1])
    manifest = f"{keys[0]}\n".encode()
    query = f"storage_backend=local&bucket={site.bucket}&min_age=0&max_deletes=10000"
    status, job = begin(site, query, manifest)
    assert status == 202
    path = f"/storage/cleanup/{job['id']}"
    eventually(lambda: site.gateway.side("GET", path)[1]["deleted"] > 20, 60, "deletions")
    site.restart(kill=True)
    status, found = site.gateway.side("GET", path)
    assert (status, found["state"], found["finished_at"]) == (200, "interrupted", None), found
    there = set(site.keys())
    rows = report(site, job["id"])
    words = {row["key"]: row["outcome"] for row in rows}
    assert 20 < found["deleted"] == list(words.values()).count("deleted") < 1499
    # Nothing went that the journal does not name, and what it calls deleted is gone.
    assert set(keys) - there <= set(words)
    assert all(key not in there for key, word in words.items() if word == "deleted")
    assert site.gateway.side("POST", f"{path}/cancel")[0] == 409
    assert cleaned(site, "storage_backend=local&max_deletes=10000", [keys[0]])["state"] == "done"
    assert site.keys() == [keys[0]]


def test_files_that_no_record_names_go_one_by_one(behind):
    site = behind("local")
    stray = site.gateway.data / "quarantine"
    for name in ("one", "two"):
        (stray / name).write_bytes(b"1234")
    preview = cleaned(site, "storage_backend=local&dry_run=true")
    assert (preview["orphan_files"], preview["orphan_files_bytes"]) == (2, 8)
    assert len(list(stray.iterdir())) == 2
    done = cleaned(site, "storage_backend=local")
    assert (done["orphan_files"], done["orphans_removed"], done["failed"]) == (2, 2, 0)
    assert [(row["what"], row["key"], row["size"]) for row in report(site, done["id"])] == [
        ("file", "one", 4),
        ("file", "two", 4),
    ]
    assert not list(stray.iterdir())


def test_uploads_here_go_once_they_are_old(behind):
    site = behind("fallback")
    old = site.s3.create_multipart_upload(Bucket=site.bucket, Key="old")["UploadId"]
    kept = cleaned(site, "storage_backend=local")
    assert kept["orphan_uploads"] == 0
    eventually(
        lambda: cleaned(site, "storage_backend=local&upload_min_age=0&dry_run=true")["orphan_uploads"],
        10,
        "an upload of an earlier moment",
    )
    done = cleaned(site, "storage_backend=local&upload_min_age=0")
    assert (done["orphan_uploads"], done["orphans_removed"]) == (1, 1)
    (row,) = report(site, done["id"])
    assert (row["what"], row["key"], row["upload_id"], row["outcome"]) == ("upload", "old", old, "deleted")
    assert "Uploads" not in site.s3.list_multipart_uploads(Bucket=site.bucket)


def test_a_migration_and_a_clean_up_keep_off_each_other(behind):
    site = behind("local")
    for number in range(200):
        site.put(f"key {number:03}", b"x")
    settle(site, "key 199")
    migrations = site.migrations
    running = migrations.start("s3", bucket=site.bucket, requests_per_second=2)
    query = f"storage_backend=local&bucket={site.bucket}&min_age=0"
    status, answer = begin(site, query, b"other\n")
    assert (status, answer["error"]["code"]) == (409, "OverlappingMigration"), answer
    assert running in answer["error"]["message"]
    assert begin(site, f"{query}&dry_run=true", b"other\n")[0] == 202, "it only looks"
    migrations.ask(running, "cancel")
    migrations.over(running, "cancelled")


def test_a_migration_over_what_is_cleaned_up_is_refused(behind):
    site = behind("fallback")
    site.put("key", b"x")
    settle(site, "key")
    migrations = site.migrations
    # The deletion waits for the upstream's answer.
    site.proxy.fault("blackhole")
    query = f"storage_backend=s3&bucket={site.bucket}&min_age=0"
    status, job = begin(site, query, b"other\n")
    assert status == 202, job
    refused = migrations.refused(409, "POST", "migrate-to-local", bucket=site.bucket)
    assert refused["code"] == "OverlappingJob" and job["id"] in refused["message"], refused
    status, other = begin(site, query, b"other\n")
    assert (status, other["error"]["code"]) == (409, "JobUnderWay")
    site.gateway.side("POST", f"/storage/cleanup/{job['id']}/cancel")
    path = f"/storage/cleanup/{job['id']}"
    eventually(lambda: site.gateway.side("GET", path)[1]["state"] == "cancelled", 30, "its end")
    site.proxy.heal()
    running = migrations.start("local", bucket=site.bucket)
    migrations.over(running)


def test_uploads_that_a_migration_left_upstream_go_and_others_stay(behind):
    site = behind("local")
    upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key="large")["UploadId"]
    parts = []
    for number in (1, 2, 3):
        part = site.s3.upload_part(
            Bucket=site.bucket, Key="large", UploadId=upload, PartNumber=number, Body=b"x" * (5 << 20)
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    site.s3.complete_multipart_upload(
        Bucket=site.bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    theirs = site.up.create_multipart_upload(Bucket=site.there, Key="theirs")["UploadId"]
    migrations = site.migrations
    running = migrations.start("s3", bucket=site.bucket, bytes_per_second="1MiB")
    eventually(lambda: "large" in site.uploads_there(), 60, "an upload that was begun")
    site.proxy.fault("refuse")
    migrations.ask(running, "rollback")
    migrations.over(running, "rolled_back")
    site.proxy.heal()
    assert site.uploads_there() == ["large", "theirs"], "nobody could end it"
    preview = eventually(
        lambda: (job := cleaned(site, "storage_backend=s3&dry_run=true"))["orphan_uploads"] and job,
        30,
        "the upstream to be back",
    )
    assert preview["orphan_uploads"] == 1
    done = cleaned(site, "storage_backend=s3")
    assert (done["state"], done["orphans_removed"]) == ("done", 1)
    (row,) = report(site, done["id"])
    assert (row["what"], row["key"], row["outcome"]) == ("upload", "large", "deleted")
    assert running in row["reason"]
    assert site.uploads_there() == ["theirs"]
    assert len(site.get("large")) == 15 << 20
    site.up.abort_multipart_upload(Bucket=site.there, Key="theirs", UploadId=theirs)
