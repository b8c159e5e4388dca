"""Migrations from the command line."""

import csv
import io
import json
import signal

import pytest

from waiting import eventually


@pytest.fixture
def site(behind):
    """A gateway whose bucket is on the disk, with an upstream to go to."""
    one = behind("local")
    for number in range(12):
        company = number % 3
        key = f"attachments/invoice/company_{company}/{number:02}"
        one.s3.put_object(Bucket=one.bucket, Key=key, Body=bytes([number]) * 1000)
    return one


def test_a_plan_is_shown_and_run_exactly(site):
    plan = site.run("migrate", "to-s3", "--dry-run", "--company", "1", "--company", "2").expect().last
    assert (plan["objects"], plan["bytes"]) == (8, 8000) and plan["dry_run"]
    shown = site.run.terminal("migrate", "to-s3", "--dry-run").expect().out
    assert "12 objects (11.72 KiB) would go to s3" in shown and "--plan" in shown
    assert site.keys_there() == []
    done = site.run("migrate", "to-s3", "--plan", plan["plan"]).expect().last
    assert done["event"] == "ended" and done["migration"]["state"] == "done"
    assert done["migration"]["progress"]["moved"] == 8
    assert len(site.keys_there()) == 8
    usage = {line["name"]: line["objects"] for line in site.run("usage", "--by", "backend").expect().lines}
    assert usage["s3"] == 8


def test_it_is_followed_and_taken_back(site):
    shown = site.run.terminal("migrate", "to-s3", "--bucket", site.bucket).expect().out
    assert "100%" in shown and "12/12 objects" in shown
    assert "12 of 12 objects moved (11.72 KiB)" in shown
    (one,) = site.run("migrate", "list").expect().lines
    assert site.run("migrate", "show", one["id"]).expect().last["state"] == "done"
    table = site.run.terminal("migrate", "list").expect().out
    assert one["id"] in table and "STATE" in table
    back = site.run("migrate", "rollback", one["id"]).expect().last["migration"]
    assert back["state"] == "rolled_back" and site.keys_there() == []
    assert len(site.keys()) == 12
    assert "put back" in site.run.terminal("migrate", "show", one["id"]).expect().out


def test_there_and_back(site):
    site.run("migrate", "to-s3").expect()
    done = site.run("migrate", "to-local", "--verify", "read").expect().last["migration"]
    assert done["progress"]["moved"] == 12 and done["direction"] == "to-local"
    assert site.keys_there() == []


def test_the_report_is_the_next_manifest(site, tmp_path):
    site.run("migrate", "to-s3", "--company", "0").expect()
    (one,) = site.run("migrate", "list").expect().lines
    report = site.run("migrate", "report", one["id"]).expect().out
    rows = list(csv.DictReader(io.StringIO(report)))
    assert len(rows) == 4 and {row["outcome"] for row in rows} == {"moved"}
    path = tmp_path / "report.ndjson"
    what = ("migrate", "report", one["id"], "--format", "ndjson")
    site.run(*what, "--out", path).expect()
    assert len(path.read_text().splitlines()) == 4
    assert site.run(*what, "--outcome", "failed").expect().out == ""
    done = site.run("migrate", "to-local", "--manifest", path).expect().last["migration"]
    assert done["progress"]["moved"] == 4


def test_it_can_wait_go_on_faster_and_end(site):
    slow = ("--concurrency", "1", "--requests-per-second", "2")
    begun = site.run("migrate", "to-s3", *slow, "--detach").expect().last
    own = begun["id"]
    assert site.run("migrate", "pause", own).expect().last["id"] == own
    state = lambda: site.run("migrate", "show", own).expect().last["state"]
    eventually(lambda: state() == "paused", 20, "the pause")
    limits = site.run("migrate", "limits", own, "--requests-per-second", "0").expect().last["limits"]
    assert limits["requests_per_second"] is None and limits["concurrency"] == 1
    assert site.run("migrate", "resume", own).expect().last["id"] == own
    done = site.run("migrate", "follow", own).expect().last
    assert done["migration"]["progress"]["moved"] == 12
    begun = site.run("migrate", "to-local", *slow, "--detach").expect().last
    assert site.run("migrate", "cancel", begun["id"]).expect()
    ended = site.run("migrate", "follow", begun["id"]).expect().last
    assert ended["migration"]["state"] == "cancelled"


def test_an_interruption_ends_the_showing_alone(site):
    slow = ("--concurrency", "1", "--requests-per-second", "1")
    process = site.run.begin("migrate", "to-s3", *slow)
    # From its first line on an interruption ends the showing, and before it the command.
    own = json.loads(process.stdout.readline())["migration"]["id"]
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0 and b"goes on" in out
    assert site.run("migrate", "show", own).expect().last["state"] in ("planned", "ready", "running")
    site.run("migrate", "cancel", own).expect()


def test_it_is_followed_through_a_restart_of_the_gateway(site):
    slow = ("--concurrency", "1", "--requests-per-second", "3")
    begun = site.run("migrate", "to-s3", *slow, "--detach").expect().last
    config = site.gateway.directory / "stowgate.toml"
    text = config.read_text()
    config.write_text(text.replace("127.0.0.1:0", f"127.0.0.1:{site.gateway.port}"))
    process = site.run.begin("migrate", "follow", begun["id"])
    assert b"progress" in process.stdout.readline()
    site.gateway.kill()
    site.gateway.start()
    site.run("migrate", "limits", begun["id"], "--requests-per-second", "0").expect()
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert len(site.keys_there()) == 12


def test_what_makes_no_sense_is_refused(site):
    for arguments, hint in (
        (("to-s3", "--min-size", "big"), "min_size"),
        (("to-s3", "--older-than", "3"), "older_than"),
        (("to-s3", "--bucket", "B"), "bucket"),
        (("to-s3", "--plan", "nothing"), "404"),
        (("show", "nothing"), "404"),
        (("pause", "nothing/../x"), "404"),
        (("report", "nothing"), "404"),
    ):
        refused = site.run("migrate", *arguments).expect(1)
        assert hint in refused.err, (arguments, refused.err)


def test_without_a_gateway_the_store_itself_migrates(site):
    assert site.gateway.stop() == 0
    refused = site.offline("migrate", "to-s3", "--detach").expect(2)
    assert "--detach" in refused.err
    done = site.offline("migrate", "to-s3").expect().last["migration"]
    assert (done["state"], done["progress"]["moved"]) == ("done", 12)
    assert len(site.keys_there()) == 12
    site.gateway.start()


def test_conflicts_have_an_exit_code_of_their_own(site):
    key = "attachments/invoice/company_1/01"
    site.put_there(key, b"somebody else's")
    plan = site.run.terminal("migrate", "to-s3", "--dry-run").expect().out
    assert "1 object stay" in plan or "1 object stays" in plan
    left = site.run("migrate", "to-s3").expect(4)
    done = left.last["migration"]
    assert (done["state"], done["progress"]["moved"], done["progress"]["conflicts"]) == ("done", 11, 1)
    assert "1 object left" in left.err and f"migrate report {done['id']} --outcome conflict" in left.err
    rows = list(csv.DictReader(io.StringIO(site.run("migrate", "report", done["id"], "--outcome", "conflict").out)))
    assert [row["key"] for row in rows] == [key]
    assert site.run("migrate", "follow", done["id"]).expect(4)
    shown = site.run.terminal("migrate", "show", done["id"]).expect().out
    assert "11 of 12 objects moved" in shown and "1 in conflict" in shown
    assert "11/12" in site.run.terminal("migrate", "list").expect().out
    assert site.get_there(key)["Content"] == b"somebody else's"
