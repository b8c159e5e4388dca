"""A small HTTP client, with forms as different clients send them."""

import contextlib
import dataclasses
import http.client
import json
import ssl
import urllib.parse


@dataclasses.dataclass(frozen=True)
class File:
    """A file of a form."""

    name: str
    content: bytes
    content_type: str = "application/octet-stream"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back; names of headers as they are looked up by `http.client`."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    def expect(self, status):
        assert self.status == status, (self.status, self.body[:2000])
        return self


def multipart(fields, boundary="------------------------4f0b9f6d3e1a7c25"):
    """The content type and the body of a form: pairs of a name and a text or a `File`."""
    body = bytearray()
    for name, value in fields:
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if isinstance(value, File):
            body += f'; filename="{value.name}"\r\nContent-Type: {value.content_type}'.encode()
            value = value.content
        body += b"\r\n\r\n" + (value if isinstance(value, bytes) else str(value).encode()) + b"\r\n"
    body += f"--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", bytes(body)


class Web:
    """A client of one server, given as the start of its URLs. `trust` is a file of authorities."""

    def __init__(self, base="", trust=None, **headers):
        self.base, self.trust, self.headers = base, trust, headers

    def with_headers(self, **headers):
        return Web(self.base, self.trust, **self.headers, **headers)

    def __call__(self, method, url, *, form=None, data=None, body=None, **headers):
        """Sends: a form's fields, or `data` as JSON, or a plain body. Redirects are not followed."""
        parts = urllib.parse.urlsplit(urllib.parse.urljoin(self.base, url))
        sent = {name.replace("_", "-"): value for name, value in {**self.headers, **headers}.items()}
        if form is not None:
            fields = form.items() if isinstance(form, dict) else form
            sent["content-type"], body = multipart(fields)
        elif data is not None:
            sent["content-type"], body = "application/json", json.dumps(data).encode()
        connection = self._connect(parts)
        with contextlib.closing(connection):
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            connection.request(method, target or "/", body, sent)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())

    def _connect(self, parts):
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=self.trust)
            return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=60, context=context)
        return http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)

    def get(self, url, **settings):
        return self("GET", url, **settings)

    def post(self, url, **settings):
        return self("POST", url, **settings)

    def put(self, url, **settings):
        return self("PUT", url, **settings)

    def patch(self, url, **settings):
        return self("PATCH", url, **settings)

    def delete(self, url, **settings):
        return self("DELETE", url, **settings)
