"""Waiting for something to become true, with a deadline."""

import time


def eventually(condition, seconds=30, what="it"):
    """Polls until `condition` returns something true, and returns that. `what` names it, or is
    called to name it as it then is."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= end:
            name = what() if callable(what) else what
            raise AssertionError(f"{name} did not come true within {seconds} s")
        time.sleep(0.05)
