"""Attachments in SQLite."""

import contextlib
import datetime
import sqlite3

SCHEMA = """
create table if not exists attachments (
    id integer primary key,
    company_id integer not null,
    type text not null,
    file_name text not null,
    content_type text not null,
    size integer,
    etag text,
    s3_bucket text not null,
    s3_key text not null unique,
    created_by text not null,
    created_at text not null,
    updated_at text not null
);
create index if not exists attachments_by_company on attachments (company_id, type, updated_at);
"""
SHOWN = ("id", "type", "file_name", "content_type", "size", "s3_key", "created_by", "created_at", "updated_at")


class Records:
    """The table. Whatever is asked of it is asked of one company's rows."""

    def __init__(self, path):
        self._path = path
        with self._connection() as opened:
            opened.executescript(SCHEMA)

    @contextlib.contextmanager
    def _connection(self):
        with contextlib.closing(sqlite3.connect(self._path)) as opened, opened:
            opened.row_factory = sqlite3.Row
            yield opened

    def add(self, **values):
        now = _now()
        values.update(created_at=now, updated_at=now)
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        with self._connection() as opened:
            query = f"insert into attachments ({names}) values ({marks})"
            return opened.execute(query, tuple(values.values())).lastrowid

    def get(self, company, id):
        with self._connection() as opened:
            query = "select * from attachments where company_id = ? and id = ?"
            return opened.execute(query, (company, id)).fetchone()

    def list(self, company, type=None):
        query, values = "select * from attachments where company_id = ?", [company]
        if type:
            query, values = f"{query} and type = ?", [*values, type]
        with self._connection() as opened:
            return opened.execute(f"{query} and size is not null order by id", values).fetchall()

    def change(self, company, id, **values):
        values["updated_at"] = _now()
        changes = ", ".join(f"{name} = ?" for name in values)
        with self._connection() as opened:
            query = f"update attachments set {changes} where company_id = ? and id = ?"
            opened.execute(query, (*values.values(), company, id))

    def remove(self, company, id):
        with self._connection() as opened:
            opened.execute("delete from attachments where company_id = ? and id = ?", (company, id))


def shown(row):
    """What clients see of a row."""
    return {name: row[name] for name in SHOWN}


def _now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()
