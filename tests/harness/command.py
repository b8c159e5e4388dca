"""Runs the binary's commands, as a program that reads their output, or as a person at a terminal."""

import json
import os
import pathlib
import pty
import re
import subprocess

from gateway import binary, clean_environment


class Result:
    """What a command came to."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self):
        """The output, decoded line by line."""
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self):
        return self.lines[-1]

    def expect(self, code=0):
        assert self.code == code, (self.code, self.out[-2000:], self.err[-2000:])
        return self

    def __repr__(self):
        return f"Result({self.code}, {self.out!r}, {self.err!r})"


class Commands:
    """The commands for one gateway, given by what comes behind each of them."""

    def __init__(self, directory, *always, **environment):
        self.directory = pathlib.Path(directory)
        self.always = always
        self.environment = environment

    def _popen(self, arguments, **settings):
        return subprocess.Popen(
            [binary(), *map(str, arguments), *map(str, self.always)],
            cwd=self.directory,
            env={**clean_environment(), "TERM": "xterm", "COLUMNS": "200", **self.environment},
            **settings,
        )

    def begin(self, *arguments):
        """Starts one, its output going to a pipe."""
        pipe = subprocess.PIPE
        return self._popen(arguments, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)

    def __call__(self, *arguments, seconds=100):
        process = self.begin(*arguments)
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return Result(process.returncode, out.decode(), err.decode())

    def terminal(self, *arguments):
        """Everything that a person at a terminal sees, without what moves the cursor."""
        leader, follower = pty.openpty()
        process = self._popen(arguments, stdin=follower, stdout=follower, stderr=follower)
        os.close(follower)
        seen = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        os.close(leader)
        text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode()).replace("\r\n", "\n")
        return Result(process.wait(60), text, "")
