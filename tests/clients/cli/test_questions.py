"""What is asked of the side API: usage, verify, cleanup, objects, spool, test-s3, info."""

import csv
import json
import re
import signal

from waiting import eventually


def put(site, key, size=10):
    site.s3.put_object(Bucket=site.bucket, Key=key, Body=b"x" * size)


def fill(site):
    put(site, "attachments/invoice/company_1/a", 100)
    put(site, "attachments/invoice/company_2/b", 50)
    put(site, "attachments/photo/company_2/c", 25)
    put(site, "other", 1)


def test_usage_by_each_thing(behind):
    site = behind("fallback")
    fill(site)
    companies = {line["company"]: line for line in site.run("usage").expect().lines}
    assert {name: it["bytes"] for name, it in companies.items()} == {None: 1, "1": 100, "2": 75}
    only = site.run("usage", "--company", "2", "--type", "photo").expect().lines
    assert [(line["company"], line["bytes"]) for line in only] == [("2", 25)]
    types = {line["name"]: line["bytes"] for line in site.run("usage", "--by", "type").expect().lines}
    assert types["invoice"] == 150 and types["photo"] == 25
    backends = site.run("usage", "--by", "backend").expect().lines
    assert {line["name"]: line["objects"] for line in backends}["s3"] == 4
    assert site.run("usage", "--by", "month").expect().lines
    whole = site.run("usage", "--json").expect().last
    assert [it["company"] for it in whole["companies"]] == [it for it in companies]
    table = site.run.terminal("usage").expect().out
    assert re.search(r"^COMPANY +OBJECTS +BYTES", table, re.M)
    assert re.search(r"^2 +2 +75 B", table, re.M), table
    refused = site.run("usage", "--bucket", "nowhere").expect(1)
    assert "(404" in refused.err


def test_info_and_test_s3(behind):
    # All is tried at once, on a machine that may have much to do.
    site = behind("fallback", upstream={"first_byte_timeout": "15s"})
    info = site.run("info").expect().last
    assert site.bucket in [bucket["name"] for bucket in info["buckets"]]
    shown = site.run.terminal("info").expect().out
    assert f"bucket {site.bucket}, mode fallback" in shown and "free" in shown
    tried = site.run("test-s3").expect().lines
    assert [line["name"] for line in tried] == ["main"] and tried[0]["ok"]
    shown = site.run.terminal("test-s3").expect().out
    assert "main at http" in shown and "FAILS" not in shown
    site.proxy.fault("refuse")
    failed = site.run("test-s3").expect(1)
    assert failed.lines[0]["ok"] is False and "upstream" in failed.err
    assert "FAILS" in site.run.terminal("test-s3").expect(1).out


def test_without_an_upstream_there_is_nothing_to_try(site):
    failed = site.run("test-s3").expect(1)
    assert "nothing was tried" in failed.err and failed.out == ""


def test_an_object_is_told_with_where_it_is(behind):
    site = behind("fallback")
    key = "attachments/photo/company_2/ä +%?#.jpg"
    put(site, key, 2000)
    told = site.run("objects", site.bucket, key).expect().last
    assert (told["key"], told["size"], told["company"]) == (key, 2000, "2")
    assert told["storage_backend"] == "s3" and told["s3_bucket"] == site.there
    shown = site.run.terminal("objects", site.bucket, key).expect().out
    assert f"upstream, as {site.there}/" in shown and "company 2" in shown
    missing = site.run("objects", site.bucket, "nothing").expect(1)
    assert "(404" in missing.err


def test_names_do_not_steer_the_terminal(site):
    put(site, "a\x1b]0;title\x07b")
    shown = site.run.terminal("objects", site.bucket, "a\x1b]0;title\x07b").expect().out
    assert "\x07" not in shown and "\\u{1b}]0;title" in shown


def test_the_spool_is_shown_flushed_and_retried(behind):
    site = behind("fallback")
    assert "nothing waits" in site.run.terminal("spool").expect().out
    site.proxy.fault("refuse")
    put(site, "late")
    summary = site.run("spool").expect().lines[0]["summary"]
    assert summary["waiting"] == 1
    shown = site.run.terminal("spool", "show").expect().out
    assert "1 key" in shown and site.bucket in shown
    waiting = site.run("spool", "flush", "--wait", "200ms").expect(1)
    assert waiting.last["left"] == 1 and "not everything" in waiting.err
    told = site.run("objects", site.bucket, "late").expect().last
    assert told["waiting"]["task"] == "put"
    site.proxy.heal()
    flushed = site.run("spool", "flush", "--wait", "60s").expect().last
    assert flushed == {"flushed": True, "left": 0, "dead_letters": 0}
    assert site.run("spool", "dead").expect().lines == []
    assert site.run("spool", "retry").expect().last["retried"] == 0
    malformed = site.run("spool", "flush", "--wait", "soon").expect(1)
    assert "(400" in malformed.err


def test_verify_counts_and_tells_what_is_wrong(behind):
    site = behind("fallback")
    fill(site)
    whole = site.run("verify").expect().last
    assert whole["event"] == "finished" and whole["job"]["records_checked"] == 4
    assert "the counters are right" in site.run.terminal("verify").expect().out
    site.up.delete_object(Bucket=site.there, Key="other")
    wrong = site.run("verify").expect(1)
    found = [line["finding"] for line in wrong.lines if line["event"] == "finding"]
    assert [(it["bucket"], it["key"]) for it in found] == [(site.bucket, "other")]
    assert "1 problem found" in wrong.err
    assert site.run("verify", "--no-upstream").expect().last["job"]["upstream"] is False
    part = site.run("verify", "--prefix", "attachments/", "--bucket", site.bucket).expect().last["job"]
    assert (part["prefix"], part["records_checked"]) == ("attachments/", 3)
    shown = site.run.terminal("verify", "--json").expect(1).out
    assert '"problems":1' in shown


def test_cleanup_is_previewed_and_capped(site, tmp_path):
    for key in ("keep", "drop-1", "drop-2"):
        put(site, key)
    manifest = tmp_path / "keys"
    manifest.write_text("keep\n")
    what = ("cleanup", "--storage-backend", "local", "--bucket", site.bucket, "--min-age", "0")
    what += ("--manifest", manifest)

    def previewed():
        lines = site.run(*what, "--dry-run").expect().lines
        keys = [line["key"] for line in lines if line["event"] == "key"]
        return lines if len(keys) == 2 else None

    # An object is of the second in which it was stored, and goes only once that is over.
    lines = eventually(previewed, 10, "the objects to be old enough")
    assert lines[-1]["job"]["deleted"] == 0
    capped = site.run(*what, "--max-deletes", "1").expect(1)
    assert "the clean-up failed: " in capped.err and "max_deletes allows 1" in capped.err
    shown = site.run.terminal(*what, "--dry-run").expect().out
    assert "drop-1" in shown and "dry run" in shown
    assert site.run(*what).expect().last["job"]["deleted"] == 2
    left = site.s3.list_objects_v2(Bucket=site.bucket)["Contents"]
    assert [it["Key"] for it in left] == ["keep"]


def test_cleanup_reports_to_a_file(site, tmp_path):
    for key in ("keep", "drop"):
        put(site, key)
    manifest = tmp_path / "keys"
    manifest.write_text("keep\n")
    what = ("cleanup", "--storage-backend", "local", "--bucket", site.bucket, "--min-age", "0")
    what += ("--manifest", manifest)

    def old_enough():
        return site.run(*what, "--dry-run").expect().last["job"]["found"] == 1

    eventually(old_enough, 10, "an object that is old enough")
    path = tmp_path / "report.jsonl"
    site.run(*what, "--dry-run", "--report", path).expect()
    (row,) = [json.loads(line) for line in path.read_text().splitlines()]
    assert (row["key"], row["outcome"]) == ("drop", "found")
    path = tmp_path / "report.csv"
    shown = site.run.terminal(*what, "--report", path).expect().out
    assert "1 object deleted" in shown
    (row,) = csv.DictReader(path.read_text().splitlines())
    assert (row["key"], row["outcome"], row["size"]) == ("drop", "deleted", "10")


def test_what_became_of_an_object_is_shown(behind):
    site = behind("local")
    put(site, "key")
    done = site.run("migrate", "to-s3").expect().last["migration"]
    shown = site.run.terminal("objects", site.bucket, "key").expect().out
    assert "moved to s3" in shown and f"by the migration {done['id']}" in shown
    line = site.run("objects", site.bucket, "key").expect().last
    assert [event["event"] for event in line["history"]] == ["moved_to_s3", "written"]
    site.delete("key")
    gone = site.run.terminal("objects", site.bucket, "key").expect(1).out
    assert "moved to s3" in gone and "there is no object of that key" in gone


def test_an_interruption_ends_the_job(behind):
    site = behind("fallback")
    fill(site)
    site.proxy.fault("blackhole")
    process = site.run.begin("verify")
    assert b"progress" in process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 1 and b"the verification was ended" in err, (out, err)
    (job,) = site.gateway.side("GET", "/storage/verify")[1]["jobs"]
    assert job["state"] == "cancelled"
