"""PSC Accounting, row by row: attachments of companies."""

import re
import urllib.parse

import pytest

from command import Commands
from connect import connect
from driving import COMPANIES
from files import pdf
from gateway import MAIN
from s3check import refused
from waiting import eventually
from web import File

TYPES = ("invoice", "expense", "payroll", "bank_statement")
KEY = re.compile(r"attachments/([a-z_]+)/company_(\d+)/[^/]+/\d{6}_[a-z0-9]{8}_(.+)")


def local_plain_text(site):
    """Everything that the gateway keeps on its disk, but for its logs."""
    return b"".join(path.read_bytes() for path in site.gateway.data.rglob("*") if path.is_file())


@pytest.mark.parametrize("type", TYPES)
def test_key_layout(psc, mode, type):
    record = psc.attached("ada", "Receipt No. 7.pdf", type=type)
    assert KEY.fullmatch(record["s3_key"]).groups() == (type, "1", "Receipt_No._7.pdf")
    psc.site.expect_at(mode, record["s3_key"])
    assert psc.content("ada", record["id"]) == pdf("Receipt No. 7.pdf")


def test_key_layout_of_the_local_tree(psc, mode, tmp_path):
    """Its tree is taken over as it is: without file names at times, and with impossible times."""
    tree = tmp_path / "uploads"
    names = (
        "attachments/invoice/company_71/2024-02-31/256199_q1w2e3r4_invoice.pdf",
        "attachments/expense/company_71/20240131/996161_a1b2c3d4",
        "attachments/payroll/company_72/2024-01-31/101010_zzzzzzzz_pay roll (1).xlsx",
    )
    for number, name in enumerate(names, 1):
        path = tree / name
        path.parent.mkdir(parents=True)
        path.write_bytes(b"x" * number * 100)
    config = psc.site.gateway.directory / "stowgate.toml"
    commands = Commands(tmp_path, "--url", psc.site.gateway.endpoint, "--config", config)
    done = commands("import", tree, "--bucket", psc.site.bucket).expect().last
    assert (done["copied"], done["failed"]) == (3, 0)
    psc.site.expect_at(mode, *names)
    # What others may write to is listed once an hour; see the compatibility.
    if mode != "upstream":
        usage = companies(psc.site)
        assert (usage["71"]["objects"], usage["71"]["bytes"]) == (2, 300)
        assert set(usage["71"]["by_type"]) == {"invoice", "expense"}
        assert (usage["72"]["objects"], usage["72"]["bytes"]) == (1, 300)
    record = psc.site.side("GET", f"/storage/objects/{psc.site.bucket}/{names[1]}")[1]
    assert (record["company"], record["type"]) == ("71", "expense")


def companies(site):
    """The usage by company, as soon as it is exact; in mode `upstream`, where others may write, as a
    listing tells it."""

    def known():
        status, answer = site.side("GET", "/storage/usage-by-company")
        assert status == 200, answer
        (state,) = [one["state"] for one in answer["buckets"] if one["name"] == site.bucket]
        return answer if answer["exact"] or state == "dated" else None

    answer = eventually(known, 30, "usage")
    return {one["company"]: one for one in answer["companies"]}


def test_attachments_come_and_go(psc):
    one = psc.attached("ada", "one.pdf")
    many = psc.attach("ada", *(File(f"{n}.pdf", pdf(str(n)), "application/pdf") for n in range(5))).expect(201).json
    ids = [record["id"] for record in many]
    listed = psc.as_("ada").get("/attachments?type=invoice").expect(200).json
    assert {record["id"] for record in listed} >= {one["id"], *ids}
    new = {"file": File("two.pdf", pdf("two"), "application/pdf")}
    replaced = psc.as_("ada").put(f"/attachments/{one['id']}", form=new).expect(200).json
    assert replaced["s3_key"] != one["s3_key"] and replaced["updated_at"] > one["updated_at"]
    assert psc.content("ada", one["id"]) == pdf("two")
    # Batch operations: all of them in one request.
    psc.as_("ada").post("/attachments/remove", data=ids).expect(204)
    psc.as_("ada").delete(f"/attachments/{one['id']}").expect(204)
    keys = set(psc.site.keys())
    assert not keys & {one["s3_key"], replaced["s3_key"], *(record["s3_key"] for record in many)}


def test_per_object_record(psc, mode):
    record = psc.attached("ada")
    psc.site.drained()
    status, known = psc.site.side("GET", f"/storage/objects/{psc.site.bucket}/{record['s3_key']}")
    assert status == 200
    away = mode != "local"
    assert known["storage_backend"] == ("s3" if away else "local")
    assert known["s3_bucket"] == (psc.site.there if away else None)
    assert known["s3_key"] == (record["s3_key"] if away else None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", known["updated_at"])
    assert (known["company"], known["type"], known["size"]) == ("1", "invoice", record["size"])


def test_security_isolation_in_the_application(psc):
    record = psc.attached("ada")
    bob = psc.as_("bob")
    for method, path in (("GET", ""), ("GET", "/url"), ("GET", "/download"), ("DELETE", "")):
        bob(method, f"/attachments/{record['id']}{path}").expect(404)
    bob.put(f"/attachments/{record['id']}", form={"file": File("a.pdf", pdf())}).expect(404)
    assert record["id"] not in [one["id"] for one in bob.get("/attachments").expect(200).json]
    psc.web.get(f"/attachments/{record['id']}").expect(401)
    assert psc.content("ada", record["id"]) == pdf("invoice.pdf")


def test_security_isolation_at_the_gateway(psc):
    """A key of one company reaches nothing of another's, and does not learn what there is."""
    site = psc.site
    theirs, own = psc.attached("bob")["s3_key"], psc.attached("ada")["s3_key"]
    s3 = connect(site.gateway, COMPANIES["1"])
    assert s3.get_object(Bucket=site.bucket, Key=own)["Body"].read() == pdf("invoice.pdf")
    absent = theirs.replace("invoice.pdf", "none.pdf")
    for key in (theirs, absent):
        where = {"Bucket": site.bucket, "Key": key}
        for call in (
            lambda: s3.get_object(**where),
            lambda: s3.put_object(**where, Body=b"x"),
            lambda: s3.delete_object(**where),
            lambda: s3.copy_object(
                Bucket=site.bucket, Key=own + ".copy", CopySource={"Bucket": site.bucket, "Key": key}
            ),
            lambda: s3.create_multipart_upload(**where),
            lambda: s3.get_object_tagging(**where),
        ):
            with refused("AccessDenied", 403):
                call()
        with refused("403", 403):
            s3.head_object(**where)
        url = s3.generate_presigned_url("get_object", where, 60)
        answer = psc.public.get(url)
        assert answer.status == 403 and b"AccessDenied" in answer.body
    for prefix in ("", "attachments/", "attachments/invoice/company_2/", "attachments/invoice/company_"):
        with refused("AccessDenied", 403):
            s3.list_objects_v2(Bucket=site.bucket, Prefix=prefix)
    listed = s3.list_objects_v2(Bucket=site.bucket, Prefix="attachments/invoice/company_1/")
    assert own in [one["Key"] for one in listed["Contents"]]
    assert site.get(theirs) == pdf("invoice.pdf")


def test_security_server_side_encryption(psc, mode):
    words = b"the salary of everybody, in plain words"
    body = b"%PDF-1.7\n" + words * 20
    record = psc.attached("ada", "pay.pdf", body, type="payroll")
    head = psc.site.head(record["s3_key"])
    # What is upstream is encrypted by the upstream, so far as that says so itself.
    if mode == "local" or psc.site.server.name == "stowgate":
        assert head["ServerSideEncryption"] == "AES256"
    assert psc.content("ada", record["id"]) == body
    assert words not in local_plain_text(psc.site)
    sent = [one for one in psc.site.proxy.requests() if one.path.endswith(record["s3_key"])]
    assert bool(sent) == (mode != "local")


def test_security_presigned_urls(psc):
    record = psc.attached("ada", "a.pdf")
    answer = psc.as_("ada").get(f"/attachments/{record['id']}/download").expect(307)
    url = answer.headers["location"]
    seen = psc.public.get(url).expect(200)
    assert seen.body == pdf("a.pdf") and seen.headers["content-type"] == "application/pdf"
    assert seen.headers["content-disposition"] == 'attachment; filename="a.pdf"'
    other = psc.attached("bob", "b.pdf")["s3_key"]
    for changed in (
        url.replace(record["s3_key"], other),
        url.replace("X-Amz-Expires=300", "X-Amz-Expires=3000"),
        url.replace("attachment", "inline"),
        url.partition("?")[0],
        url[:-4] + "0000",
    ):
        assert changed != url and psc.public.get(changed).status == 403
    for method in ("PUT", "DELETE"):
        assert psc.public(method, url, body=b"x").status == 403
    app = connect(psc.site.gateway, psc.site.key)
    where = {"Bucket": psc.site.bucket, "Key": record["s3_key"]}
    short = app.generate_presigned_url("get_object", where, 1)
    eventually(lambda: psc.public.get(short).status == 403, 20, "its end")
    assert b"Request has expired" in psc.public.get(short).body


def test_security_presigned_uploads(psc, mode):
    wanted = {"type": "expense", "file_name": "taxi.pdf", "content_type": "application/pdf"}
    begun = psc.as_("ada").post("/attachments/uploads", data=wanted).expect(201).json
    headers = {name.replace("-", "_"): value for name, value in begun["headers"].items()}
    body = pdf("taxi")
    # Not without what was signed.
    assert psc.public.put(begun["url"], body=body, content_type="application/pdf").status == 403
    assert psc.public.put(begun["url"], body=body, **{**headers, "content_type": "text/html"}).status == 403
    psc.public.put(begun["url"], body=body, **headers).expect(200)
    done = psc.as_("ada").post(f"/attachments/{begun['id']}/complete").expect(200).json
    assert done["size"] == len(body)
    psc.site.expect_at(mode, done["s3_key"])
    assert psc.content("ada", begun["id"]) == body


@pytest.mark.parametrize(
    "name, content",
    [
        ("invoice.exe", b"x"),
        ("invoice.pdf.exe", b"x"),
        ("invoice.exe.pdf", b"x"),
        ("run.sh", b"x"),
        ("page.html", b"x"),
        ("invoice.pdf", b"MZ\x90\0\x03" + bytes(300)),
        ("invoice.pdf", b"#!/bin/sh\n"),
        ("invoice.pdf", b"  <script>alert(1)</script>"),
    ],
)
def test_security_dangerous_file_types(psc, name, content):
    before = psc.site.keys()
    answer = psc.attach("ada", File(name, content, "application/pdf")).expect(400)
    assert "cannot be attached" in answer.body.decode() or "dangerous" in answer.body.decode()
    assert psc.site.keys() == before


def test_security_access_log_for_auditing(psc):
    """Who did what to which attachment, from where, and what came of it; and no secrets."""
    record = psc.attached("ada")
    key = record["s3_key"]
    url = psc.as_("ada").get(f"/attachments/{record['id']}/url").json["url"]
    psc.public.get(url).expect(200)
    psc.public.get(f"/{psc.site.bucket}/{key}").expect(403)
    with refused("AccessDenied", 403):
        connect(psc.site.gateway, COMPANIES["2"]).get_object(Bucket=psc.site.bucket, Key=key)
    psc.as_("ada").delete(f"/attachments/{record['id']}").expect(204)
    batch = psc.site.access_log(operation="DeleteObjects", access_key=psc.site.key.access)
    assert batch and batch[-1]["status"] == 200
    lines = psc.site.access_log(bucket=psc.site.bucket, key=key)
    told = {(line["operation"], line.get("access_key"), line["status"], line.get("error_code")) for line in lines}
    assert told >= {
        ("PutObject", psc.site.key.access, 200, None),
        ("GetObject", psc.site.key.access, 200, None),
        ("GetObject", None, 403, "AccessDenied"),
        ("GetObject", COMPANIES["2"].access, 403, "AccessDenied"),
    }
    for line in lines:
        assert line["peer"].startswith("127.0.0.1:") and line["request_id"] and line["timestamp"]
        assert line["bytes_in"] >= 0 and line["duration_ms"] >= 0
    log = psc.site.gateway.log.read_text()
    signature = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-Signature"][0]
    for secret in (psc.site.key.secret, MAIN.secret, COMPANIES["2"].secret, signature):
        assert secret not in log


def test_compatibility(psc, mode):
    """Every call that there was answers, in every mode, with what it is asked for."""
    psc.attached("ada")
    psc.site.drained()
    bucket = psc.site.bucket
    info = psc.site.side("GET", "/storage/info")
    trial = psc.site.side("GET", "/storage/test-s3")
    assert (info[0], trial[0], trial[1]["ok"]) == (200, 200, True), trial
    (told,) = [one for one in info[1]["buckets"] if one["name"] == bucket]
    assert told["mode"] == mode
    for secret in (psc.site.server.key.secret, MAIN.secret):
        assert secret not in str(info) + str(trial)
    tried = trial[1]["upstreams"][0]["buckets"][0]["permissions"]
    assert {one["permission"] for one in tried} == {"head", "list", "put", "get", "delete", "multipart"}
    assert all(one["ok"] for one in tried)
    assert companies(psc.site)["1"]["objects"] >= 1
    status, stats = psc.site.side("GET", "/attachments/stats")
    assert status == 200 and "invoice" in stats["by_type"] and stats["objects"] >= 1
    for backend in ("local", "s3"):
        status, answer = psc.site.side("POST", f"/storage/cleanup?storage_backend={backend}&dry_run=true")
        assert status == 202, answer
        done = eventually(lambda: over(psc.site, f"/storage/cleanup/{answer['id']}"), 30)
        assert done["state"] == "done" and done["deleted"] == 0
    status, plan = psc.site.side("POST", "/storage/migrate-to-s3?dry_run=true&company_id=1")
    assert status == 200 and plan["dry_run"] is True, plan
    moved = plan["objects"]
    assert (moved > 0) == (mode == "local"), plan


def over(site, path):
    """A task's answer once it is over."""
    status, answer = site.side("GET", path)
    assert status == 200, answer
    return answer if answer["state"] not in ("running", "ready") else None
