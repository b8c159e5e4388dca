"""VideoVote, row by row: avatars, thumbnails and videos."""

import sqlite3

import pytest

import driving
import upstreams
from connect import connect
from files import jpeg, mp4, png
from s3check import refused
from web import File

IMAGES = {"jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}


def test_key_layout(videovote, mode):
    user = videovote.user()
    picture, film, thumbnail = png(seed=3), mp4(9_000_000), jpeg()
    avatar = videovote.avatar(user, content=picture).expect(201).json
    assert avatar["stored"] == f"avatars/user_{user}_avatar_profile.jpg"
    video = videovote.video(user, film, thumbnail).expect(201).json
    assert video["stored"] == {
        "thumbnail": f"thumbnails/video_{video['id']}_thumb.jpg",
        "file": f"uploads/video_{video['id']}_film.mp4",
    }
    for url, content, content_type in (
        (avatar["avatar"], picture, "image/jpeg"),
        (video["thumbnail"], thumbnail, "image/jpeg"),
        (video["file"], film, "video/mp4"),
    ):
        seen = videovote.seen(url).expect(200)
        assert (seen.body, seen.headers["content-type"]) == (content, content_type)
    videovote.site.expect_at(mode, avatar["stored"], *video["stored"].values())
    videovote.web.delete(f"/videos/{video['id']}").expect(204)
    assert videovote.seen(video["file"]).status != 200
    assert not [key for key in videovote.site.keys() if f"video_{video['id']}_" in key]


def test_the_trial_below_test(videovote):
    assert videovote.web.get("/admin/test-storage").expect(200).json == {"works": True}
    assert not [key for key in videovote.site.keys() if key.startswith("test/")]


def test_a_new_avatar_replaces_the_old_one(videovote):
    user = videovote.user()
    first = videovote.avatar(user, "one.png").expect(201).json
    second = videovote.avatar(user, "two.png", png(seed=9)).expect(201).json
    assert videovote.profile(user)["stored"] == second["stored"]
    assert videovote.seen(second["avatar"]).expect(200).body == png(seed=9)
    assert first["stored"] not in videovote.site.keys()
    videovote.web.delete(f"/users/{user}/avatar").expect(204)
    assert second["stored"] not in videovote.site.keys()


@pytest.mark.parametrize("extension", IMAGES)
def test_upload_checks_take_images(videovote, extension):
    user = videovote.user()
    stored = videovote.avatar(user, f"Me.{extension.upper()}").expect(201).json
    assert videovote.seen(stored["avatar"]).expect(200).headers["content-type"] == IMAGES[extension]


@pytest.mark.parametrize("name", ["a.exe", "a.svg", "a.html", "a.jpg.php", "jpg", "a.mp4", "a.pdf"])
def test_upload_checks_refuse_anything_else(videovote, name):
    user = videovote.user()
    before = videovote.site.keys()
    for answer in (videovote.avatar(user, name), videovote.video(user, thumb=name)):
        assert "only jpg, jpeg, png, gif, webp can" in answer.expect(400).json["error"]
    assert videovote.site.keys() == before
    assert videovote.profile(user)["avatar"] is None


@pytest.mark.parametrize(
    "name, safe",
    [
        ("../../etc/passwd.png", "etc_passwd.png"),
        ("my holiday (1).jpg", "my_holiday_1.jpg"),
        ("Zoë's ☀.jpeg", "Zoes_.jpeg"),
        ("C:\\pictures\\me.gif", "C:picturesme.gif"),
    ],
)
def test_upload_checks_make_names_safe(videovote, name, safe):
    user = videovote.user()
    stored = videovote.avatar(user, name).expect(201).json["stored"]
    assert stored.startswith(f"avatars/user_{user}_avatar_")
    assert ".." not in stored and stored.count("/") == 1 and stored.isascii() and " " not in stored
    assert stored.rpartition(".")[2] == safe.rpartition(".")[2]
    assert stored in videovote.site.keys()


def test_access(videovote, mode):
    site, user = videovote.site, videovote.user()
    stored = videovote.avatar(user).expect(201).json
    path = f"/{site.bucket}/{stored['stored']}"
    assert videovote.public.get(path).expect(200).body == png(seed=user)
    assert videovote.public("HEAD", path).status == 200
    for method, target, body in (
        ("PUT", path, b"x"),
        ("PUT", f"/{site.bucket}/avatars/new.png", b"x"),
        ("DELETE", path, None),
        ("POST", f"{path}?uploads", None),
        ("GET", f"/{site.bucket}", None),
        ("GET", f"/{site.bucket}?policy", None),
        ("GET", "/", None),
        ("GET", f"/{site.bucket}/avatars/none.png", None),
    ):
        answer = videovote.public(method, target, body=body)
        assert answer.status == 403 and b"AccessDenied" in answer.body, (method, target, answer)
    assert videovote.public.get(path).expect(200).body == png(seed=user)
    # The application's key is for its bucket, and not for what the operator does.
    app = connect(site.gateway, site.key)
    with refused("AccessDenied", 403):
        app.delete_bucket_policy(Bucket=site.bucket)
    with refused("AccessDenied", 403):
        app.create_bucket(Bucket="another-bucket")


@pytest.fixture
def with_acls(request, mode, tmp_path):
    """VideoVote before an upstream that keeps ACLs, which not every service does."""
    if mode == "local":
        yield request.getfixturevalue("videovote")
        return
    with upstreams.make("stowgate", tmp_path / "upstream") as server:
        with driving.videovote(server, tmp_path / "videovote", mode) as running:
            yield running


def test_access_by_the_canned_acl(with_acls):
    """Without the policy, what was put as public-read is still everybody's."""
    videovote = with_acls
    site, user = videovote.site, videovote.user()
    stored = videovote.avatar(user).expect(201).json
    policy = site.s3.get_bucket_policy(Bucket=site.bucket)["Policy"]
    grants = site.s3.get_object_acl(Bucket=site.bucket, Key=stored["stored"])["Grants"]
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
    assert {(grant["Grantee"].get("URI"), grant["Permission"]) for grant in grants} >= {(everybody, "READ")}
    site.put("avatars/private.png", b"private")
    site.s3.delete_bucket_policy(Bucket=site.bucket)
    try:
        videovote.seen(stored["avatar"]).expect(200)
        assert videovote.public.get(f"/{site.bucket}/avatars/private.png").status == 403
    finally:
        site.s3.put_bucket_policy(Bucket=site.bucket, Policy=policy)
        site.delete("avatars/private.png")


def test_url_resolution(videovote):
    site, database = videovote.site, videovote.application.environment["DATABASE"]
    user = videovote.user()
    key = videovote.avatar(user).expect(201).json["stored"]
    expected = {
        key: f"{site.gateway.endpoint}/{site.bucket}/{key}",
        "https://cdn.example.com/a.png": "https://cdn.example.com/a.png",
        "avatar_1_profile.jpg": "/static/avatars/avatar_1_profile.jpg",
    }
    for name, url in expected.items():
        with sqlite3.connect(database) as connection:
            connection.execute("update users set avatar = ? where id = ?", (name, user))
        assert videovote.profile(user)["avatar"] == url
    videovote.seen(expected[key]).expect(200)
