"""Orders migrations of a gateway, and waits for them."""

import contextlib
import http.client
import json
import time
import urllib.parse

from gateway import TOKEN
from waiting import eventually

OVER = ("done", "failed", "cancelled", "rolled_back")


class Migrations:
    """The calls of one gateway's migrations."""

    def __init__(self, gateway):
        self.gateway = gateway

    def call(self, method, path, body=None, **parameters):
        """Status, headers and bytes of an answer."""
        query = urllib.parse.urlencode(parameters, doseq=True)
        path = f"/storage/{path}" + (f"?{query}" if query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=120)
        with contextlib.closing(connection):
            headers = {"authorization": f"Bearer {TOKEN}"}
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def json(self, method, path, expected, body=None, **parameters):
        """An answer with this status, decoded."""
        status, _, answer = self.call(method, path, body, **parameters)
        assert status == expected, (status, answer)
        return json.loads(answer)

    def plan(self, to, **parameters):
        return self.json("POST", f"migrate-to-{to}", 200, dry_run="true", **parameters)

    def start(self, to, body=None, **parameters):
        """The id of a migration that runs."""
        status, headers, answer = self.call("POST", f"migrate-to-{to}", body, **parameters)
        assert status == 202, (status, answer)
        answer = json.loads(answer)
        assert headers["location"] == f"/storage/migrations/{answer['id']}"
        return answer["id"]

    def refused(self, status, method, path, body=None, **parameters):
        """The error of a call that is refused with this status."""
        error = self.json(method, path, status, body, **parameters)["error"]
        assert set(error) == {"code", "message"}, error
        return error

    def get(self, id):
        return self.json("GET", f"migrations/{id}", 200)

    def ask(self, id, what, **parameters):
        status, _, answer = self.call("POST", f"migrations/{id}/{what}", **parameters)
        assert status in (200, 202), (status, answer)
        return json.loads(answer)

    def over(self, id, state="done", seconds=120):
        """Waits until it is over, in this state."""

        def ended():
            view = self.get(id)
            return view if view["state"] in OVER and view["state"] == state else None

        return eventually(ended, seconds, lambda: f"{state}: {self.get(id)}")

    def report(self, id, **parameters):
        """The lines of a report."""
        status, headers, answer = self.call("GET", f"migrations/{id}/report", **parameters)
        assert status == 200, answer
        assert headers["content-type"] == "application/x-ndjson"
        return [json.loads(line) for line in answer.decode().splitlines()]

    def moved(self, id):
        return self.get(id)["progress"]["moved"]

    def seen(self, view):
        """How many objects have been seen to: on the way there or, once asked for, on the way back."""
        counts = view.get("rollback") or view["progress"]
        return sum(counts.get(what, 0) for what in ("moved", "skipped", "conflicts", "failed"))

    def wait_seen(self, id, count, seconds):
        """Waits until so many objects have been seen to, or it is over."""
        eventually(
            lambda: (view := self.get(id))["state"] in OVER or self.seen(view) >= count,
            seconds,
            lambda: f"{count} objects: {self.get(id)}",
        )

    def wait_moved(self, id, count, seconds=60):
        """Waits until so many objects have been moved, or it is over."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            view = self.get(id)
            if view["progress"]["moved"] >= count or view["state"] in OVER:
                return
            time.sleep(0.02)
        raise AssertionError(f"no {count} objects were moved: {self.get(id)}")
