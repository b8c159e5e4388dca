"""`aws s3 sync --delete` while the upstream is unreachable deletes nothing, on neither side."""

import os
import subprocess

import pytest

from gateway import MAIN, clean_environment

FILES = {"a.txt": b"alpha", "dir/b.txt": b"beta", "dir/deep/c.txt": b"gamma"}


@pytest.fixture
def sync(tmp_path):
    """Runs `aws s3 sync` against a site and returns its exit code and what it printed."""
    environment = clean_environment()
    environment.update(
        AWS_ACCESS_KEY_ID=MAIN.access,
        AWS_SECRET_ACCESS_KEY=MAIN.secret,
        AWS_DEFAULT_REGION="us-east-1",
        AWS_CONFIG_FILE=os.devnull,
        AWS_SHARED_CREDENTIALS_FILE=os.devnull,
        AWS_EC2_METADATA_DISABLED="true",
        AWS_MAX_ATTEMPTS="1",
        HOME=str(tmp_path),
    )
    command = os.environ.get("STOWGATE_AWS_CLI", "aws")

    def run(site, source, target):
        words = [command, "--endpoint-url", site.gateway.endpoint, "s3", "sync", "--delete"]
        done = subprocess.run(
            [*words, str(source), str(target)], capture_output=True, env=environment, timeout=110
        )
        return done.returncode, (done.stdout + done.stderr).decode()

    return run


def tree(root, files):
    for name, body in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
    return root


def contents(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*") if p.is_file()}


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
@pytest.mark.parametrize("fault", ["refuse", "blackhole", "answer 503 ServiceUnavailable",
                                   "answer 403 AccessDenied", "answer 404 NoSuchBucket", "cut down 300"])
def test_nothing_is_deleted(behind, sync, tmp_path, mode, fault):
    site = behind(mode)
    for key, body in FILES.items():
        site.put(key, body)
    down = tree(tmp_path / "down", FILES)
    up = tree(tmp_path / "up", {"only.txt": b"only"})
    site.proxy.fault(fault)
    code, said = sync(site, f"s3://{site.bucket}", down)
    assert code != 0 and "delete:" not in said, said
    assert contents(down) == FILES
    code, said = sync(site, up, f"s3://{site.bucket}")
    assert code != 0 and "delete:" not in said, said
    site.proxy.heal()
    if mode == "fallback":
        site.drained()
    assert set(FILES) <= set(site.keys_there())


@pytest.mark.parametrize("mode", ["local", "upstream", "fallback"])
def test_it_does_delete_otherwise(behind, sync, tmp_path, mode):
    site = behind(mode)
    for key, body in {**FILES, "stale.txt": b"stale"}.items():
        site.put(key, body)
    down = tree(tmp_path / "down", {"stale here.txt": b"stale", "a.txt": b"alpha"})
    code, said = sync(site, f"s3://{site.bucket}", down)
    assert code == 0, said
    assert contents(down) == {**FILES, "stale.txt": b"stale"}
    up = tree(tmp_path / "up", {"a.txt": b"alpha", "new.txt": b"new"})
    code, said = sync(site, up, f"s3://{site.bucket}")
    assert code == 0, said
    assert site.keys() == ["a.txt", "new.txt"]
    if mode != "local":
        assert site.keys_there() == ["a.txt", "new.txt"]


def test_local_mode_syncs_without_the_upstream(behind, sync, tmp_path):
    site = behind("local")
    site.proxy.fault("refuse")
    for key, body in FILES.items():
        site.put(key, body)
    code, said = sync(site, f"s3://{site.bucket}", tmp_path / "down")
    assert code == 0, said
    assert contents(tmp_path / "down") == FILES
