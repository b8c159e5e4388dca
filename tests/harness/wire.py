"""HTTP/1.1 over a plain socket: sends exactly the bytes that a test wants on the wire."""

import contextlib
import dataclasses
import socket
import xml.etree.ElementTree as ElementTree


class Closed(ConnectionError):
    """The peer closed the connection before a whole answer had come."""


@dataclasses.dataclass
class Response:
    """An answer."""

    status: int
    reason: str
    headers: list
    body: bytes

    def get(self, name, default=None):
        for key, value in self.headers:
            if key.lower() == name.lower():
                return value
        return default

    @property
    def closes(self):
        return (self.get("connection") or "").lower() == "close"

    @property
    def error(self):
        """The error document's root, checked to be one."""
        root = ElementTree.fromstring(self.body)
        assert root.tag == "Error", self.body
        return root

    @property
    def code(self):
        """The S3 error code, or None for an answer without a body."""
        return self.error.findtext("Code") if self.body else None


class Connection:
    """One connection to the gateway."""

    def __init__(self, port, tls=None, timeout=30, host="127.0.0.1"):
        self.socket = socket.create_connection((host, port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def send(self, data):
        self.socket.sendall(data)

    def send_quietly(self, data):
        """Sends, taking it as said if the peer closes meanwhile: its answer is what counts."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def half_close(self):
        self.socket.shutdown(socket.SHUT_WR)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send_head(self, method, target, headers):
        lines = [f"{method} {target} HTTP/1.1"]
        text = "\r\n".join(lines + [f"{k}: {v}" for k, v in headers]) + "\r\n\r\n"
        self.send(text.encode("utf-8", "surrogateescape"))

    def request(self, request, body=b"", length=True):
        """Sends a signed request and reads the answer."""
        headers = list(request.headers)
        names = {k.lower() for k, _ in headers}
        if length and "content-length" not in names and "transfer-encoding" not in names:
            if body or request.method in ("PUT", "POST"):
                headers.append(("content-length", str(len(body))))
        self.send_head(request.method, request.target, headers)
        if body:
            self.send_quietly(body)
        return self.read(request.method)

    def read(self, method="GET"):
        """Reads one final answer; interim ones are passed over."""
        while True:
            response = self.read_any(method)
            if response.status != 100:
                return response

    def read_any(self, method="GET"):
        head = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        _, status, *reason = head[0].split(" ", 2)
        headers = [tuple(s.strip() for s in line.split(":", 1)) for line in head[1:] if line]
        response = Response(int(status), reason[0] if reason else "", headers, b"")
        response.body = self._body(method, response)
        return response

    def _body(self, method, response):
        if method == "HEAD" or response.status in (204, 304) or response.status < 200:
            return b""
        if (response.get("transfer-encoding") or "").lower() == "chunked":
            return self._chunks()
        if response.get("content-length") is not None:
            return self._exactly(int(response.get("content-length")))
        return self._rest()

    def _chunks(self):
        parts = []
        while True:
            size = int(self._until(b"\r\n").split(b";")[0], 16)
            if size == 0:
                while self._until(b"\r\n").strip():
                    pass
                return b"".join(parts)
            parts.append(self._exactly(size))
            self._exactly(2)

    def _more(self):
        data = self.socket.recv(65536)
        if not data:
            raise Closed(f"closed after {self.buffer[:200]!r}")
        self.buffer += data

    def _until(self, mark):
        while mark not in self.buffer:
            self._more()
        found, _, self.buffer = self.buffer.partition(mark)
        return found + mark

    def _exactly(self, size):
        while len(self.buffer) < size:
            self._more()
        found, self.buffer = self.buffer[:size], self.buffer[size:]
        return found

    def _rest(self):
        with contextlib.suppress(Closed):
            while True:
                self._more()
        found, self.buffer = self.buffer, b""
        return found

    def closed_by_peer(self, seconds=10):
        """Whether the peer closes within the time, saying nothing more."""
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True
        except TimeoutError:
            return False
