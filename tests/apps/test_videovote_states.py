"""VideoVote's states: the cloud off or on, there or not, and what changes between them."""

import contextlib
import dataclasses
import sqlite3
import urllib.parse

import pytest

import upstreams
from command import Commands
from connect import connect
from driving import VideoVote, prepare_videovote, turn_acls_on, videovote, videovote_application
from files import jpeg, mp4, png
from gateway import MAIN, Gateway
from s3check import refused
from sites import VIDEOVOTE, Switched, application_key
from waiting import eventually

KEYS = (MAIN, application_key(VIDEOVOTE.bucket))


class States:
    """VideoVote, whose gateway is started in one state after the other."""

    def __init__(self, site, directory):
        self.site, self._directory = site, directory
        self._application = None

    def enter(self, cloud, **settings):
        """Starts the gateway with these variables, and the application, whose endpoint is new."""
        first = self.site.gateway is None
        self.leave()
        self.site.start(cloud, **settings)
        if first:
            prepare_videovote(self.site)
        self._application = videovote_application(self.site, self._directory).start()
        self.app = VideoVote(self.site, self._application)
        return self

    def leave(self):
        if self._application is not None:
            self._application.stop()

    def store(self, seed):
        """The key and the content of another avatar."""
        user, content = self.app.user(), png(seed=seed)
        return self.app.avatar(user, content=content).expect(201).json["stored"], content

    def look(self, stored):
        """Expects all of these to be seen by everybody, and listed."""
        for key, content in stored.items():
            assert self.app.public.get(f"/{self.site.bucket}/{key}").expect(200).body == content, key
        assert self.app.site.s3.list_objects_v2(Bucket=self.site.bucket)["KeyCount"] == len(stored)


@pytest.fixture
def states(switched, tmp_path):
    """Makes `States`, before the session's upstream."""
    with contextlib.ExitStack() as stack:

        def make(**settings):
            one = States(switched(VIDEOVOTE, keys=KEYS, **settings), tmp_path / "videovote")
            stack.callback(one.leave)
            return one

        yield make


def test_state_1_no_credentials_and_the_cloud_off(states):
    state = states().enter(cloud=False, credentials=False)
    stored = dict(state.store(seed) for seed in range(3))
    state.look(stored)
    assert {state.site.backend(key) for key in stored} == {"local"}
    assert state.site.keys_there() == []
    assert state.site.proxy.counts()["connections"] == 0


def test_state_2_credentials_and_the_cloud_off(states):
    state = states()
    state.site.proxy.fault("blackhole")
    state.enter(cloud=False)
    stored = dict(state.store(seed) for seed in range(3))
    state.look(stored)
    assert state.app.web.get("/admin/test-storage").expect(200).json == {"works": True}
    assert {state.site.backend(key) for key in stored} == {"local"}
    assert state.site.keys_there() == []
    assert state.site.proxy.requests() == [], "the upstream was called"


def test_state_3_the_cloud_on_and_there(states):
    state = states().enter(cloud=True)
    stored = dict(state.store(seed) for seed in range(3))
    state.look(stored)
    assert {state.site.backend(key) for key in stored} == {"s3"}
    assert sorted(state.site.keys_there()) == sorted(stored)


FAILURES = {
    "no network": "refuse",
    "reset": "reset",
    "5xx": "answer 503 ServiceUnavailable",
    "time-out": "blackhole",
    "keys withdrawn": "answer 403 InvalidAccessKeyId",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_state_4_the_cloud_on_and_failing(states, failure):
    state = states().enter(cloud=True)
    before = dict([state.store(0)])
    state.site.proxy.fault(FAILURES[failure])
    meanwhile = dict(state.store(seed) for seed in range(1, 4))
    for key, content in meanwhile.items():
        assert state.app.public.get(f"/{state.site.bucket}/{key}").expect(200).body == content
        assert state.site.backend(key) == "local"
    state.site.proxy.heal()
    assert sorted(state.site.keys_there()) == sorted(before)
    # When it is back, it gets them all by itself.
    eventually(lambda: sorted(state.site.keys_there()) == sorted({**before, **meanwhile}), 60)
    eventually(lambda: {state.site.backend(key) for key in meanwhile} == {"s3"}, 30)
    state.look({**before, **meanwhile})


def test_state_4_with_wrong_keys_from_the_start(states, server):
    state = states()
    wrong = dataclasses.replace(server.key, secret="not-the-secret-of-this-key")
    state.enter(cloud=True, key=wrong)
    stored = dict(state.store(seed) for seed in range(3))
    assert {state.site.backend(key) for key in stored} == {"local"}
    status, answer = state.site.side("GET", "/storage/test-s3")
    assert status in (200, 503) and "not-the-secret" not in str(answer)
    state.enter(cloud=True)
    eventually(lambda: sorted(state.site.keys_there()) == sorted(stored), 60)
    state.look(stored)


def test_state_4_with_the_upstream_stopped(tmp_path, server):
    name = server.name
    with upstreams.make(name, tmp_path / "upstream") as own:
        with videovote(own, tmp_path / "videovote", "fallback") as app:
            own.stop()
            user = app.user()
            avatar = app.avatar(user).expect(201).json
            video = app.video(user, mp4(200_000)).expect(201).json
            assert app.seen(avatar["avatar"]).expect(200).body == png(seed=user)
            assert app.site.backend(video["stored"]["file"]) == "local"
            assert app.site.waiting() == 3
            own.start()
            app.site.drained(60)
            app.site.expect_at("fallback", avatar["stored"], *video["stored"].values())
            assert app.seen(video["file"]).expect(200).body == mp4(200_000)


def test_access_upstream_with_least_privilege(tmp_path):
    """The upstream's key is not root's there, and needs no more than its one bucket."""
    limited = application_key(VIDEOVOTE.bucket)
    with contextlib.ExitStack() as stack:
        upstream = stack.enter_context(Gateway(tmp_path / "upstream", keys=(MAIN, limited)))
        upstream.key = MAIN
        site = stack.enter_context(
            contextlib.closing(Switched(upstream, tmp_path / "gateway", VIDEOVOTE, keys=KEYS))
        )
        # The application puts with public-read, which a bucket refuses whose ACLs are off.
        turn_acls_on(site.up, site.there)
        state = States(site, tmp_path / "videovote")
        stack.callback(state.leave)
        state.enter(cloud=True, key=limited)
        assert site.side("GET", "/storage/test-s3")[1]["ok"] is True
        stored = dict(state.store(seed) for seed in range(2))
        state.look(stored)
        assert sorted(site.keys_there()) == sorted(stored)


def test_mixed_history(states):
    state = states().enter(cloud=False, credentials=False)
    stored = dict([state.store(1)])
    state.enter(cloud=True)
    state.look(stored)
    stored.update([state.store(2)])
    state.look(stored)
    state.site.proxy.fault("answer 503 ServiceUnavailable")
    stored.update([state.store(3)])
    first, second, third = stored
    recorded = {key: state.site.backend(key) for key in stored}
    assert recorded == {first: "local", second: "s3", third: "local"}
    # Off: what is upstream is still read there, and what waits stays here.
    state.enter(cloud=False)
    stored.update([state.store(4)])
    assert state.site.backend(second) == "s3"
    state.site.proxy.heal()
    eventually(lambda: state.app.public.get(f"/{state.site.bucket}/{second}").status == 200, 30)
    state.look(stored)
    # On again.
    state.enter(cloud=True)
    stored.update([state.store(5)])
    state.look(stored)


def test_the_environment_it_sets(states):
    """Its variables name the upstream: they open nothing at the gateway, and are never shown."""
    state = states().enter(cloud=True)
    status, info = state.site.side("GET", "/storage/info")
    assert status == 200 and state.site.server.key.secret not in str(info)
    (bucket,) = [one for one in info["buckets"] if one["name"] == VIDEOVOTE.bucket]
    assert (bucket["mode"], bucket["s3_bucket"]) == ("fallback", VIDEOVOTE.bucket)
    status, trial = state.site.side("GET", "/storage/test-s3")
    assert status == 200 and state.site.server.key.secret not in str(trial), trial
    with refused("InvalidAccessKeyId", 403):
        connect(state.site.gateway, state.site.server.key).list_buckets()


def test_the_local_layout_it_has_today(videovote, mode, tmp_path):
    """A folder tree is taken over: bare names in the database stay, and are seen at the gateway."""
    site = videovote.site
    files = {
        "avatars/avatar_1_profile.jpg": jpeg(seed=1),
        "thumbnails/video_1_thumb.jpg": jpeg(seed=2),
        "uploads/film of 2019.mp4": mp4(300_000),
    }
    for name, content in files.items():
        path = tmp_path / "old" / "static" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    public = f"{site.gateway.endpoint}/{site.bucket}"
    with videovote_application(site, tmp_path / "old") as before:
        today = VideoVote(site, before)
        for name, content in files.items():
            assert today.web.get(f"/static/{urllib.parse.quote(name)}").expect(200).body == content
    commands = Commands(
        tmp_path, "--url", site.gateway.endpoint, "--config", site.gateway.directory / "stowgate.toml"
    )
    done = commands("import", tmp_path / "old" / "static", "--bucket", site.bucket).expect().last
    assert (done["copied"], done["failed"]) == (len(files), 0)
    again = commands("import", tmp_path / "old" / "static", "--bucket", site.bucket).expect().last
    assert again["copied"] == 0
    site.expect_at(mode, *files)
    with videovote_application(site, tmp_path / "new", LOCAL_BASE_URL=public) as after:
        app = VideoVote(site, after)
        user = app.user()
        with sqlite3.connect(after.environment["DATABASE"]) as records:
            records.execute("update users set avatar = 'avatar_1_profile.jpg' where id = ?", (user,))
        url = app.profile(user)["avatar"]
        assert url == f"{public}/avatars/avatar_1_profile.jpg"
        seen = app.seen(url).expect(200)
        assert seen.body == files["avatars/avatar_1_profile.jpg"]
        assert seen.headers["content-type"] == "image/jpeg"
        # It can be replaced as any other.
        stored = app.avatar(user).expect(201).json
        assert app.seen(stored["avatar"]).expect(200).body == png(seed=user)
