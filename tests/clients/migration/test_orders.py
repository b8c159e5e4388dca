"""What migrations are ordered with, what they answer, and what they refuse."""

import csv
import io
import json

import botocore.exceptions
import pytest

KEYS = {
    "attachments/invoice/company_1/2024-01-01/120000_abcdefgh_a.pdf": b"1",
    "attachments/expense/company_1/2024-13-45/990000_abcdefgh_b.pdf": b"22",
    "attachments/invoice/company_22/2024-01-01/120000_abcdefgh_c.pdf": b"333",
    "avatars/user_1_avatar_profile.jpg": b"4444",
}
OF_ONE = [key for key in KEYS if "/company_1/" in key]


@pytest.fixture
def site(behind):
    one = behind("local")
    for key, body in KEYS.items():
        one.put(key, body)
    return one


def test_the_lines_of_an_application(site):
    migrations = site.migrations
    plan = migrations.plan("s3", company_id=1)
    assert plan["dry_run"] is True and plan["state"] == "planned"
    assert (plan["objects"], plan["bytes"]) == (2, 3)
    assert plan["by_company"] == {"1": {"objects": 2, "bytes": 3}}
    assert plan["by_type"]["expense"] == {"objects": 1, "bytes": 2}
    assert plan["conflicts"] == {"objects": 0, "bytes": 0, "examples": []}
    assert site.keys_there() == []
    id = migrations.start("s3", dry_run="false", company_id=1)
    view = migrations.over(id)
    assert view["progress"]["moved"] == 2 and view["progress"]["moved_bytes"] == 3
    assert site.keys_there() == sorted(OF_ONE)
    assert site.keys() == sorted(KEYS)
    for key, body in KEYS.items():
        assert site.get(key) == body
    lines = migrations.report(id)
    assert sorted(line["key"] for line in lines) == sorted(OF_ONE)
    assert {line["outcome"] for line in lines} == {"moved"}
    back = migrations.start("local", company_id=[1, 22])
    migrations.over(back)
    assert site.keys_there() == []
    assert [view["id"] for view in migrations.json("GET", "migrations", 200)["migrations"]] == [
        back,
        id,
        plan["id"],
    ]


def test_a_plan_is_run_as_it_was_shown(site):
    migrations = site.migrations
    plan = migrations.plan("s3", type="invoice")
    site.put("attachments/invoice/company_9/2024-01-01/new", b"new")
    site.restart()
    error = migrations.refused(400, "POST", "migrate-to-local", plan=plan["plan"])
    assert "other way" in error["message"]
    assert migrations.start("s3", plan=plan["plan"]) == plan["id"]
    assert migrations.over(plan["id"])["progress"]["moved"] == 2
    assert len(site.keys_there()) == 2
    error = migrations.refused(409, "POST", "migrate-to-s3", plan=plan["plan"])
    assert error["code"] == "PlanAlreadyRun"


def test_a_rollback_puts_back_what_is_still_there(site):
    migrations = site.migrations
    etags = {key: site.head(key)["ETag"] for key in KEYS}
    times = {key: site.head(key)["LastModified"] for key in KEYS}
    id = migrations.start("s3")
    migrations.over(id)
    overwritten, deleted, *rest = KEYS
    site.put(overwritten, b"newer")
    site.delete(deleted)
    answer = migrations.ask(id, "rollback")
    assert answer["state"] in ("rolling_back", "rolled_back")
    view = migrations.over(id, "rolled_back")
    assert view["rollback"]["moved"] == 2 and view["rollback"]["skipped"] == 2
    site.drained()
    assert site.keys_there() == []
    assert site.keys() == sorted([overwritten, *rest])
    assert site.get(overwritten) == b"newer"
    for key in rest:
        assert site.get(key) == KEYS[key]
        assert (site.head(key)["ETag"], site.head(key)["LastModified"]) == (etags[key], times[key])
    assert migrations.refused(409, "POST", f"migrations/{id}/rollback")["code"] == "InvalidState"


def test_conflicts_are_shown_and_left(site):
    key = OF_ONE[0]
    site.put_there(key, b"theirs")
    plan = site.migrations.plan("s3")
    assert (plan["objects"], plan["conflicts"]["objects"]) == (3, 1)
    assert plan["conflicts"]["examples"][0]["key"] == key
    id = site.migrations.start("s3")
    view = site.migrations.over(id)
    assert (view["progress"]["moved"], view["progress"]["conflicts"]) == (3, 1)
    assert site.get_there(key)["Content"] == b"theirs"
    assert site.get(key) == KEYS[key]
    [line] = site.migrations.report(id, outcome="conflict")
    assert line["key"] == key and "ETag" in line["reason"]


def test_reports_are_manifests(site):
    migrations = site.migrations
    manifest = "\n".join([OF_ONE[0], json.dumps({"bucket": site.bucket, "key": OF_ONE[1]}), "absent"])
    id = migrations.start("s3", body=manifest.encode(), bucket=site.bucket)
    assert migrations.over(id)["progress"]["moved"] == 2
    status, headers, report = migrations.call("GET", f"migrations/{id}/report", format="csv")
    assert status == 200 and headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(report.decode(), newline="")))
    assert sorted(row["key"] for row in rows) == sorted(OF_ONE)
    assert {row["source"] for row in rows} == {"removed"}
    back = migrations.start("local", body=report)
    assert migrations.over(back)["progress"]["moved"] == 2
    error = migrations.refused(400, "POST", "migrate-to-s3", body=b'{"no": 1}', bucket=site.bucket)
    assert error["code"] == "InvalidManifest" and "line 1" in error["message"]


def test_events_tell_until_it_is_over(site):
    id = site.migrations.start("s3")
    status, headers, body = site.migrations.call("GET", f"migrations/{id}/events")
    assert status == 200 and headers["content-type"] == "text/event-stream"
    events = [event for event in body.decode().split("\n\n") if event]
    assert all(event.startswith("event: progress\ndata: ") for event in events)
    assert json.loads(events[-1].split("data: ", 1)[1])["state"] == "done"


def test_what_makes_no_sense_is_refused_and_nothing_is_done(site):
    migrations = site.migrations
    for parameters, hint in (
        ({"dryrun": "true"}, "unknown; known here: dry_run"),
        ({"dry_run": "maybe"}, "neither true nor false"),
        ({"company_id": ""}, "company_id"),
        ({"bucket": "NO"}, "bucket"),
        ({"concurrency": 65}, "1 to 64"),
        ({"plan": "x", "prefix": "a"}, "prefix comes with plan"),
    ):
        error = migrations.refused(400, "POST", "migrate-to-s3", **parameters)
        assert hint in error["message"], error
    assert migrations.refused(404, "POST", "migrate-to-s3", plan="x")["code"] == "NoSuchMigration"
    empty = migrations.refused(409, "POST", "migrate-to-s3", company_id=99)
    assert empty["code"] == "EmptySource"
    capped = migrations.refused(409, "POST", "migrate-to-s3", max_deletions=3)
    assert capped["code"] == "TooManyDeletions"
    other = migrations.refused(409, "POST", "migrate-to-s3", bucket="other-bucket")
    assert other["code"] == "NoUpstream"
    for path in ("migrations/x", "migrations/x/report", "migrations/x/events"):
        assert migrations.refused(404, "GET", path)["code"] == "NoSuchMigration"
    assert migrations.refused(404, "POST", "migrations/x/explode")["code"] == "NoSuchResource"
    assert migrations.refused(405, "GET", "migrate-to-s3")["code"] == "MethodNotAllowed"
    assert migrations.refused(405, "GET", "migrations/x/pause")["code"] == "MethodNotAllowed"
    assert site.keys_there() == []
    assert migrations.json("GET", "migrations", 200) == {"migrations": []}


def test_one_at_a_time_over_the_same_objects_and_control(site):
    migrations = site.migrations
    id = migrations.start("s3", requests_per_second=1, concurrency=1)
    error = migrations.refused(409, "POST", "migrate-to-local", prefix="attachments/")
    assert error["code"] == "OverlappingMigration" and id in error["message"]
    assert migrations.ask(id, "pause")["state"] == "paused"
    assert migrations.refused(409, "POST", f"migrations/{id}/pause")["code"] == "InvalidState"
    limits = migrations.ask(id, "limits", requests_per_second=0, concurrency=8)["limits"]
    assert limits == {"concurrency": 8, "bytes_per_second": None, "requests_per_second": None}
    site.restart()
    assert migrations.get(id)["state"] == "paused"
    migrations.ask(id, "resume")
    assert migrations.over(id)["progress"]["moved"] == 4


def test_nothing_comes_to_a_disk_beyond_its_quota(behind):
    site = behind("local", more="[store]\nquota = 100\n")
    migrations = site.migrations
    site.put("old", b"o" * 60)
    migrations.over(migrations.start("s3"))
    site.put("new", b"n" * 60)
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        site.put("newer", b"n" * 60)
    assert refused.value.response["Error"]["Code"] == "InsufficientStorage"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 507
    error = migrations.refused(507, "POST", "migrate-to-local")
    assert error["code"] == "InsufficientStorage" and "quota" in error["message"], error
    site.s3.delete_object(Bucket=site.bucket, Key="new")
    migrations.over(migrations.start("local"))
    assert site.get("old") == b"o" * 60 and site.keys_there() == []
