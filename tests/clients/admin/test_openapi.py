"""The document of the side API: true to schemathesis, and its calls held to the access rule."""

import http.client
import json
import os
import pathlib
import subprocess

import pytest

from gateway import TOKEN, clean_environment


def document(site):
    status, found = site.gateway.side("GET", "/storage/openapi.json")
    assert status == 200
    return found


@pytest.mark.timeout(900)
def test_schemathesis_finds_nothing(behind, tmp_path):
    program = os.environ.get("STOWGATE_SCHEMATHESIS")
    if not program:
        pytest.skip("STOWGATE_SCHEMATHESIS does not say where schemathesis is")
    site = behind("fallback")
    site.put("attachments/invoice/company_1/2025-01-01/120000_abcdefgh_a.pdf", b"content")
    run = subprocess.run(
        [
            program,
            *("--config-file", str(pathlib.Path(__file__).with_name("schemathesis.toml"))),
            "run",
            f"{site.gateway.endpoint}/storage/openapi.json",
            *("--header", f"Authorization: Bearer {TOKEN}"),
            *("--checks", "all"),
            *("--max-examples", os.environ.get("STOWGATE_SCHEMATHESIS_EXAMPLES", "40")),
            *("--seed", "7"),
            "--continue-on-failure",
            "--no-color",
        ],
        capture_output=True,
        text=True,
        timeout=900,
        cwd=tmp_path,
        env=clean_environment(),
    )
    assert run.returncode == 0, run.stdout[-12000:] + run.stderr[-2000:]
    assert TOKEN not in site.gateway.log.read_text("utf-8", "replace")


def test_every_call_wants_access_and_none_shows_a_secret(behind):
    site = behind("fallback")
    for path, methods in document(site)["paths"].items():
        for method, call in methods.items():
            filled = path.replace("{bucket}", site.bucket).replace("{key}", "k").replace("{id}", "7")
            connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=20)
            connection.request(method.upper(), filled)
            answer = connection.getresponse()
            body = answer.read().decode()
            if call.get("security") == []:
                assert answer.status == 200, (path, body)
            else:
                assert answer.status == 401, (path, body)
                assert json.loads(body)["error"]["code"] == "Unauthorized"
            status, shown = 0, ""
            if method == "get" and "metrics" not in path:
                status, shown = site.gateway.side("GET", filled)
            assert status < 500
            text = json.dumps(shown)
            assert site.server.key.secret not in text and TOKEN not in text
