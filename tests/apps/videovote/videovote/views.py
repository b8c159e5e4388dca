"""The pages and calls."""

import flask
from flask import request

from . import records

pages = flask.Blueprint("pages", __name__)


def _storage():
    return flask.current_app.extensions["storage"]


def _file(field):
    """An uploaded file, or 400."""
    file = request.files.get(field)
    if file is None or not file.filename:
        flask.abort(flask.make_response(flask.jsonify(error=f"the file {field} is missing"), 400))
    return file


def _wants_page():
    return request.accept_mimetypes.best_match(["application/json", "text/html"]) == "text/html"


@pages.get("/")
def index():
    videos = [_video(row) for row in records.all("select * from videos order by id")]
    return flask.render_template("index.html", videos=videos)


@pages.post("/users")
def add_user():
    name = (request.get_json(silent=True) or request.form).get("name", "")
    return flask.jsonify(id=records.write("insert into users (name) values (?)", name)), 201


@pages.get("/users/<int:user>")
def show_user(user):
    row = records.one("select * from users where id = ?", user)
    avatar = _storage().url(row["avatar"], "avatars")
    if _wants_page():
        return flask.render_template("profile.html", user=row, avatar=avatar)
    return flask.jsonify(id=row["id"], name=row["name"], stored=row["avatar"], avatar=avatar)


@pages.post("/users/<int:user>/avatar")
def set_avatar(user):
    row = records.one("select * from users where id = ?", user)
    key = _storage().save("avatars", f"user_{user}_avatar", _file("avatar"))
    records.write("update users set avatar = ? where id = ?", key, user)
    if row["avatar"] != key:
        _storage().remove(row["avatar"])
    if _wants_page():
        return flask.redirect(flask.url_for("pages.show_user", user=user), 303)
    return flask.jsonify(stored=key, avatar=_storage().url(key, "avatars")), 201


@pages.delete("/users/<int:user>/avatar")
def remove_avatar(user):
    row = records.one("select * from users where id = ?", user)
    _storage().remove(row["avatar"])
    records.write("update users set avatar = null where id = ?", user)
    return "", 204


@pages.get("/videos")
def list_videos():
    return flask.jsonify([_video(row) for row in records.all("select * from videos order by id")])


@pages.post("/videos")
def add_video():
    storage, film, thumbnail = _storage(), _file("video"), _file("thumbnail")
    user, title = request.form.get("user_id", type=int), request.form.get("title", "")
    records.one("select id from users where id = ?", user)
    video = records.write("insert into videos (user_id, title) values (?, ?)", user, title)
    stored = []
    try:
        for folder, name, file in (
            ("thumbnails", f"video_{video}", thumbnail),
            ("uploads", f"video_{video}", film),
        ):
            stored.append(storage.save(folder, name, file))
    except Exception:
        records.write("delete from videos where id = ?", video)
        for key in stored:
            storage.remove(key)
        raise
    records.write("update videos set thumbnail = ?, file = ? where id = ?", *stored, video)
    return flask.jsonify(_video(records.one("select * from videos where id = ?", video))), 201


@pages.get("/videos/<int:video>")
def show_video(video):
    return flask.jsonify(_video(records.one("select * from videos where id = ?", video)))


@pages.delete("/videos/<int:video>")
def remove_video(video):
    row = records.one("select * from videos where id = ?", video)
    for name in (row["file"], row["thumbnail"]):
        _storage().remove(name)
    records.write("delete from votes where video_id = ?", video)
    records.write("delete from videos where id = ?", video)
    return "", 204


@pages.post("/videos/<int:video>/vote")
def vote(video):
    user = (request.get_json(silent=True) or request.form).get("user_id")
    records.one("select id from videos where id = ?", video)
    records.write("insert or ignore into votes (user_id, video_id) values (?, ?)", user, video)
    return flask.jsonify(votes=_votes(video))


@pages.get("/admin/test-storage")
def test_storage():
    return flask.jsonify(works=_storage().trial())


def _votes(video):
    return records.one("select count(*) as n from votes where video_id = ?", video)["n"]


def _video(row):
    url = _storage().url
    return {
        "id": row["id"],
        "title": row["title"],
        "stored": {"file": row["file"], "thumbnail": row["thumbnail"]},
        "file": url(row["file"], "uploads"),
        "thumbnail": url(row["thumbnail"], "thumbnails"),
        "votes": _votes(row["id"]),
    }
