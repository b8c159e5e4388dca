"""A small S3 client of few cycles: http.client, signatures by hand, bodies not hashed."""

import http.client
import xml.etree.ElementTree as ElementTree

import sigv4

NAMESPACE = "{http://s3.amazonaws.com/doc/2006-03-01/}"


class Refused(RuntimeError):
    """An answer that is not 2xx."""

    def __init__(self, status, body):
        super().__init__(f"{status}: {body[:500]!r}")
        self.status, self.body = status, body

    @property
    def code(self):
        """The S3 error code; None where there is no document, as for a HEAD."""
        return ElementTree.fromstring(self.body).findtext("Code") if self.body else None


class Client:
    """One connection; opened again after every failure."""

    def __init__(self, port, key, timeout=60):
        self._port, self._key, self._timeout = port, key, timeout
        self._connection = None

    def call(self, method, path, query=(), headers=(), body=b"", length=None):
        """Sends and returns the open response. `body` may be an iterable of known `length`."""
        request = sigv4.sign(
            self._key,
            method,
            path,
            f"127.0.0.1:{self._port}",
            query=list(query),
            headers=list(headers),
            payload=sigv4.UNSIGNED,
        )
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                "127.0.0.1", self._port, timeout=self._timeout
            )
        sent = dict(request.headers)
        if length is not None or body or method in ("PUT", "POST"):
            sent["content-length"] = str(len(body) if length is None else length)
        try:
            self._connection.request(method, request.target, body=body or None, headers=sent)
            return self._connection.getresponse()
        except (OSError, http.client.HTTPException):
            self.close()
            raise

    def ask(self, method, path, **settings):
        """Sends, reads the whole answer, and returns its headers and body; else `Refused`."""
        response = self.call(method, path, **settings)
        try:
            body = response.read()
        except (OSError, http.client.HTTPException):
            self.close()
            raise
        if not 200 <= response.status < 300:
            raise Refused(response.status, body)
        return response.headers, body

    def list(self, bucket, prefix="", page=1000):
        """Every entry of a bucket: key to (size, etag)."""
        found, token = {}, None
        while True:
            query = [("list-type", "2"), ("max-keys", str(page)), ("prefix", prefix)]
            if token:
                query.append(("continuation-token", token))
            root = ElementTree.fromstring(self.ask("GET", f"/{bucket}", query=query)[1])
            for entry in root.iter(NAMESPACE + "Contents"):
                size = int(entry.findtext(NAMESPACE + "Size"))
                found[entry.findtext(NAMESPACE + "Key")] = (size, entry.findtext(NAMESPACE + "ETag"))
            token = root.findtext(NAMESPACE + "NextContinuationToken")
            if root.findtext(NAMESPACE + "IsTruncated") != "true":
                return found

    def multipart(self, path, parts, before_complete=None):
        """Uploads in parts; every part is bytes or (iterable, length)."""
        root = ElementTree.fromstring(self.ask("POST", path, query=[("uploads", "")])[1])
        upload = root.findtext(NAMESPACE + "UploadId")
        listed = []
        for number, part in enumerate(parts, 1):
            body, length = part if isinstance(part, tuple) else (part, len(part))
            query = [("partNumber", str(number)), ("uploadId", upload)]
            answer, _ = self.ask("PUT", path, query=query, body=body, length=length)
            listed.append(
                f"<Part><PartNumber>{number}</PartNumber><ETag>{answer['etag']}</ETag></Part>"
            )
        if before_complete:
            before_complete()
        document = f"<CompleteMultipartUpload>{''.join(listed)}</CompleteMultipartUpload>"
        _, body = self.ask("POST", path, query=[("uploadId", upload)], body=document.encode())
        if ElementTree.fromstring(body).tag == "Error":
            raise Refused(200, body)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
