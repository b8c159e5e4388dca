"""A stand-in for ClamAV's daemon: speaks INSTREAM, and finds EICAR's test string, in ZIP files too."""

import contextlib
import io
import pathlib
import socketserver
import struct
import threading
import zipfile

# Written so that no scanner takes this file for what it looks for.
EICAR = ("X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*").encode()


class Clamd:
    """A daemon on a free port, or on a socket. `limit` is its StreamMaxLength; while `silent`, it
    takes everything and never says what it found."""

    def __init__(self, path=None, limit=32 << 20):
        self.limit = limit
        self.silent = False
        self.seen = []
        self.begun = 0
        daemon = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                daemon.begun += 1
                with contextlib.suppress(ConnectionError):
                    daemon.answer(self.rfile, self.wfile)

        base = socketserver.ThreadingUnixStreamServer if path else socketserver.ThreadingTCPServer
        self._server = base(str(path) if path else ("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._stopped = threading.Event()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"unix:{pathlib.Path(path)}" if path else f"127.0.0.1:{self._server.server_address[1]}"

    def answer(self, rfile, wfile):
        if rfile.read(10) != b"zINSTREAM\0":
            wfile.write(b"UNKNOWN COMMAND\0")
            return
        content = b""
        while True:
            head = rfile.read(4)
            if len(head) < 4:
                return
            (length,) = struct.unpack(">I", head)
            if length == 0:
                break
            content += rfile.read(length)
            if len(content) > self.limit:
                wfile.write(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.seen.append(content)
        if self.silent:
            self._stopped.wait(60)
            return
        wfile.write(b"stream: Eicar-Test-Signature FOUND\0" if infected(content) else b"stream: OK\0")

    def stop(self):
        self._stopped.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


def infected(content):
    if EICAR in content:
        return True
    if not content.startswith(b"PK"):
        return False
    with contextlib.suppress(zipfile.BadZipFile):
        archive = zipfile.ZipFile(io.BytesIO(content))
        return any(EICAR in archive.read(name) for name in archive.namelist())
    return False


def zipped(name, content):
    """A ZIP archive of one file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return out.getvalue()
