"""Which gateway a command asks, as whom, and what it says where there is none."""

import fcntl
import http.server
import threading

import certificate
from command import Commands
from connect import connect
from gateway import ALT, MAIN, TOKEN
from upstreams import free_port
from waiting import end_process


def test_an_admin_key_or_the_token_opens_the_side_api(site, tmp_path):
    assert site.run("info").expect().last["state"] == "ready"
    where = ("--url", site.gateway.endpoint)
    token = tmp_path / "token"
    token.write_text(f"{TOKEN}\n")
    assert Commands(tmp_path, *where, "--token-file", token)("info").expect()
    assert Commands(tmp_path, *where, STOWGATE_ADMIN_TOKEN=TOKEN)("info").expect()
    url = Commands(tmp_path, STOWGATE_URL=site.gateway.endpoint, STOWGATE_ADMIN_TOKEN=TOKEN)
    assert url("info").expect()
    refused = Commands(tmp_path, *where, STOWGATE_ADMIN_TOKEN="another-token-0123456789")("info")
    assert "(401 Unauthorized)" in refused.expect(1).err
    refused = Commands(tmp_path, *where)("info").expect(1)
    assert "STOWGATE_ADMIN_TOKEN" in refused.err
    named = {"STOWGATE_ACCESS_KEY": ALT.access, "STOWGATE_SECRET_KEY": ALT.secret}
    refused = Commands(tmp_path, *where, **named)("info").expect(1)
    assert "does not have the role admin" in refused.err


def test_with_the_built_in_key_nothing_is_needed(local):
    one = local(keys=None, environment={"STOWGATE_ADMIN_TOKEN": ""})
    ask = Commands(one.gateway.directory, "--url", one.gateway.endpoint)
    assert ask("info").expect().last["state"] == "ready"


def test_a_secret_is_never_shown(site):
    for command in ("info", "usage", "spool"):
        shown = site.run(command).expect()
        for secret in (TOKEN, MAIN.secret, ALT.secret):
            assert secret not in shown.out + shown.err
    assert MAIN.secret not in site.run("presign", "files", "key").expect().out


def test_the_configuration_says_where_it_listens(local, tmp_path):
    one = local()
    text = one.config.read_text().replace("127.0.0.1:0", f"0.0.0.0:{one.gateway.port}")
    own = tmp_path / "own.toml"
    own.write_text(text)
    ask = Commands(tmp_path, "--config", own)
    assert ask("info").expect().last["uptime_seconds"] >= 0
    assert one.gateway.ready()


def test_over_tls_the_configured_certificate_or_an_authority_is_believed(local, tmp_path):
    tls = certificate.issue(tmp_path)
    one = local(tls=tls)
    url = f"https://localhost:{one.gateway.port}"
    ask = Commands(tmp_path, "--url", url, STOWGATE_ADMIN_TOKEN=TOKEN)
    refused = ask("info").expect(3)
    assert "TLS" in refused.err
    assert ask("info", "--ca-file", tls.cert).expect().last["state"] == "ready"
    text = one.config.read_text().replace("127.0.0.1:0", f"127.0.0.1:{one.gateway.port}")
    own = tmp_path / "own.toml"
    own.write_text(text)
    assert Commands(tmp_path, "--config", own)("info").expect().last["state"] == "ready"


def test_where_nobody_answers_it_says_what_to_do(tmp_path):
    port = free_port()
    nobody = Commands(tmp_path, "--url", f"http://127.0.0.1:{port}")("info").expect(3)
    assert f"no gateway answers at http://127.0.0.1:{port}" in nobody.err
    config = tmp_path / "c.toml"
    config.write_text(f'listen = "127.0.0.1:{port}"\ndata_dir = "{tmp_path}/none"\n')
    nobody = Commands(tmp_path, "--config", config)("info").expect(3)
    assert "there is no store in" in nobody.err and "stowgate serve" in nobody.err
    assert not (tmp_path / "none").exists()


def test_what_answers_may_be_no_gateway(tmp_path):
    class Other(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello</html>")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        url = f"http://127.0.0.1:{server.server_port}"
        other = Commands(tmp_path, "--url", url)("info").expect(3)
        assert "is no stowgate gateway" in other.err
    finally:
        server.shutdown()
        server.server_close()


def test_wrong_usage_is_2(site, tmp_path):
    for arguments in (
        ("info", "--unknown"),
        ("info", "--url", "127.0.0.1:9000"),
        ("info", "--token-file", "/nowhere"),
        ("usage", "--by", "day"),
        ("cleanup",),
        ("cleanup", "--storage-backend", "local", "--manifest", "x"),
        ("migrate", "to-s3", "--plan", "x", "--bucket", "b-1"),
        ("migrate", "to-s3", "--plan", "x", "--dry-run"),
        ("presign", "UPPER", "key"),
        ("presign", "bucket", "key", "--expires", "8d"),
        ("import", "/nowhere", "--bucket", "b-1"),
        ("import", ".", "--bucket", "B"),
        ("export", "x", "--bucket", "B"),
    ):
        wrong = Commands(tmp_path)(*arguments).expect(2)
        assert wrong.err and not wrong.out, arguments
    broken = tmp_path / "broken.toml"
    broken.write_text("listen = 5\n")
    wrong = Commands(tmp_path, "--config", broken)("info").expect(2)
    assert "broken.toml:1" in wrong.err


def test_without_a_gateway_the_store_itself_is_asked(site):
    site.s3.put_object(Bucket=site.bucket, Key="k", Body=b"12345")
    assert site.gateway.stop() == 0
    ask = site.offline
    assert ask("info").expect().last["by_backend"]["local"] == {"objects": 1, "bytes": 5}
    assert ask("usage").expect().last["bytes"] == 5
    assert ask("objects", site.bucket, "k").expect().last["size"] == 5
    assert ask("spool").expect().lines[0]["summary"]["waiting"] == 0
    assert ask("verify").expect().last["job"]["problems"] == 0
    assert ask("cleanup", "--storage-backend", "local").expect().last["job"]["state"] == "done"
    assert ask("migrate", "list").expect().lines == []
    tree = site.gateway.directory / "tree"
    (tree / "a").mkdir(parents=True)
    (tree / "a" / "file").write_text("content")
    assert ask("import", tree, "--bucket", site.bucket).expect().last["copied"] == 1
    back = site.gateway.directory / "back"
    assert ask("export", back, "--bucket", site.bucket).expect().last["copied"] == 2
    assert (back / "a" / "file").read_text() == "content" and (back / "k").read_text() == "12345"
    site.gateway.start()
    s3 = connect(site.gateway, MAIN)
    assert s3.get_object(Bucket=site.bucket, Key="a/file")["Body"].read() == b"content"
    in_use = ask("info").expect(3)
    assert "names no port" in in_use.err and "the store cannot be opened" in in_use.err


def test_a_gateway_waits_for_a_command_that_reads_its_store(site):
    assert site.gateway.stop() == 0
    with open(site.gateway.data / "LOCK", "rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        serving = site.offline.begin("serve")
        try:
            told = next(line for line in serving.stderr if b"waiting for it" in line)
            assert b"another process has the store open" in told
            fcntl.flock(held, fcntl.LOCK_UN)
            assert next(line for line in serving.stdout if line.startswith(b"listening on "))
        finally:
            end_process(serving)
        fcntl.flock(held, fcntl.LOCK_EX)
        refused = site.offline("serve").expect(1)
    assert "is in use by another process" in refused.err
