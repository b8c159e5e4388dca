"""Attachments in a bucket: their keys, what may be attached, and URLs that expire."""

import datetime
import re
import secrets
import string

TYPES = ("invoice", "expense", "payroll", "bank_statement")
MAX_SIZE = 25 * 1024 * 1024
URL_SECONDS = 300
DANGEROUS = frozenset(
    "app bat cmd com cpl dll exe hta htm html jar js jse lnk msi php ps1 py scr sh svg vbe vbs wsf".split()
)
# What programs, scripts and pages begin with.
DANGEROUS_STARTS = (b"MZ", b"\x7fELF", b"#!", b"<html", b"<!doctype html", b"<script", b"<?php")
ENCRYPTION = {"ServerSideEncryption": "AES256"}


class Refused(ValueError):
    """A file that may not be attached."""


def safe_name(name):
    """A file name without anything that means something in a path."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", (name or "").replace("\\", "/").rpartition("/")[2])
    return name.lstrip("._-")[-100:] or "file"


def check(name, start):
    """Refuses dangerous files, by any of their extensions and by their first bytes."""
    extensions = {part.lower() for part in name.split(".")[1:]}
    if blocked := extensions & DANGEROUS:
        raise Refused(f"Files of the type .{min(blocked)} cannot be attached.")
    if start.lstrip().lower().startswith(tuple(start.lower() for start in DANGEROUS_STARTS)):
        raise Refused("The content of this file is dangerous.")


def new_key(type, company, name):
    """attachments/<type>/company_<id>/<date>/<time>_<8 letters or digits>_<file name>"""
    now = datetime.datetime.now(datetime.timezone.utc)
    unique = "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(8))
    return f"attachments/{type}/company_{company}/{now:%Y-%m-%d}/{now:%H%M%S}_{unique}_{name}"


class Storage:
    """The bucket."""

    def __init__(self, client, bucket):
        self.client, self.bucket = client, bucket

    def test(self):
        """Fails where the bucket cannot be reached."""
        self.client.head_bucket(Bucket=self.bucket)

    def save(self, key, file, content_type):
        extra = {"ContentType": content_type, **ENCRYPTION}
        self.client.upload_fileobj(file, self.bucket, key, ExtraArgs=extra)

    def describe(self, key):
        """Size and entity tag."""
        head = self.client.head_object(Bucket=self.bucket, Key=key)
        return head["ContentLength"], head["ETag"].strip('"')

    def start(self, key):
        """The first bytes."""
        answer = self.client.get_object(Bucket=self.bucket, Key=key, Range="bytes=0-511")
        return answer["Body"].read()

    def remove(self, *keys):
        """Removes all of them in one request."""
        wanted = {"Objects": [{"Key": key} for key in keys], "Quiet": True}
        answer = self.client.delete_objects(Bucket=self.bucket, Delete=wanted)
        if errors := answer.get("Errors"):
            raise RuntimeError(f"not removed: {errors}")

    def download_url(self, key, name):
        parameters = {
            "Bucket": self.bucket,
            "Key": key,
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        return self.client.generate_presigned_url("get_object", parameters, URL_SECONDS)

    def upload_url(self, key, content_type):
        """A URL to PUT to, and the headers that have to go with it."""
        parameters = {"Bucket": self.bucket, "Key": key, "ContentType": content_type, **ENCRYPTION}
        url = self.client.generate_presigned_url("put_object", parameters, URL_SECONDS)
        return url, {"content-type": content_type, "x-amz-server-side-encryption": "AES256"}
