"""Waiting for something to become true, or a process to end, with a deadline."""

import datetime
import subprocess
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


def pass_moment(moment):
    """Waits until it is later than `moment` by the whole milliseconds, too, that the gateway counts in."""

    def is_over():
        since = datetime.datetime.now(datetime.timezone.utc) - moment
        return since >= datetime.timedelta(milliseconds=1)

    eventually(is_over, 10, f"a time after {moment}")


def end_process(process, seconds=20):
    """Asks a process to end, and kills it where it takes longer. Does nothing where there is none."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def finished_job(gateway, kind, id, seconds=60):
    """Waits until a job of the side API (`verify`, `compact`, `cleanup`) runs no longer."""

    def over():
        status, found = gateway.side("GET", f"/storage/{kind}/{id}")
        assert status == 200, found
        return found if found["state"] != "running" else None

    return eventually(over, seconds, f"the end of {kind}")


def job_done(gateway, kind, query=""):
    """Begins such a job and waits until it is done."""
    status, job = gateway.side("POST", f"/storage/{kind}{query}")
    assert status == 202, job
    found = finished_job(gateway, kind, job["id"])
    assert found["state"] == "done", found
    status, jobs = gateway.side("GET", f"/storage/{kind}")
    assert status == 200 and jobs["jobs"][0]["id"] == job["id"]
    return found
