"""What became of one object: by journals, and by its record."""

import datetime
import http.client
import json
import urllib.parse

from gateway import TOKEN
from waiting import eventually, pass_moment

KEY = 'attachments/invoice/company_1/a "b" ü.pdf'


def told(site, key=KEY):
    path = f"/storage/objects/{site.bucket}/{urllib.parse.quote(key)}"
    status, answer = site.gateway.side("GET", path)
    history = answer.get("history", [])
    times = [datetime.datetime.fromisoformat(event["at"]) for event in history]
    assert times == sorted(times, reverse=True), history
    return status, answer, history


def words(history):
    return [event["event"] for event in history]


def clean(site, backend, *keep):
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=30)
    query = f"storage_backend={backend}&bucket={site.bucket}&min_age=0"
    body = "".join(f"{key}\n" for key in keep).encode()
    headers = {"authorization": f"Bearer {TOKEN}"}
    connection.request("POST", f"/storage/cleanup?{query}", body=body, headers=headers)
    job = json.loads(connection.getresponse().read())
    path = f"/storage/cleanup/{job['id']}"
    eventually(lambda: site.gateway.side("GET", path)[1]["state"] == "done", 30, "its end")
    return job["id"]


def test_there_and_back_and_away(behind):
    site = behind("local")
    for key in (KEY, "other", KEY + "x"):
        site.put(key, b"content")
    status, answer, history = told(site)
    assert (status, words(history), answer["history_complete"]) == (200, ["written"], True)
    there = site.migrations.start("s3", bucket=site.bucket)
    site.migrations.over(there)
    _, _, history = told(site)
    assert words(history) == ["moved_to_s3", "written"]
    assert (history[0]["source"], history[0]["id"]) == ("migration", there)
    site.migrations.ask(there, "rollback")
    site.migrations.over(there, "rolled_back")
    _, _, history = told(site)
    assert words(history) == ["rolled_back", "moved_to_s3", "written"]
    assert (history[0]["id"], history[0]["detail"]) == (there, "to local")
    again = site.migrations.start("s3", prefix=KEY, bucket=site.bucket)
    site.migrations.over(again)
    back = site.migrations.start("local", bucket=site.bucket)
    site.migrations.over(back)
    _, _, history = told(site)
    assert words(history)[:3] == ["moved_to_local", "moved_to_s3", "rolled_back"]
    assert [event["id"] for event in history[:3]] == [back, again, there]
    assert words(told(site, "other")[2]) == ["rolled_back", "moved_to_s3", "written"]
    site.restart(kill=True)
    assert told(site)[2] == history


def test_what_a_clean_up_deleted_is_told_of_though_it_is_gone(behind):
    site = behind("local")
    site.put(KEY, b"content")
    pass_moment(site.head(KEY)["LastModified"])
    id = clean(site, "local", "other")
    status, answer, history = told(site)
    assert (status, answer["error"]["code"]) == (404, "NoSuchKey")
    assert words(history) == ["cleaned_up"] and history[0]["id"] == id
    assert history[0]["detail"] == "object: the manifest lacks it"
    site.put(KEY, b"once more")
    status, _, history = told(site)
    assert (status, set(words(history))) == (200, {"written", "cleaned_up"})
    quick = f"/storage/objects/{site.bucket}/{urllib.parse.quote(KEY)}?history=false"
    status, answer = site.gateway.side("GET", quick)
    assert status == 200 and "history" not in answer and answer["size"] == 9
    status, answer, history = told(site, "never there")
    assert status == 404 and set(answer) == {"error"}


def test_an_outage_is_told_of(behind):
    site = behind("fallback")
    site.put(KEY, b"content")
    assert words(told(site)[2])[0] == "stored_upstream"
    site.proxy.fault("refuse")
    site.put(KEY, b"another")
    _, _, history = told(site)
    assert sorted(words(history)) == ["spooled", "written"]
    since = next(event["at"] for event in history if event["event"] == "spooled")
    pass_moment(datetime.datetime.fromisoformat(since) + datetime.timedelta(seconds=3))
    site.proxy.heal()
    site.drained()
    _, _, history = told(site)
    assert words(history) == ["forwarded", "written"]
    assert history[0]["detail"] == f"as {site.there}/{KEY}"


def test_a_dead_letter_says_why(behind):
    site = behind("fallback")
    site.put(KEY, b"content")
    site.proxy.fault("refuse")
    site.put(KEY, b"another")
    site.put_there(KEY, b"behind its back")
    site.proxy.heal()
    history = eventually(
        lambda: "dead_letter" in words(told(site)[2]) and told(site)[2], 40, "a dead letter"
    )
    (dead,) = [event for event in history if event["event"] == "dead_letter"]
    assert dead["source"] == "record" and dead["detail"]
    assert "spooled" in words(history)


def test_a_deletion_that_waits_is_told_of(behind):
    site = behind("fallback")
    site.put(KEY, b"content")
    site.proxy.fault("refuse")
    site.delete(KEY)
    status, answer, history = told(site)
    assert (status, words(history)) == (404, ["spooled"])
    assert "deleted" in history[0]["detail"] and answer["history_complete"]
    site.proxy.heal()
