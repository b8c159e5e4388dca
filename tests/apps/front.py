"""nginx with TLS in front: of an application with its media, of the S3 service, and as a CDN does."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

import certificate
from upstreams import free_port
from waiting import eventually

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {home}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 256; }}
http {{
    access_log {home}/access.log;
    client_body_temp_path {home}/body;
    proxy_temp_path {home}/proxy;
    fastcgi_temp_path {home}/fastcgi;
    uwsgi_temp_path {home}/uwsgi;
    scgi_temp_path {home}/scgi;
    proxy_cache_path {home}/cache keys_zone=media:1m max_size=64m;
    ssl_certificate {cert};
    ssl_certificate_key {key};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $http_host;
    upstream storage {{ server 127.0.0.1:{storage}; keepalive 8; }}
    upstream application {{ server 127.0.0.1:{application}; }}

    # The site: the application, and its media as they are in the bucket.
    server {{
        listen 127.0.0.1:{site} ssl;
        server_name localhost;
        client_max_body_size 30m;
        location / {{ proxy_pass http://application; }}
        location /media/ {{
            limit_except GET {{ deny all; }}
            proxy_pass http://storage;
        }}
    }}

    # The S3 service, whose requests are signed for the host and the path that clients name.
    server {{
        listen 127.0.0.1:{s3} ssl;
        server_name localhost;
        client_max_body_size 0;
        proxy_request_buffering off;
        proxy_buffering off;
        location / {{ proxy_pass http://storage; }}
    }}

    # A CDN, with the bucket as its origin.
    server {{
        listen 127.0.0.1:{cdn} ssl;
        server_name localhost;
        location /media/ {{
            proxy_pass http://storage;
            proxy_cache media;
            proxy_cache_revalidate on;
            add_header X-Cache $upstream_cache_status always;
        }}
    }}
}}
"""


def binary():
    """nginx, where it can be had; otherwise the test is skipped."""
    path = os.environ.get("STOWGATE_NGINX", "/usr/sbin/nginx")
    if not os.access(path, os.X_OK):
        assert os.environ.get("CI") != "true", "nginx has to be there"
        pytest.skip("nginx is not here")
    return path


class Front:
    """One running nginx, which trusts nobody and is trusted by `trust`."""

    def __init__(self, directory):
        self._binary = binary()
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._certificate = certificate.issue(self.directory)
        self.trust = self._certificate.cert
        self.ports = {name: free_port() for name in ("site", "s3", "cdn", "application")}
        self.process = None

    def url(self, name):
        """How the site, the S3 service or the CDN begins its URLs."""
        return f"https://localhost:{self.ports[name]}"

    def start(self, storage):
        """Starts it in front of a storage service's port, and of the port that it keeps for an
        application."""
        configuration = self.directory / "nginx.conf"
        text = CONFIGURATION.format(
            home=self.directory,
            cert=self._certificate.cert,
            key=self._certificate.key,
            storage=storage,
            **self.ports,
        )
        # Where it is root, nginx works as another user, which cannot enter the test's directories.
        configuration.write_text(("user root;\n" if os.geteuid() == 0 else "") + text)
        with open(self.directory / "nginx.log", "ab") as log:
            self.process = subprocess.Popen(
                [self._binary, "-c", configuration, "-p", self.directory, "-e", "stderr"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        eventually(self._answers, 20, lambda: (self.directory / "nginx.log").read_text())
        return self

    def _answers(self):
        assert self.process.poll() is None, (self.directory / "nginx.log").read_text()
        try:
            with socket.create_connection(("127.0.0.1", self.ports["cdn"]), timeout=5):
                return True
        except OSError:
            return False

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(20)
