"""People, videos and votes in SQLite."""

import contextlib
import sqlite3

import flask

SCHEMA = """
create table if not exists users (
    id integer primary key, name text not null, avatar text
);
create table if not exists videos (
    id integer primary key, user_id integer not null references users, title text not null,
    file text, thumbnail text
);
create table if not exists votes (
    user_id integer not null references users, video_id integer not null references videos,
    primary key (user_id, video_id)
);
"""


def prepare(path):
    """Makes the tables where they are not there."""
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(SCHEMA)


def connection():
    """The request's connection."""
    if "records" not in flask.g:
        flask.g.records = sqlite3.connect(flask.current_app.config["DATABASE"])
        flask.g.records.row_factory = sqlite3.Row
    return flask.g.records


def close(_error=None):
    if opened := flask.g.pop("records", None):
        opened.close()


def all(query, *values):
    return connection().execute(query, values).fetchall()


def one(query, *values):
    """The row, or 404."""
    row = connection().execute(query, values).fetchone()
    if row is None:
        flask.abort(404)
    return row


def write(query, *values):
    """Executes and commits; the id of a new row."""
    with connection() as opened:
        return opened.execute(query, values).lastrowid
