"""Clean-up: previewed, capped, and only of what nothing refers to."""

import datetime
import http.client
import json

import pytest

from gateway import TOKEN
from waiting import eventually


def begin(site, query, manifest=None):
    connection = http.client.HTTPConnection("127.0.0.1", site.gateway.port, timeout=30)
    headers = {"authorization": f"Bearer {TOKEN}", "content-type": "text/plain"}
    connection.request("POST", f"/storage/cleanup?{query}", body=manifest, headers=headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def cleaned(site, query, keys=None):
    """Runs a clean-up to its end."""
    manifest = "".join(f"{key}\n" for key in keys).encode() if keys is not None else None
    if keys is not None:
        query = f"bucket={site.bucket}&min_age=0&{query}"
    status, job = begin(site, query, manifest)
    assert status == 202, job

    def over():
        status, found = site.gateway.side("GET", f"/storage/cleanup/{job['id']}")
        assert status == 200, found
        return found if found["state"] != "running" else None

    return eventually(over, 60, "the end of a clean-up")


def settle(site, key):
    """Until the object is older than the second that it is stamped with."""
    stamp = site.head(key)["LastModified"]
    now = lambda: datetime.datetime.now(datetime.timezone.utc)
    eventually(lambda: now() > stamp, 10, "a later second")


@pytest.mark.parametrize("mode, backend", [("local", "local"), ("fallback", "s3")])
def test_what_the_manifest_lacks_goes(behind, mode, backend):
    site = behind(mode)
    for number in range(250):
        site.put(f"key {number:03}", b"12345")
    settle(site, "key 249")
    live = [f"key {number:03}" for number in range(0, 250, 2)]
    preview = cleaned(site, f"storage_backend={backend}&dry_run=true", live)
    assert (preview["state"], preview["found"], preview["found_bytes"]) == ("done", 125, 625)
    assert preview["deleted"] == 0 and len(site.keys()) == 250
    assert preview["keys"][:2] == ["key 001", "key 003"]
    refused = cleaned(site, f"storage_backend={backend}&max_deletes=124", live)
    assert refused["state"] == "failed" and "nothing is deleted" in refused["error"]
    assert len(site.keys()) == 250
    other = cleaned(site, f"storage_backend={'s3' if backend == 'local' else 'local'}", live)
    assert (other["state"], other["found"]) == ("done", 0)
    done = cleaned(site, f"storage_backend={backend}&max_deletes=125", live)
    assert (done["state"], done["deleted"], done["deleted_bytes"]) == ("done", 125, 625)
    assert site.keys() == live
    if backend == "s3":
        assert site.keys_there() == live


def test_what_others_put_upstream_stays(behind):
    site = behind("fallback")
    site.put("ours", b"x")
    site.put_there("theirs", b"y")
    settle(site, "ours")
    done = cleaned(site, "storage_backend=s3", ["something"])
    assert done["deleted"] == 1
    assert site.keys_there() == ["theirs"]


def test_young_objects_stay(behind):
    site = behind("local")
    site.put("young", b"x")
    status, job = begin(site, f"storage_backend=local&bucket={site.bucket}", b"other\n")
    assert status == 202

    def over():
        _, found = site.gateway.side("GET", f"/storage/cleanup/{job['id']}")
        return found if found["state"] != "running" else None

    found = eventually(over)
    assert (found["deleted"], found["kept_newer"]) == (0, 1)
    assert site.keys() == ["young"]


def test_without_a_manifest_no_object_goes(behind):
    site = behind("fallback")
    site.put("a", b"x")
    for backend in ("local", "s3"):
        done = cleaned(site, f"storage_backend={backend}")
        assert (done["state"], done["deleted"]) == ("done", 0)
    assert site.keys() == ["a"]


def test_bad_requests(behind):
    site = behind("local")
    site.put("a", b"x")
    bucket = f"storage_backend=local&bucket={site.bucket}"
    for query, manifest, status in [
        ("", None, 400),
        ("storage_backend=tape", None, 400),
        ("storage_backend=local&dry_run=perhaps", None, 400),
        ("storage_backend=local&max_deletes=-1", None, 400),
        ("storage_backend=local&max_deletes=01", None, 400),
        ("storage_backend=local&bucket=absent-bucket", None, 404),
        ("storage_backend=local", b"a\n", 400),
        (bucket, b"\n", 400),
        (bucket, b"a\n\xff\n", 400),
        (bucket, b"x" * 1025, 400),
    ]:
        found, answer = begin(site, query, manifest)
        assert found == status, (query, answer)
    assert site.keys() == ["a"]
