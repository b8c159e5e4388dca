"""Another mode after a restart: nothing becomes unreadable, nothing comes back."""

import contextlib
import os

import pytest

from behind import fresh_bucket
from connect import connect
from gateway import BUILT_IN, Gateway
from fault_proxy import Proxy
from s3check import absent, refused
from waiting import eventually

ORDERS = (
    ("local", "upstream", "local"),
    ("local", "fallback", "local"),
    ("upstream", "local", "upstream"),
    ("upstream", "fallback", "upstream"),
    ("fallback", "local", "fallback"),
    ("fallback", "upstream", "fallback"),
    ("local", "upstream", "fallback", "local", "fallback", "upstream"),
)


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("order", ORDERS, ids="-".join)
def test_every_order_of_modes(behind, order, kill):
    site = behind(order[0])
    expected, etags = {}, {}

    def write(step):
        for key in (f"new/{step}", "shared", f"large/{step}"):
            body = f"{key} of {step} ".encode() * (40000 if key.startswith("large") else 3)
            etags[key] = site.put(key, body, Metadata={"step": str(step)})["ETag"]
            expected[key] = body
        if step:
            gone = f"new/{step - 1}"
            site.delete(gone)
            del expected[gone], etags[gone]

    def look(step):
        assert site.keys() == sorted(expected), step
        for key, body in expected.items():
            assert site.get(key) == body, (step, key)
            head = site.head(key)
            assert (head["ETag"], head["ContentLength"]) == (etags[key], len(body)), (step, key)
        for old in range(step):
            assert absent(site.s3, site.bucket, f"new/{old}"), step

    for step, mode in enumerate(order):
        if step:
            site.restart(mode, kill=kill)
            # What the mode before left is all there.
            assert site.keys() == sorted(expected), mode
            for key, body in expected.items():
                assert site.get(key) == body, (mode, key)
        write(step)
        look(step)
    site.restart(kill=True)
    look(len(order) - 1)


def test_left_overs_of_local_mode_are_put_aside_by_writes(behind):
    """In `upstream` mode, a write or delete of a key that local mode left wins for good."""
    site = behind("local")
    site.put("overwritten", b"local")
    site.put("deleted", b"local")
    site.put("kept", b"local")
    site.restart("upstream")
    assert site.keys() == ["deleted", "kept", "overwritten"]
    site.put("overwritten", b"upstream")
    site.delete("deleted")
    for mode in ("upstream", "local", "upstream", "fallback"):
        site.restart(mode)
        assert site.get("overwritten") == b"upstream", mode
        assert absent(site.s3, site.bucket, "deleted"), mode
        assert site.get("kept") == b"local", mode
        assert site.keys() == ["kept", "overwritten"], mode


def test_local_mode_reads_what_is_recorded_upstream(behind, unavailable):
    site = behind("fallback")
    site.put("recorded", b"there", ContentType="text/x-there")
    site.restart("local")
    site.proxy.forget()
    site.put("mine", b"here")
    assert site.keys() == ["mine", "recorded"]
    assert site.proxy.counts()["requests"] == 0, "a listing in local mode asks no one"
    assert site.get("recorded") == b"there"
    assert site.head("recorded")["ContentType"] == "text/x-there"
    with refused("NoSuchKey", 404):
        site.get("never")
    site.proxy.fault("refuse")
    with unavailable():
        site.get("recorded")
    assert site.get("mine") == b"here"
    assert site.keys() == ["mine", "recorded"]
    # Overwriting and deleting it needs no upstream.
    site.put("recorded", b"here now")
    assert site.get("recorded") == b"here now"
    site.delete("recorded")
    assert absent(site.s3, site.bucket, "recorded")
    site.restart(kill=True)
    assert absent(site.s3, site.bucket, "recorded")
    site.proxy.heal()
    eventually(lambda: site.keys_there() == [], 30, "the upstream copy's end")


def test_local_mode_lets_the_stale_copy_go_upstream(behind):
    site = behind("fallback")
    site.put("k", b"old")
    site.restart("local")
    site.put("k", b"new")
    eventually(lambda: site.keys_there() == [], 30, "the stale copy's end")
    assert site.get("k") == b"new"
    site.restart("upstream")
    assert site.get("k") == b"new"


def test_a_backlog_survives_switching_to_local_and_back(behind):
    site = behind("fallback")
    site.put("there", b"old")
    site.put("gone", b"old")
    site.proxy.fault("refuse")
    site.put("there", b"spooled")
    site.put("new", b"spooled")
    site.delete("gone")
    for mode in ("local", "fallback"):
        site.restart(mode)
        assert site.get("there") == b"spooled", mode
        assert site.get("new") == b"spooled", mode
        assert absent(site.s3, site.bucket, "gone"), mode
    site.proxy.heal()
    site.drained()
    assert site.keys() == site.keys_there() == ["new", "there"]
    assert site.get_there("there")["Content"] == b"spooled"


class ByVariables:
    """A gateway that knows nothing but an application's environment."""

    def __init__(self, server, directory, bucket_variables):
        self.server = server
        self.bucket = fresh_bucket()
        self.up = connect(server, server.key)
        self.up.create_bucket(Bucket=self.bucket)
        self.proxy = Proxy(server.port)
        self._names = {name: self.bucket for name in bucket_variables}
        self.gateway = Gateway(directory, keys=None)

    def credentials(self, secret=None):
        return {
            "AWS_ACCESS_KEY_ID": self.server.key.access,
            "AWS_SECRET_ACCESS_KEY": secret or self.server.key.secret,
            "AWS_REGION": "us-east-1",
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{self.proxy.port}",
        }

    def start(self, **variables):
        if self.gateway.alive():
            assert self.gateway.stop() == 0, self.gateway.tail()
        self.gateway.environment = {**self._names, **variables}
        self.gateway.start()
        self.s3 = connect(self.gateway, BUILT_IN, read_timeout=60)
        self.proxy.forget()

    def put(self, key, body, **settings):
        return self.s3.put_object(Bucket=self.bucket, Key=key, Body=body, **settings)

    def get(self, key):
        return self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()

    def keys(self):
        listed = self.s3.list_objects_v2(Bucket=self.bucket)
        return [entry["Key"] for entry in listed.get("Contents", ())]

    def keys_there(self):
        """Without the objects that a trial of the permissions makes and removes."""
        listed = self.up.list_objects_v2(Bucket=self.bucket)
        keys = [entry["Key"] for entry in listed.get("Contents", ())]
        return [key for key in keys if not key.startswith(".stowgate-probe-")]

    def backends(self):
        """How many of the bucket's objects are where, as the side API says."""
        status, answer = self.gateway.side("GET", "/storage/info")
        assert status == 200, answer
        (bucket,) = (b for b in answer["buckets"] if b["name"] == self.bucket)
        return {name: backend["objects"] for name, backend in bucket["by_backend"].items()}

    def close(self):
        try:
            if self.gateway.alive():
                self.proxy.heal()
                assert self.gateway.stop() == 0, self.gateway.tail()
        finally:
            self.proxy.close()


@pytest.fixture
def by_variables(server, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(*bucket_variables):
            one = ByVariables(server, tmp_path / "gateway", bucket_variables)
            stack.callback(one.close)
            return one

        yield make


def test_the_four_states_of_videovote(by_variables):
    site = by_variables("AWS_BUCKET_NAME")
    avatar, thumb, video = os.urandom(2000), os.urandom(5000), os.urandom(3 << 20)
    # 1: no credentials, cloud off.
    site.start(USE_CLOUD_STORAGE="false")
    site.put("avatars/user_1_avatar_profile.jpg", avatar, ContentType="image/jpeg")
    assert site.keys() == ["avatars/user_1_avatar_profile.jpg"] and site.keys_there() == []
    # 2: credentials, cloud off: the upstream is never called.
    site.start(USE_CLOUD_STORAGE="false", **site.credentials())
    site.put("thumbnails/video_1_thumb.jpg", thumb)
    assert site.get("avatars/user_1_avatar_profile.jpg") == avatar
    assert site.proxy.counts()["connections"] == 0
    assert site.keys_there() == []
    # 3: cloud on, the upstream answers.
    site.start(USE_CLOUD_STORAGE="true", **site.credentials())
    site.put("uploads/one.mp4", video, ContentType="video/mp4")
    assert site.keys_there() == ["uploads/one.mp4"]
    assert site.get("avatars/user_1_avatar_profile.jpg") == avatar
    assert site.get("thumbnails/video_1_thumb.jpg") == thumb
    # 4: cloud on, the upstream fails.
    site.proxy.fault("refuse")
    site.put("uploads/two.mp4", video[:5000])
    assert site.get("uploads/two.mp4") == video[:5000]
    assert site.keys_there() == ["uploads/one.mp4"]
    # Back to 2: all that was ever written is there.
    site.proxy.heal()
    site.start(USE_CLOUD_STORAGE="false", **site.credentials())
    everything = [
        "avatars/user_1_avatar_profile.jpg",
        "thumbnails/video_1_thumb.jpg",
        "uploads/one.mp4",
        "uploads/two.mp4",
    ]
    assert site.keys() == everything
    assert site.get("uploads/one.mp4") == video
    assert site.get("uploads/two.mp4") == video[:5000]
    # And to 3: what was taken in meanwhile goes up.
    site.start(USE_CLOUD_STORAGE="true", **site.credentials())
    eventually(lambda: "uploads/two.mp4" in site.keys_there(), 30, "the forwarded video")
    assert site.keys() == everything


@pytest.mark.parametrize("fault", ["wrong keys", "refuse", "blackhole", "answer 503 SlowDown"])
def test_videovotes_state_four_from_the_start(by_variables, server, fault):
    """Cloud on, and nothing works up there since before the start."""
    if fault == "wrong keys" and not server.traits.checks_keys:
        pytest.skip("this upstream believes any key")
    site = by_variables("AWS_BUCKET_NAME")
    if fault != "wrong keys":
        site.proxy.fault(fault)
    secret = "not/the+right/secret" if fault == "wrong keys" else None
    site.start(USE_CLOUD_STORAGE="true", **site.credentials(secret))
    site.put("avatars/a.jpg", b"jpeg", ContentType="image/jpeg")
    assert site.get("avatars/a.jpg") == b"jpeg"
    site.proxy.heal()
    site.start(USE_CLOUD_STORAGE="true", **site.credentials())
    eventually(lambda: site.keys_there() == ["avatars/a.jpg"], 30, "forwarding")
    assert site.get("avatars/a.jpg") == b"jpeg"


def test_the_switch_of_psc(by_variables):
    site = by_variables("S3_BUCKET")
    keys = [
        "attachments/invoice/company_1/2025-08-12/101112_abcdefgh_invoice.pdf",
        "attachments/expense/company_2/2025-13-40/256199_1a2b3c4d_receipt (1).png",
    ]
    site.start(STORAGE_BACKEND="local", **site.credentials())
    site.put(keys[0], b"invoice")
    assert site.proxy.counts()["connections"] == 0
    site.start(STORAGE_BACKEND="s3", **site.credentials())
    site.put(keys[1], b"receipt")
    assert site.get(keys[0]) == b"invoice"
    assert site.keys() == sorted(keys) and site.keys_there() == keys[1:]
    site.start(STORAGE_BACKEND="local", **site.credentials())
    assert site.get(keys[0]) == b"invoice" and site.get(keys[1]) == b"receipt"
    assert site.keys() == sorted(keys)


def test_the_switch_of_psc_refuses_writes_while_the_upstream_is_away(by_variables, unavailable):
    site = by_variables("S3_BUCKET")
    site.start(STORAGE_BACKEND="s3", **site.credentials())
    site.proxy.fault("refuse")
    with unavailable():
        site.put("k", b"x")


def test_where_objects_are_is_recorded(by_variables):
    site = by_variables("AWS_BUCKET_NAME")
    site.start(USE_CLOUD_STORAGE="true", **site.credentials())
    for key in ("one", "two", "three"):
        site.put(key, b"up there")
    assert site.backends() == {"local": 0, "s3": 3}
    site.proxy.fault("refuse")
    site.put("three", b"down here")
    site.put("four", b"down here")
    assert site.backends() == {"local": 2, "s3": 2}
    site.proxy.heal()
    eventually(lambda: site.backends() == {"local": 0, "s3": 4}, 30, "forwarding")
    site.start(USE_CLOUD_STORAGE="false", **site.credentials())
    site.put("one", b"down here")
    assert site.backends() == {"local": 1, "s3": 3}


@pytest.mark.parametrize(
    "variables, named",
    [
        ({"USE_CLOUD_STORAGE": "true", "STORAGE_BACKEND": "local"}, "USE_CLOUD_STORAGE"),
        ({"USE_CLOUD_STORAGE": "true", "STORAGE_BACKEND": "s3"}, "USE_CLOUD_STORAGE"),
        ({"USE_CLOUD_STORAGE": "perhaps"}, "USE_CLOUD_STORAGE"),
        ({"STORAGE_BACKEND": "tape"}, "STORAGE_BACKEND"),
        ({"AWS_BUCKET_NAME": "one-bucket", "S3_BUCKET": "another"}, "S3_BUCKET"),
        ({"USE_CLOUD_STORAGE": "true", "AWS_ACCESS_KEY_ID": "half"}, "AWS_SECRET_ACCESS_KEY"),
    ],
)
def test_contradictions_stop_the_start(tmp_path, variables, named):
    """Needs no upstream."""
    gateway = Gateway(tmp_path, keys=None, environment={"AWS_BUCKET_NAME": "one-bucket", **variables})
    with pytest.raises(RuntimeError):
        gateway.start()
    assert gateway.process.wait(10) == 2
    assert named in gateway.tail()


def test_empty_variables_are_unset(tmp_path):
    """Needs no upstream."""
    names = ("USE_CLOUD_STORAGE", "STORAGE_BACKEND", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    names += ("S3_BUCKET", "AWS_REGION", "S3_ENDPOINT_URL")
    empty = dict.fromkeys(names, "")
    with Gateway(tmp_path, keys=None, environment={"AWS_BUCKET_NAME": "one-bucket", **empty}) as one:
        s3 = connect(one, BUILT_IN)
        s3.put_object(Bucket="one-bucket", Key="k", Body=b"x")
        assert one.stop() == 0
