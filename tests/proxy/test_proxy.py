"""The fault proxy does what it is told."""

import contextlib
import http.client
import http.server
import socket
import threading
import time

import pytest

from fault_proxy import Proxy
from waiting import eventually

MIB = 1 << 20


class Echo(http.server.BaseHTTPRequestHandler):
    """Answers with the length of what came, and remembers it."""

    protocol_version = "HTTP/1.1"
    seen = []

    def do_PUT(self):
        if self.headers.get("expect") == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        body = b"".join(self._body())
        self.seen.append((self.path, body))
        answer = b"%d" % len(body)
        self.send_response(200)
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _body(self):
        if self.headers.get("transfer-encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        elif length := int(self.headers.get("content-length", 0)):
            yield self.rfile.read(length)

    do_GET = do_POST = do_DELETE = do_PUT

    def handle_expect_100(self):
        return True

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        pass


@pytest.fixture
def proxy():
    Echo.seen = []
    with Server(("127.0.0.1", 0), Echo) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with Proxy(server.server_port) as one:
            yield one
        server.shutdown()


def ask(port, method="PUT", path="/b/k", body=b"hello", timeout=10, **headers):
    """One request on a connection of its own: the status and the body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=headers)
        response = connection.getresponse()
        return response.status, response.read()


def test_passing_and_counting(proxy):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    with contextlib.closing(connection):
        for n in range(3):
            connection.request("PUT", f"/b/k{n}?x=1", body=b"hello", headers={"x-amz-meta-version": str(n)})
            assert connection.getresponse().read() == b"5"
        connection.request("PUT", "/b/chunked", body=iter([b"hel", b"lo!"]))
        assert connection.getresponse().read() == b"6"
    assert proxy.counts() == {"connections": 1, "requests": 4}
    first, *_, last = proxy.requests()
    assert (first.method, first.path, first.query, first.header) == ("PUT", "/b/k0", "x=1", "0")
    assert first.whole and first.status == 200
    assert last.header == "-" and last.whole
    proxy.forget()
    assert proxy.requests() == []


def test_interim_answers_are_passed_over(proxy):
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as plain:
        plain.sendall(b"PUT /k HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert b" 100 " in plain.recv(1000)
        plain.sendall(b"ok")
        assert b" 200 " in plain.recv(1000)
    eventually(lambda: proxy.requests()[0].status == 200)


def test_refusing_and_coming_back_on_the_same_port(proxy):
    for _ in range(3):
        kept = socket.create_connection(("127.0.0.1", proxy.port), timeout=10)
        proxy.fault("refuse")
        with pytest.raises(ConnectionRefusedError):
            ask(proxy.port)
        with pytest.raises(ConnectionResetError):
            kept.recv(1)
        kept.close()
        proxy.heal()
        assert ask(proxy.port) == (200, b"5")


def test_resetting(proxy):
    proxy.fault("reset")
    with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected, BrokenPipeError)):
        ask(proxy.port)
    assert Echo.seen == []


def test_a_black_hole_is_silent_and_then_forgets(proxy):
    proxy.fault("blackhole")
    with pytest.raises(TimeoutError):
        ask(proxy.port, timeout=0.5)
    with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as plain:
        plain.sendall(b"PUT /k HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\nok")
        eventually(lambda: proxy.counts()["connections"] == 2)
        proxy.heal()
        with pytest.raises(ConnectionResetError):
            assert plain.recv(1000) != b"", "closed quietly"
    assert Echo.seen == []
    assert ask(proxy.port) == (200, b"5")


def test_delaying_and_throttling(proxy):
    proxy.fault("delay 300")
    began = time.monotonic()
    assert ask(proxy.port) == (200, b"5")
    assert time.monotonic() - began >= 0.3
    proxy.fault("throttle 1000000")
    began = time.monotonic()
    assert ask(proxy.port, body=b"x" * 500_000) == (200, b"500000")
    assert 0.4 <= time.monotonic() - began < 5


def test_cutting_up_and_down(proxy):
    cut = (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)
    proxy.fault("cut up 100000")
    with pytest.raises(cut):
        ask(proxy.port, body=b"x" * MIB)
    assert ask(proxy.port, body=b"small") == (200, b"5")
    assert b"small" in [body for _, body in Echo.seen]
    assert not proxy.requests()[0].whole
    proxy.fault("cut down 0")
    with pytest.raises(cut):
        ask(proxy.port)
    assert b"hello" in [body for _, body in Echo.seen], "the target did it, and its answer was lost"
    assert proxy.requests()[-1].whole


@pytest.mark.parametrize("reads_on", [True, False])
def test_an_early_answer_lets_the_client_finish(reads_on):
    came, body = [], b"x" * MIB

    def answer_early(listener):
        with listener.accept()[0] as target:
            came.append(target.recv(MIB))
            target.sendall(b"HTTP/1.1 400 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            if reads_on:
                target.shutdown(socket.SHUT_WR)
                while piece := target.recv(MIB):
                    came.append(piece)

    with socket.create_server(("127.0.0.1", 0)) as listener, Proxy(listener.getsockname()[1]) as proxy:
        listener.settimeout(10)
        target = threading.Thread(target=answer_early, args=(listener,), daemon=True)
        target.start()
        head = b"PUT /b/k HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body)
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=10) as client:
            client.sendall(head)
            with client.makefile("rb") as answer:
                assert answer.read().startswith(b"HTTP/1.1 400 ")
            client.sendall(body)
            client.shutdown(socket.SHUT_WR)
            target.join(10)
    assert b"".join(came) == (head + body if reads_on else head)


def test_answering_for_the_target(proxy):
    proxy.fault("answer 503 SlowDown")
    status, body = ask(proxy.port, body=b"x" * MIB)
    assert status == 503 and b"<Code>SlowDown</Code>" in body
    assert Echo.seen == []


def test_limits(proxy):
    proxy.fault("answer 403 AccessDenied", method="DELETE", path="/b/")
    assert ask(proxy.port, "PUT")[0] == 200
    assert ask(proxy.port, "DELETE", "/c/k")[0] == 200
    assert ask(proxy.port, "DELETE", "/b/k")[0] == 403
    proxy.fault("cut down 0", times=2)
    for _ in range(2):
        with pytest.raises((ConnectionResetError, http.client.RemoteDisconnected)):
            ask(proxy.port)
    assert ask(proxy.port) == (200, b"5")
    proxy.fault("blackhole", method="DELETE")
    with pytest.raises(TimeoutError):
        ask(proxy.port, "DELETE", timeout=0.5)
    assert ask(proxy.port) == (200, b"5")


def test_nonsense_is_named(proxy):
    for command in ("explode", "delay soon", "refuse times=1", "pass now=1"):
        with pytest.raises(RuntimeError, match="error"):
            proxy.tell(command)
    assert ask(proxy.port) == (200, b"5")
