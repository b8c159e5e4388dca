"""Every way in which an object comes to be, tried alike."""

import contextlib

import botocore.exceptions
import urllib3

import forms
from gateway import MAIN

MIB = 1 << 20

_pool = urllib3.PoolManager(retries=False)


class Refused(Exception):
    """An answer that was no success."""

    def __init__(self, status, code, message):
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message = status, code, message


@contextlib.contextmanager
def _refusals():
    try:
        yield
    except botocore.exceptions.ClientError as error:
        answer = error.response
        status = answer["ResponseMetadata"]["HTTPStatusCode"]
        raise Refused(status, answer["Error"]["Code"], answer["Error"]["Message"]) from None


def answered(answer):
    if answer.status >= 300:
        text = answer.data.decode()
        code, message = (text.split(f"<{name}>")[1].split(f"</{name}>")[0] for name in ("Code", "Message"))
        raise Refused(answer.status, code, message.replace("&quot;", '"'))
    return answer.headers.get("x-stowgate-key")


def put(s3, gateway, bucket, key, body, kind):
    with _refusals():
        return _key(s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=kind))


def presigned(s3, gateway, bucket, key, body, kind):
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": key, "ContentType": kind})
    return answered(_pool.request("PUT", url, body=body, headers={"content-type": kind}))


def multipart(s3, gateway, bucket, key, body, kind):
    with _refusals():
        begun = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType=kind)
        upload = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
        parts = []
        for number, at in enumerate(range(0, max(len(body), 1), 5 * MIB), 1):
            part = s3.upload_part(**upload, PartNumber=number, Body=body[at : at + 5 * MIB])
            parts.append({"PartNumber": number, "ETag": part["ETag"]})
        return _key(s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}))


def part_copy(s3, gateway, bucket, key, body, kind):
    with _refusals():
        s3.put_object(Bucket=bucket, Key="free/source", Body=body, ContentType=kind)
        begun = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType=kind)
        upload = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
        part = s3.upload_part_copy(**upload, PartNumber=1, CopySource=f"{bucket}/free/source")
        parts = [{"PartNumber": 1, "ETag": part["CopyPartResult"]["ETag"]}]
        return _key(s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts}))


def copy(s3, gateway, bucket, key, body, kind):
    with _refusals():
        s3.put_object(Bucket=bucket, Key="free/source", Body=body, ContentType=kind)
        return _key(s3.copy_object(Bucket=bucket, Key=key, CopySource=f"{bucket}/free/source"))


def form(s3, gateway, bucket, key, body, kind):
    conditions = [{"bucket": bucket}, ["starts-with", "$key", ""], ["starts-with", "$Content-Type", ""]]
    fields = [("key", key), ("Content-Type", kind), *forms.signed_v4(MAIN, conditions)]
    return answered(forms.post(gateway.endpoint, bucket, fields, body))


def _key(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"].get("x-stowgate-key")


ALL = {
    "put": put,
    "presigned": presigned,
    "multipart": multipart,
    "part-copy": part_copy,
    "copy": copy,
    "form": form,
}
