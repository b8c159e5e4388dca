"""Chromium without a window, driven by the DevTools protocol over a pipe."""

import base64
import hashlib
import itertools
import json
import os
import pathlib
import shutil
import subprocess
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from waiting import end_process, eventually


def binary():
    """Chromium, where it can be had; otherwise the test is skipped."""
    path = os.environ.get("STOWGATE_CHROMIUM") or shutil.which("chromium")
    if not path or not os.access(path, os.X_OK):
        assert os.environ.get("CI") != "true", "chromium has to be there"
        pytest.skip("chromium is not here")
    return path


def fingerprint(certificate):
    """How Chromium is told to trust the key of a certificate."""
    first = x509.load_pem_x509_certificate(pathlib.Path(certificate).read_bytes())
    spki = first.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(spki).digest()).decode()


class Browser:
    """One running Chromium with a profile of its own, and its pages."""

    def __init__(self, directory, *certificates):
        trusted = ",".join(map(fingerprint, certificates))
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        self.log = pathlib.Path(directory) / "chromium.log"
        # Chromium reads from the descriptor 3 and writes to 4.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [
                    "bash", "-c", script, "bash", binary(),
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
                    "--disable-dev-shm-usage", "--disable-background-networking",
                    "--disable-component-update", "--remote-debugging-pipe",
                    f"--user-data-dir={directory}/profile",
                    f"--ignore-certificate-errors-spki-list={trusted}",
                    "about:blank",
                ],
                pass_fds=(to_browser, from_browser),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )  # fmt: skip
        os.close(to_browser)
        os.close(from_browser)
        self._ids = itertools.count(1)
        self._answers, self._arrived = {}, threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        buffer = b""
        while piece := os.read(self._in, 1 << 16):
            *messages, buffer = (buffer + piece).split(b"\0")
            with self._arrived:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self._answers[message["id"]] = message
                self._arrived.notify_all()

    def call(self, method, session=None, seconds=60, **parameters):
        """Calls a method of the protocol, and returns its result."""
        id = next(self._ids)
        message = {"id": id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        with self._arrived:
            came = self._arrived.wait_for(lambda: id in self._answers, seconds)
            assert came, f"{method}: no answer; its log:\n{self.log.read_text()[-3000:]}"
            answer = self._answers.pop(id)
        assert "error" not in answer, (method, answer)
        return answer["result"]

    def page(self, url):
        """Opens a page."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session).go(url)

    def frames(self):
        """The URLs of the frames that have a process of their own, as the viewer of PDFs has."""
        targets = self.call("Target.getTargets")["targetInfos"]
        return [one["url"] for one in targets if one["type"] == "iframe"]

    def close(self):
        end_process(self.process)
        os.close(self._out)


class Page:
    """One page."""

    def __init__(self, browser, session):
        self._browser, self._session = browser, session
        self.call("Page.enable")

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def go(self, url):
        """Opens a URL, and waits until it is loaded."""
        answer = self.call("Page.navigate", url=url)
        assert "errorText" not in answer, answer
        self.wait("location.href !== 'about:blank' && document.readyState === 'complete'")
        return self

    def run(self, script):
        """The value of an expression, awaited where it is a promise."""
        answer = self.call(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, script, seconds=30):
        """Waits until an expression is true, and returns it."""
        return eventually(lambda: self.run(script), seconds, lambda: f"{script} in {self.text()}")

    def text(self):
        return self.run("document.body && document.body.innerText")

    def choose(self, selector, path):
        """Chooses a file in a form, as a person does."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        assert node, f"no {selector} in {self.text()}"
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(path)])

    def type(self, selector, text):
        """Writes into a field."""
        self.run(f"document.querySelector('{selector}').value = {json.dumps(text)}")

    def click(self, selector):
        self.run(f"document.querySelector('{selector}').click()")
