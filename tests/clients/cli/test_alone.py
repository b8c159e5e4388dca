"""Commands that ask nobody: init, presign, completions, man."""

import shutil
import subprocess
import urllib.error
import urllib.request

import pytest

from command import Commands
from connect import connect
from gateway import MAIN, READER, Gateway


def fetch(url, method="GET", body=None):
    request = urllib.request.Request(url, method=method, data=body)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_init_writes_what_serve_takes_and_never_twice(tmp_path):
    alone = Commands(tmp_path)
    said = alone("init").expect().last
    config = tmp_path / "stowgate.toml"
    assert said["file"] == "stowgate.toml" and config.stat().st_mode & 0o777 == 0o600
    text = config.read_text()
    secret = text.split('secret_key = "')[1].split('"')[0]
    assert len(secret) == 64 and secret not in alone("init", "other.toml").expect().out
    assert text.count(said["access_key"]) == 1
    again = alone("init").expect(1)
    assert "is there already" in again.err and config.read_text() == text
    shown = alone.terminal("init", "third.toml").expect().out
    assert "stowgate serve --config third.toml" in shown
    texts = {(tmp_path / name).read_text() for name in ("stowgate.toml", "other.toml", "third.toml")}
    assert len(texts) == 3, "keys are random"

    class Configured(Gateway):
        def configure(self, _):
            port = 'listen = "127.0.0.1:0"'
            self._config.write_text(text.replace('listen = "127.0.0.1:9000"', port))

    with Configured(tmp_path / "gateway") as running:
        where = ("--url", running.endpoint, "--config", config)
        assert Commands(tmp_path, *where)("info").expect().last["state"] == "ready"


def test_a_presigned_url_does_one_thing_to_one_object(site):
    key = "a b/ü+%&.txt"
    site.s3.put_object(Bucket=site.bucket, Key=key, Body=b"content")

    def presign(*arguments, key=key):
        return site.run("presign", site.bucket, key, *arguments).expect().last["url"]

    url = presign()
    assert fetch(url) == (200, b"content")
    assert fetch(url, "PUT", b"x")[0] == 403
    assert fetch(url.replace("a%20b", "a%20c"))[0] == 403
    assert fetch(presign("--method", "head"), "HEAD") == (200, b"")
    assert fetch(presign("--method", "put", key="new"), "PUT", b"new")[0] == 200
    assert fetch(presign("--method", "PUT", "--access-key", READER.access), "PUT", b"x")[0] == 403
    assert fetch(presign("--method", "delete", key="new"), "DELETE")[0] == 204
    line = site.run("presign", site.bucket, key, "--expires", "1s").expect().last
    assert line["method"] == "GET" and line["expires_at"] > "2025"
    assert site.run.terminal("presign", site.bucket, key).expect().out.startswith("http://127.0.0.1:")
    unknown = site.run("presign", site.bucket, key, "--access-key", "NOBODY").expect(2)
    assert "NOBODY" in unknown.err


def test_presigning_needs_no_gateway(tmp_path):
    alone = Commands(tmp_path, "--url", "https://files.example.com")
    url = alone("presign", "bucket", "key").expect().last["url"]
    assert url.startswith("https://files.example.com/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions_are_scripts(tmp_path, shell):
    script = Commands(tmp_path)("completions", shell).expect().out
    for word in ("migrate", "to-s3", "import", "--dry-run" if shell != "fish" else "dry-run"):
        assert word in script, word
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert checked.returncode == 0, checked.stderr


def test_there_is_a_page_of_the_manual_for_each_command(tmp_path):
    alone = Commands(tmp_path)
    assert ".TH stowgate 1" in alone("man").expect().out
    alone("man", "--dir", tmp_path / "man").expect()
    pages = {page.name for page in (tmp_path / "man").iterdir()}
    commands = alone("--help").expect().out.split("Commands:\n")[1].split("\n\n")[0]
    named = {f"stowgate-{line.split()[0]}.1" for line in commands.splitlines() if line[:3] != "   "}
    assert named <= pages, named - pages
    assert "stowgate-migrate-to-s3.1" in pages
    text = (tmp_path / "man" / "stowgate-migrate-to-s3.1").read_text()
    assert "dry\\-run" in text


def test_every_command_has_help(tmp_path):
    alone = Commands(tmp_path)
    alone("man", "--dir", tmp_path / "man").expect()
    for page in (tmp_path / "man").iterdir():
        words = page.name[:-2].split("-", 1)[1:]
        names = [] if not words else _split(words[0])
        shown = alone(*names, "--help").expect().out
        assert "Usage: stowgate" in shown, names


def _split(name):
    """`migrate-to-s3` as the words of the command line."""
    for outer in ("migrate", "spool"):
        if name.startswith(f"{outer}-"):
            return [outer, name[len(outer) + 1 :]]
    return [name]
