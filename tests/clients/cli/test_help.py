"""What a new user reads first fits a terminal of 80 columns."""

import pytest

from command import Commands

COMMANDS = (
    "serve healthcheck check info test-s3 usage verify cleanup migrate import export objects spool presign "
    "init completions man version"
).split()
BELOW = ["migrate to-s3", "migrate to-local", "migrate list", "migrate limits", "migrate report", "spool flush"]


@pytest.mark.parametrize("command", ["", *COMMANDS, *BELOW])
def test_help_fits(tmp_path, command):
    shown = Commands(tmp_path)(*command.split(), "--help").expect().out
    assert "Usage:" in shown
    wide = [line for line in shown.splitlines() if len(line) > 80]
    assert not wide, wide


def test_exit_codes_are_told(tmp_path):
    shown = Commands(tmp_path)("--help").expect().out
    codes = shown.split("Exit codes:\n")[1].splitlines()
    assert [line.split()[0] for line in codes if line.strip()] == ["0", "1", "2", "3", "4"]
    assert "Exit codes" in Commands(tmp_path)("man").expect().out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completions(tmp_path, shell):
    script = Commands(tmp_path)("completions", shell).expect().out
    assert "stowgate" in script and "migrate" in script and "storage-backend" in script


def test_pages_of_the_manual(tmp_path):
    said = Commands(tmp_path)("man", "--dir", tmp_path / "man").expect().out
    pages = {page.name for page in (tmp_path / "man").iterdir()}
    assert f"{len(pages)} pages" in said
    assert {"stowgate.1", "stowgate-migrate.1", "stowgate-migrate-to-s3.1"} <= pages
