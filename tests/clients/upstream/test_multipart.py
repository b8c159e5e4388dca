"""Multipart uploads in every mode, and across an outage."""

import hashlib

import pytest

from s3check import absent, refused

MIB = 1 << 20
PARTS = [bytes([n]) * (5 * MIB + n) for n in (1, 2)] + [b"the end"]
WHOLE = b"".join(PARTS)
ETAG = f'"{hashlib.md5(b"".join(hashlib.md5(p).digest() for p in PARTS)).hexdigest()}-{len(PARTS)}"'


class Upload:
    """An upload under way."""

    def __init__(self, site, key="multi", **settings):
        self.site = site
        self.at = {"Bucket": site.bucket, "Key": key}
        made = site.s3.create_multipart_upload(**self.at, **settings)
        self.at["UploadId"] = made["UploadId"]
        self.parts = {}

    def part(self, number):
        answer = self.site.s3.upload_part(**self.at, PartNumber=number, Body=PARTS[number - 1])
        assert answer["ETag"] == f'"{hashlib.md5(PARTS[number - 1]).hexdigest()}"'
        self.parts[number] = answer["ETag"]

    def complete(self, **settings):
        listed = [{"PartNumber": n, "ETag": e} for n, e in sorted(self.parts.items())]
        return self.site.s3.complete_multipart_upload(
            **self.at, MultipartUpload={"Parts": listed}, **settings
        )

    def list(self):
        answer = self.site.s3.list_parts(**self.at)
        return {p["PartNumber"]: (p["ETag"], p["Size"]) for p in answer.get("Parts", ())}

    def abort(self):
        self.site.s3.abort_multipart_upload(**self.at)


@pytest.mark.parametrize("mode", ["local", "upstream", "fallback"])
def test_the_life_of_an_upload(behind, mode):
    site = behind(mode)
    upload = Upload(site, ContentType="video/mp4", Metadata={"colour": "red"})
    listed = site.s3.list_multipart_uploads(Bucket=site.bucket)["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in listed] == [("multi", upload.at["UploadId"])]
    for number in (2, 1, 3):
        upload.part(number)
    assert upload.list() == {n: (upload.parts[n], len(PARTS[n - 1])) for n in (1, 2, 3)}
    assert absent(site.s3, site.bucket, "multi")
    assert upload.complete()["ETag"] == ETAG
    head = site.head("multi")
    assert (head["ETag"], head["ContentLength"]) == (ETAG, len(WHOLE))
    assert head["ContentType"] == "video/mp4" and head["Metadata"] == {"colour": "red"}
    assert site.get("multi") == WHOLE
    assert site.get("multi", Range="bytes=5242870-5242890") == WHOLE[5242870:5242891]
    assert "Uploads" not in site.s3.list_multipart_uploads(Bucket=site.bucket)
    if mode != "local":
        site.drained() if mode == "fallback" else None
        there = site.get_there("multi")
        assert there["Content"] == WHOLE and there["ETag"] == ETAG
        assert there["ContentType"] == "video/mp4" and there["Metadata"] == {"colour": "red"}
        assert site.head("multi")["ETag"] == ETAG and site.get("multi") == WHOLE


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_aborting(behind, mode):
    site = behind(mode)
    upload = Upload(site)
    upload.part(1)
    upload.abort()
    with refused("NoSuchUpload", 404):
        upload.part(3)
    with refused("NoSuchUpload", 404):
        upload.complete()
    assert absent(site.s3, site.bucket, "multi")
    assert site.uploads_there() == []


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_faulty_completions(behind, mode):
    site = behind(mode)
    upload = Upload(site)
    upload.part(1)
    upload.part(3)
    good = dict(upload.parts)
    upload.parts = {**good, 3: '"' + "0" * 32 + '"'}
    with refused("InvalidPart", 400):
        upload.complete()
    upload.parts = {**good, 2: good[1]}
    with refused("InvalidPart", 400):
        upload.complete()
    upload.parts = good
    upload.complete()
    assert site.get("multi") == PARTS[0] + PARTS[2]


# Where the outage begins and ends: before step so and so. 1, 2 and 3 are parts, 4 is the
# completion, 5 the time after it.
@pytest.mark.parametrize("begins, ends", [(0, 2), (0, 9), (1, 3), (2, 5), (3, 4), (4, 5), (4, 9)])
@pytest.mark.parametrize("fault", ["refuse", "blackhole"])
def test_an_outage_in_fallback_is_not_noticed(behind, begins, ends, fault):
    site = behind("fallback")
    site.put("multi", b"before")

    def at(step):
        if step == begins:
            site.proxy.fault(fault)
        if step == ends:
            site.proxy.heal()

    at(0)
    upload = Upload(site, Metadata={"colour": "red"})
    for number in (1, 2, 3):
        at(number)
        upload.part(number)
    at(4)
    assert len(upload.list()) == 3
    assert upload.complete()["ETag"] == ETAG
    at(5)
    assert site.head("multi")["ETag"] == ETAG
    assert site.get("multi") == WHOLE
    site.proxy.heal()
    site.drained()
    there = site.get_there("multi")
    assert there["Content"] == WHOLE and there["Metadata"] == {"colour": "red"}
    assert there["ETag"] == ETAG, "forwarded in the same parts"
    assert site.head("multi")["ETag"] == ETAG
    assert site.get("multi") == WHOLE
    assert site.uploads_there() == []


def test_an_upload_in_upstream_mode_goes_on_after_an_outage(behind, unavailable):
    site = behind("upstream")
    upload = Upload(site)
    upload.part(1)
    site.proxy.fault("refuse")
    with unavailable():
        upload.part(2)
    with unavailable():
        upload.complete()
    site.restart(kill=True)
    site.proxy.heal()
    upload.part(2)
    upload.part(3)
    assert upload.complete()["ETag"] == ETAG
    assert site.get("multi") == site.get_there("multi")["Content"] == WHOLE


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_an_upload_in_fallback_survives_a_restart(behind, kill):
    site = behind("fallback")
    upload = Upload(site)
    upload.part(1)
    site.proxy.fault("refuse")
    upload.part(2)
    site.restart(kill=kill)
    upload.part(3)
    assert len(upload.list()) == 3
    assert upload.complete()["ETag"] == ETAG
    site.restart(kill=kill)
    assert site.get("multi") == WHOLE
    site.proxy.heal()
    site.drained()
    assert site.get_there("multi")["Content"] == WHOLE
    assert site.head("multi")["ETag"] == ETAG


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_a_completion_whose_answer_was_lost(behind, mode):
    """The upstream made the object, and the gateway was told nothing."""
    site = behind(mode)
    upload = Upload(site)
    for number in (1, 2, 3):
        upload.part(number)
    site.proxy.fault("cut down 0", method="POST", path="/multi", times=1)
    try:
        upload.complete()
    except Exception as error:
        assert mode == "upstream" and error.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    if mode == "fallback":
        site.drained()
    assert site.head("multi")["ETag"] == ETAG
    assert site.get("multi") == site.get_there("multi")["Content"] == WHOLE


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_parts_copied_from_objects(behind, mode):
    site = behind(mode)
    site.put("source", PARTS[0])
    at = {"Bucket": site.bucket, "Key": "assembled"}
    at["UploadId"] = site.s3.create_multipart_upload(**at)["UploadId"]
    source = {"Bucket": site.bucket, "Key": "source"}
    first = site.s3.upload_part_copy(**at, PartNumber=1, CopySource=source)
    second = site.s3.upload_part_copy(
        **at, PartNumber=2, CopySource=source, CopySourceRange="bytes=10-19"
    )
    parts = [
        {"PartNumber": n, "ETag": answer["CopyPartResult"]["ETag"]}
        for n, answer in enumerate((first, second), 1)
    ]
    site.s3.complete_multipart_upload(**at, MultipartUpload={"Parts": parts})
    assert site.get("assembled") == PARTS[0] + PARTS[0][10:20]
