"""A real Prometheus server reads the metrics."""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import urllib.parse

import pytest

from gateway import TOKEN, clean_environment
from upstreams import free_port
from waiting import end_process, eventually

CONFIGURATION = """\
global:
  scrape_interval: 250ms
  scrape_timeout: 250ms
scrape_configs:
  - job_name: stowgate
    metrics_path: /storage/metrics
    authorization:
      credentials_file: {token}
    static_configs:
      - targets: ["{target}"]
  - job_name: stranger
    metrics_path: /storage/metrics
    static_configs:
      - targets: ["{target}"]
"""


def program():
    """The server: tests/run.sh says where it is, which also sees to it that there is one."""
    found = os.environ.get("STOWGATE_PROMETHEUS") or shutil.which("prometheus")
    if not found:
        pytest.skip("no Prometheus server: STOWGATE_PROMETHEUS does not say where one is")
    return found


class Prometheus:
    """A running server that scrapes one gateway, with and without a token."""

    def __init__(self, directory, gateway):
        directory.mkdir()
        self.log = directory / "prometheus.log"
        token = directory / "token"
        token.write_text(TOKEN)
        configuration = directory / "prometheus.yml"
        target = f"127.0.0.1:{gateway.port}"
        configuration.write_text(CONFIGURATION.format(token=token, target=target))
        self.port = free_port()
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [
                    program(),
                    f"--config.file={configuration}",
                    f"--storage.tsdb.path={directory / 'data'}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    "--storage.tsdb.retention.time=1h",
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=clean_environment(),
                cwd=directory,
            )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        end_process(self.process)

    def _get(self, path):
        assert self.process.poll() is None, self.log.read_text()[-4000:]
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with contextlib.closing(connection):
            try:
                connection.request("GET", path)
                answer = connection.getresponse()
                return json.loads(answer.read()) if answer.status == 200 else None
            except OSError:
                return None

    def values(self, query):
        """What a query comes to: the values by their labels."""
        answer = self._get(f"/api/v1/query?query={urllib.parse.quote(query)}")
        if answer is None:
            return []
        assert answer["status"] == "success", answer
        return [(one["metric"], float(one["value"][1])) for one in answer["data"]["result"]]

    def targets(self):
        answer = self._get("/api/v1/targets")
        return answer["data"]["activeTargets"] if answer else []

    def metadata(self):
        answer = self._get("/api/v1/metadata")
        return answer["data"] if answer else {}


def test_a_server_scrapes_with_the_token_and_not_without(behind, tmp_path):
    site = behind("fallback")
    site.put("a", b"x" * 1000)
    assert site.get("a") == b"x" * 1000
    with Prometheus(tmp_path / "prometheus", site.gateway) as prometheus:
        one = lambda query: [value for _, value in prometheus.values(query)]
        up = 'up{job="stowgate"}'
        eventually(lambda: one(up) == [1], 60, lambda: f"{up}: {prometheus.targets()}")
        eventually(lambda: one('up{job="stranger"}') == [0], 30, "a target without a token")
        (stranger,) = [it for it in prometheus.targets() if it["labels"]["job"] == "stranger"]
        assert "401" in stranger["lastError"], stranger
        assert one('stowgate_requests_total{operation="PutObject",status="200"}') == [1]
        assert one('stowgate_requests_total{operation="GetObject",status="200"}') == [1]
        assert one(f'stowgate_objects{{bucket="{site.bucket}",storage_backend="s3"}}') == [1]
        assert one('stowgate_upstream_breaker_state{state="closed"}') == [1]
        assert one("stowgate_build_info") == [1]
        quantile = 'histogram_quantile(0.5, sum by (le) (stowgate_request_duration_seconds_bucket))'
        (median,) = one(quantile)
        assert 0 < median < 60
        # What is counted further is seen by the next scrape.
        site.put("b", b"x")
        puts = 'stowgate_requests_total{operation="PutObject",status="200"}'
        eventually(lambda: one(puts) == [2], 30, "another PUT")
        described = eventually(prometheus.metadata, 30, "the metrics' descriptions")
        ours = {name: it[0] for name, it in described.items() if name.startswith("stowgate_")}
        assert len(ours) > 20, sorted(ours)
        assert all(it["help"] and it["type"] in ("counter", "gauge", "histogram") for it in ours.values())
    assert TOKEN not in site.gateway.log.read_text("utf-8", "replace")
