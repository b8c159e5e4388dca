"""Waiting for something to become true, with a deadline."""

import time


def eventually(condition, seconds=30, what="it"):
    """Polls until `condition` returns something true, and returns that."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"{what} did not come true within {seconds} s"
        time.sleep(0.05)
