"""An object is the same for its clients wherever it lies."""

import hashlib

import pytest

PART = 5 * 1024 * 1024
HEADERS = {
    "ContentType": "application/pdf",
    "CacheControl": "no-store",
    "ContentDisposition": "inline",
    "ContentEncoding": "identity",
    "ContentLanguage": "de",
    "Metadata": {"number": "7", "name": "Rechnung"},
    "Tagging": "a=1&b=2",
}
SHOWN = (
    "ETag",
    "ContentLength",
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Metadata",
    "LastModified",
)


def fill(site):
    site.put("plain", b"plain")
    site.put("empty", b"")
    site.put("rich", b"rich" * 1000, **HEADERS)
    site.put("large", bytes(range(256)) * 4096 * 6, Metadata={"size": "large"})
    site.put("odd/ü +&?#%.txt", b"odd", Metadata={"a": "b"})
    settings = {key: value for key, value in HEADERS.items() if key != "ContentEncoding"}
    upload = site.s3.create_multipart_upload(Bucket=site.bucket, Key="parts", **settings)
    parts = []
    for number, size in enumerate((PART, PART + 1, 77), 1):
        part = site.s3.upload_part(
            Bucket=site.bucket,
            Key="parts",
            UploadId=upload["UploadId"],
            PartNumber=number,
            Body=bytes([number]) * size,
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    site.s3.complete_multipart_upload(
        Bucket=site.bucket, Key="parts", UploadId=upload["UploadId"], MultipartUpload={"Parts": parts}
    )


def look(site):
    """All that clients see."""
    seen = {}
    for key in site.keys():
        head = site.head(key)
        tags = site.s3.get_object_tagging(Bucket=site.bucket, Key=key)["TagSet"]
        seen[key] = {name: head.get(name) for name in SHOWN}
        seen[key]["tags"] = sorted((tag["Key"], tag["Value"]) for tag in tags)
        seen[key]["body"] = hashlib.sha256(site.get(key)).hexdigest()
    return seen


@pytest.mark.parametrize("read_back", ["etag", "read"])
def test_there_and_back(behind, read_back):
    site = behind("local")
    fill(site)
    before = look(site)
    assert before["parts"]["ETag"].endswith('-3"')
    there = site.migrations.start("s3", verify=read_back)
    view = site.migrations.over(there)
    assert view["progress"]["moved"] == len(before), site.migrations.report(there)
    assert sorted(before) == site.keys_there()
    assert look(site) == before
    for key in before:
        assert site.get_there(key)["ETag"] == before[key]["ETag"]
    back = site.migrations.start("local", verify=read_back)
    view = site.migrations.over(back)
    assert view["progress"]["moved"] == len(before), site.migrations.report(back)
    assert site.keys_there() == []
    assert look(site) == before
    site.proxy.fault("refuse")
    assert look(site) == before
    site.proxy.heal()


def test_what_is_kept_is_never_stale_truth(behind):
    site = behind("local")
    for key in ("stays", "overwritten", "deleted"):
        site.put(key, b"old")
    id = site.migrations.start("s3", keep_source="true")
    site.migrations.over(id)
    assert {line["source"] for line in site.migrations.report(id)} == {"kept"}
    site.restart()
    site.put("overwritten", b"new")
    site.delete("deleted")
    for mode in ("fallback", "upstream", "local"):
        site.restart(mode)
        site.drained()
        assert site.keys() == ["overwritten", "stays"], mode
        assert site.get("overwritten") == b"new" and site.get("stays") == b"old"
    site.migrations.ask(id, "rollback")
    view = site.migrations.over(id, "rolled_back")
    assert view["rollback"]["moved"] == 1
    assert site.get("overwritten") == b"new" and site.get("stays") == b"old"
    assert "stays" not in site.keys_there()


@pytest.mark.parametrize("mode", ["upstream", "fallback"])
def test_in_the_modes_that_keep_objects_upstream(behind, mode):
    site = behind("local")
    fill(site)
    before = look(site)
    site.restart(mode)
    id = site.migrations.start("s3")
    assert site.migrations.over(id)["progress"]["moved"] == len(before)
    after = look(site)
    for key in before:
        assert {**after[key], "LastModified": 0} == {**before[key], "LastModified": 0}
    assert site.keys() == sorted(before)
    back = site.migrations.start("local")
    view = site.migrations.over(back)
    assert view["progress"]["moved"] == len(before), site.migrations.report(back)
    assert site.keys() == sorted(before) and site.keys_there() == []
    site.restart("local")
    assert {key: seen["body"] for key, seen in look(site).items()} == {
        key: seen["body"] for key, seen in before.items()
    }
