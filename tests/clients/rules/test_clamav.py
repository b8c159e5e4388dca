"""ClamAV's own daemon with a signature database of ours: Debian's clamav-daemon, or STOWGATE_CLAMD."""

import os
import shutil
import subprocess

import pytest

import entrances
import upload_rules
from clamd import EICAR, zipped
from connect import connect
from entrances import Refused
from gateway import MAIN, Gateway
from waiting import eventually

CLAMD = os.environ.get("STOWGATE_CLAMD") or shutil.which("clamd", path="/usr/sbin:/usr/local/sbin:/usr/bin")
BUCKET = "clamav-bucket"

pytestmark = pytest.mark.skipif(CLAMD is None, reason="clamd is not installed")


@pytest.fixture(scope="module")
def socket(tmp_path_factory):
    """The daemon's socket; it takes bodies of 2 MiB."""
    home = tmp_path_factory.mktemp("clamd")
    (home / "db").mkdir()
    (home / "db" / "ours.ndb").write_text(f"Ours.Eicar-Test-Signature:0:*:{EICAR.hex()}\n")
    path = home / "clamd.ctl"
    (home / "clamd.conf").write_text(
        f"Foreground yes\nDatabaseDirectory {home / 'db'}\nLocalSocket {path}\n"
        f"StreamMaxLength 2M\nUser {os.environ.get('USER', 'root')}\n"
    )
    with open(home / "log", "wb") as log:
        process = subprocess.Popen([CLAMD, "-c", home / "clamd.conf"], stdout=log, stderr=log)
    try:
        eventually(path.exists, 60, lambda: (home / "log").read_text())
        yield path
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def site(socket, tmp_path_factory):
    with Gateway(tmp_path_factory.mktemp("gateway"), config=upload_rules.toml(f"unix:{socket}")) as running:
        s3 = connect(running, MAIN, read_timeout=60)
        s3.create_bucket(Bucket=BUCKET)
        yield running, s3


@pytest.mark.parametrize("entrance", entrances.ALL)
def test_eicar_in_a_zip(site, entrance):
    gateway, s3 = site
    enter = entrances.ALL[entrance]
    with pytest.raises(Refused) as caught:
        enter(s3, gateway, BUCKET, f"scanned/{entrance}", zipped("a.com", EICAR), "application/zip")
    assert (caught.value.status, caught.value.code) == (403, "AccessDenied")
    assert "Ours.Eicar-Test-Signature" in caught.value.message
    enter(s3, gateway, BUCKET, f"scanned/{entrance}", zipped("a.txt", b"clean"), "application/zip")
    listed = s3.list_objects_v2(Bucket=BUCKET, Prefix=f"scanned/{entrance}")["Contents"]
    assert [o["Key"] for o in listed] == [f"scanned/{entrance}"]


def test_more_than_it_takes(site):
    gateway, s3 = site
    with pytest.raises(Refused) as caught:
        entrances.put(s3, gateway, BUCKET, "scanned/large", b"x" * (8 << 20), "text/plain")
    assert caught.value.status == 403 and "larger" in caught.value.message, caught.value
