"""An S3 service that believes every key and does less than S3, in ways that can be chosen."""

import contextlib
import hashlib
import http.server
import threading
import urllib.parse

LISTING = '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{}</ListBucketResult>'
ENTRY = "<Contents><Key>{}</Key><Size>{}</Size></Contents>"
UPLOAD = "<InitiateMultipartUploadResult><UploadId>{}</UploadId></InitiateMultipartUploadResult>"
TAGS = "<Tagging><TagSet>{}</TagSet></Tagging>"
ERROR = "<Error><Code>{}</Code><Message>{}</Message></Error>"


class Crude:
    """Keeps objects in memory, whatever the bucket. With `conditions` it decides If-Match and
    If-None-Match on writes; `tags` are "kept", "refused" or "ignored"; `framing` of bodies is
    "read", "refused" or "kept" as a part of the body."""

    def __init__(self, conditions=True, tags="kept", framing="read"):
        self.conditions, self.tags, self.framing = conditions, tags, framing
        self.objects, self.tagged, self.uploads = {}, {}, set()
        crude = self

        class Handler(_Handler):
            service = crude

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    service = None

    def log_message(self, *_):
        pass

    @property
    def key(self):
        return urllib.parse.unquote(self.path.partition("?")[0]).strip("/").partition("/")[2]

    @property
    def asks(self):
        query = self.path.partition("?")[2]
        return dict(urllib.parse.parse_qsl(query, keep_blank_values=True))

    def answer(self, status, document="", **headers):
        body = document if isinstance(document, bytes) else document.encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD" and status != 204:
            self.wfile.write(body)

    def error(self, status, code):
        self.answer(status, ERROR.format(code, "not here"))

    def body(self):
        if "chunked" in self.headers.get("transfer-encoding", ""):
            raw = b"".join(_chunks(self.rfile))
        else:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        framed = "aws-chunked" in self.headers.get("content-encoding", "")
        if not framed or self.service.framing == "kept":
            return raw
        if self.service.framing == "refused":
            return None
        with contextlib.closing(_Pieces(raw)) as pieces:
            return b"".join(_chunks(pieces))

    def do_HEAD(self):
        if self.key and self.key not in self.service.objects:
            return self.answer(404)
        return self.answer(200)

    def do_GET(self):
        service, asks = self.service, self.asks
        if not self.key:
            if "uploads" in asks:
                return self.answer(200, "<ListMultipartUploadsResult></ListMultipartUploadsResult>")
            named = {k: v for k, v in service.objects.items() if k.startswith(asks.get("prefix", ""))}
            entries = "".join(ENTRY.format(k, len(v)) for k, v in sorted(named.items()))
            return self.answer(200, LISTING.format(entries))
        if "tagging" in asks:
            if service.tags == "refused":
                return self.error(501, "NotImplemented")
            return self.answer(200, TAGS.format(service.tagged.get(self.key, "")))
        if self.key not in service.objects:
            return self.error(404, "NoSuchKey")
        return self.answer(200, service.objects[self.key], etag=_etag(service.objects[self.key]))

    def do_PUT(self):
        service, asks, body = self.service, self.asks, self.body()
        if body is None:
            return self.error(501, "NotImplemented")
        if "tagging" in asks:
            if service.tags == "refused":
                return self.error(501, "NotImplemented")
            if service.tags == "kept":
                text = body.decode()
                service.tagged[self.key] = text[text.index("<Tag>"):text.index("</TagSet>")]
            return self.answer(200)
        if "partNumber" in asks:
            return self.answer(200, etag=_etag(body))
        if service.conditions and self.forbidden():
            return self.error(412, "PreconditionFailed")
        service.objects[self.key] = body
        return self.answer(200, etag=_etag(body))

    def forbidden(self):
        there = self.service.objects.get(self.key)
        if "if-none-match" in self.headers:
            return there is not None
        match = self.headers.get("if-match")
        return match is not None and (there is None or _etag(there) != match)

    def do_POST(self):
        self.body()
        upload = f"upload-{len(self.service.uploads)}"
        self.service.uploads.add(upload)
        return self.answer(200, UPLOAD.format(upload))

    def do_DELETE(self):
        if "uploadId" in self.asks:
            self.service.uploads.discard(self.asks["uploadId"])
        else:
            self.service.objects.pop(self.key, None)
        return self.answer(204)


class _Pieces:
    """A body as a file."""

    def __init__(self, raw):
        self._raw, self._at = raw, 0

    def readline(self):
        end = self._raw.index(b"\n", self._at) + 1
        line, self._at = self._raw[self._at:end], end
        return line

    def read(self, size):
        piece, self._at = self._raw[self._at:self._at + size], self._at + size
        return piece

    def close(self):
        self._raw = b""


def _chunks(file):
    """The chunks of a body, in HTTP's framing and S3's, without the trailer behind them."""
    while size := int(file.readline().split(b";")[0].strip(), 16):
        yield file.read(size)
        file.readline()
    if not isinstance(file, _Pieces):
        while file.readline().strip():
            pass


def _etag(body):
    return f'"{hashlib.md5(body).hexdigest()}"'
