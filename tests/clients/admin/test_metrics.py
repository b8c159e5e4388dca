"""Metrics: clean to promtool, true to what happened, and for those only who may see them."""

import http.client
import os
import re
import shutil
import subprocess

import pytest

from gateway import MAIN, TOKEN
from upstreams import KEY
from waiting import eventually


def scrape(gateway, token=TOKEN):
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    headers = {"authorization": f"Bearer {token}"} if token else {}
    connection.request("GET", "/storage/metrics", headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.getheader("content-type"), answer.read().decode()


def value(text, name, **labels):
    for line in text.splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name:
            has = dict(re.findall(r'(\w+)="([^"]*)"', found[2] or ""))
            if labels.items() <= has.items():
                return float(found[3])
    raise AssertionError(f"no {name} with {labels} in:\n{text}")


def test_metrics(behind):
    site = behind("fallback")
    site.put("a", b"x" * 1000)
    site.put("b", b"x" * 500)
    assert site.get("a") == b"x" * 1000
    with pytest.raises(site.s3.exceptions.NoSuchKey):
        site.get("absent")
    status, kind, text = scrape(site.gateway)
    assert status == 200 and kind.startswith("text/plain; version=0.0.4")
    assert value(text, "stowgate_requests_total", operation="PutObject", status="200") == 2
    assert value(text, "stowgate_requests_total", operation="GetObject", status="404") == 1
    assert value(text, "stowgate_request_body_bytes_total", operation="PutObject") >= 1500
    assert value(text, "stowgate_response_body_bytes_total", operation="GetObject") >= 1000
    assert value(text, "stowgate_request_duration_seconds_count", operation="PutObject") == 2
    answered = {"upstream": "main", "operation": "PutObject", "outcome": "answered"}
    assert value(text, "stowgate_upstream_requests_total", **answered) == 2
    assert value(text, "stowgate_upstream_breaker_state", upstream="main", state="closed") == 1
    assert value(text, "stowgate_objects", bucket=site.bucket, storage_backend="s3") == 2
    assert value(text, "stowgate_objects_bytes", bucket=site.bucket, storage_backend="s3") == 1500
    assert value(text, "stowgate_spool_objects") == 0
    assert value(text, "stowgate_disk_free_bytes") > 0
    assert value(text, "stowgate_build_info") == 1
    assert value(text, "stowgate_config_last_reload_successful") == 1
    for secret in (MAIN.secret, KEY.secret, TOKEN, MAIN.access):
        assert secret not in text


def test_migrations(behind):
    site = behind("fallback")
    site.put("a", b"x" * 1000)
    status, view = site.gateway.side("POST", "/storage/migrate-to-local")
    assert status == 202, view

    def done():
        return site.gateway.side("GET", f"/storage/migrations/{view['id']}")[1]["state"] == "done"

    eventually(done, 60, "the end of a migration")
    _, _, text = scrape(site.gateway)
    way = {"direction": "to-local", "phase": "migrate"}
    assert value(text, "stowgate_migration_objects_total", outcome="moved", **way) == 1
    assert value(text, "stowgate_migration_objects_total", outcome="failed", **way) == 0
    assert value(text, "stowgate_migration_bytes_total", **way) == 1000
    assert value(text, "stowgate_migrations", state="done") == 1
    assert value(text, "stowgate_migrations", state="running") == 0
    assert value(text, "stowgate_migration_objects_in_flight") == 0
    assert value(text, "stowgate_objects", bucket=site.bucket, storage_backend="local") == 1


def test_the_lint_is_clean(behind):
    promtool = os.environ.get("STOWGATE_PROMTOOL") or shutil.which("promtool")
    if not promtool:
        pytest.skip("no promtool: STOWGATE_PROMTOOL does not say where one is")
    site = behind("fallback")
    site.put("a", b"x")
    site.get("a")
    _, _, text = scrape(site.gateway)
    lint = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", ""), lint


def test_they_are_not_for_everyone(behind):
    site = behind("local")
    for token in (None, "another-token"):
        status, _, text = scrape(site.gateway, token)
        assert status == 401 and "stowgate_" not in text
