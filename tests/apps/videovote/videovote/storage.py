"""Avatars, thumbnails and videos in a bucket, and where they can be seen."""

import secrets

import boto3
import botocore
import botocore.config
from werkzeug.utils import secure_filename

IMAGES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
}
VIDEOS = {"mp4": "video/mp4", "webm": "video/webm", "mov": "video/quicktime"}
# What may lie in each folder.
FOLDERS = {"avatars": IMAGES, "thumbnails": IMAGES, "uploads": VIDEOS}


class Refused(ValueError):
    """A file that may not be uploaded."""


class Storage:
    """The bucket."""

    def __init__(self, client, bucket, local_base):
        self.client, self.bucket = client, bucket
        self._local_base = local_base.rstrip("/")
        self._unsigned = _unsigned(client)

    def save(self, folder, name, file):
        """Stores an uploaded file as `folder/name…` for everybody to see; returns its key."""
        file_name, content_type = _checked(folder, file.filename)
        key = f"{folder}/{name}_{file_name}"
        extra = {"ACL": "public-read", "ContentType": content_type}
        self.client.upload_fileobj(file.stream, self.bucket, key, ExtraArgs=extra)
        return key

    def remove(self, name):
        """Removes what was stored under a key. Names that are no keys are not in the bucket."""
        if name and "/" in name and not name.startswith("http"):
            self.client.delete_object(Bucket=self.bucket, Key=name)

    def url(self, name, folder):
        """Where a stored name can be seen."""
        if not name or name.startswith("http"):
            return name
        if "/" in name:
            return self._unsigned.generate_presigned_url(
                "get_object", Params={"Bucket": self.bucket, "Key": name}
            )
        return f"{self._local_base}/{folder}/{name}"

    def trial(self):
        """Writes, reads and removes an object, for the operator."""
        key, body = f"test/{secrets.token_hex(8)}.txt", b"VideoVote storage test"
        self.client.put_object(Bucket=self.bucket, Key=key, Body=body, ContentType="text/plain")
        same = self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read() == body
        listed = self.client.list_objects_v2(Bucket=self.bucket, Prefix=key)
        self.client.delete_object(Bucket=self.bucket, Key=key)
        return same and listed["KeyCount"] == 1


def _checked(folder, file_name):
    """A safe file name, and its content type; else `Refused`."""
    allowed = FOLDERS[folder]
    safe = secure_filename(file_name or "")
    extension = safe.rpartition(".")[2].lower()
    if "." not in safe or extension not in allowed:
        raise Refused(f"{file_name!r} cannot go to {folder}: only {', '.join(allowed)} can")
    return safe, allowed[extension]


def _unsigned(client):
    """The same service for somebody without keys, whose URLs are the plain ones."""
    config = botocore.config.Config(signature_version=botocore.UNSIGNED)
    return boto3.client("s3", region_name=client.meta.region_name, config=config)
