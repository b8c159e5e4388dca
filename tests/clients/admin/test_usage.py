"""Usage by company, type, backend and month: equal to what the clients put, whatever happened."""

import datetime
import random

import pytest

from behind import fresh_bucket
from connect import connect
from gateway import MAIN, Gateway
from waiting import eventually

TYPES = ("invoice", "expense", "payroll", "bank_statement")


def key(number, company=1, kind="invoice"):
    return f"attachments/{kind}/company_{company}/2025-13-45/256199_{number:08d}_file.pdf"


def month():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m")


def usage(gateway, query="", exact=True):
    status, answer = gateway.side("GET", f"/storage/usage-by-company{query}")
    assert status == 200, answer
    if exact:
        assert answer["exact"], answer
    return {company["company"]: company for company in answer["companies"]}


@pytest.fixture
def plain(tmp_path):
    """A gateway on the disk alone, with a bucket whose keys have companies, and prices."""
    bucket = fresh_bucket()
    config = (
        f'[[bucket]]\nname = "{bucket}"\nkey_template = "attachments/{{type}}/company_{{company}}/{{*}}"\n'
        '[usage]\ncurrency = "EUR"\nlocal_price = 0.5\n'
    )
    with Gateway(tmp_path / "gateway", config=config) as running:
        running.bucket = bucket
        yield running


def test_by_company_type_backend_and_month(plain):
    s3 = connect(plain, MAIN)
    for number in range(6):
        s3.put_object(Bucket=plain.bucket, Key=key(number, 1 + number % 2, TYPES[number % 3]), Body=b"x" * 10)
    s3.put_object(Bucket=plain.bucket, Key="elsewhere.txt", Body=b"abc")
    found = usage(plain)
    assert set(found) == {"1", "2", None}
    one = found["1"]
    assert (one["objects"], one["bytes"]) == (3, 30)
    assert one["by_type"] == {t: {"objects": 1, "bytes": 10} for t in TYPES[:3]}
    assert one["by_backend"] == {"local": {"objects": 3, "bytes": 30}}
    assert one["by_month"] == {month(): {"objects": 3, "bytes": 30}}
    assert one["monthly_cost"]["currency"] == "EUR"
    assert (found[None]["objects"], found[None]["bytes"]) == (1, 3)
    assert set(usage(plain, "?company=2")) == {"2"}
    assert usage(plain, f"?company=2&type=expense&month={month()}&bucket={plain.bucket}")["2"]["objects"] == 1
    assert usage(plain, "?storage_backend=s3") == {}
    status, stats = plain.side("GET", "/storage/stats")
    assert status == 200
    assert (stats["objects"], stats["bytes"]) == (7, 63)
    assert stats["by_type"]["invoice"] == {"objects": 2, "bytes": 20}
    status, again = plain.side("GET", "/attachments/stats")
    assert status == 200 and again["by_type"] == stats["by_type"]


def test_a_bucket_called_attachments_wins(plain):
    s3 = connect(plain, MAIN)
    s3.create_bucket(Bucket="attachments")
    s3.put_object(Bucket="attachments", Key="stats", Body=b"an object")
    assert s3.get_object(Bucket="attachments", Key="stats")["Body"].read() == b"an object"
    s3.delete_object(Bucket="attachments", Key="stats")
    s3.delete_bucket(Bucket="attachments")
    assert plain.side("GET", "/attachments/stats")[0] == 200


@pytest.mark.parametrize(
    "query, hint",
    [
        ("?month=2025-13", "2025-03"),
        ("?storage_backend=tape", "local nor s3"),
        ("?bucket=No", "bucket"),
        ("?compnay=1", "known here"),
        ("?company=1&company=2", "twice"),
    ],
)
def test_bad_parameters(plain, query, hint):
    for call in ("usage-by-company", "stats"):
        status, answer = plain.side("GET", f"/storage/{call}{query}")
        assert status == 400 and hint in answer["error"]["message"], answer
    status, answer = plain.side("GET", "/storage/stats?bucket=no-such-bucket")
    assert (status, answer["error"]["code"]) == (404, "NoSuchBucket")


def test_counters_after_a_history_with_kills(plain):
    """Whatever was acknowledged before each SIGKILL is counted, and nothing else."""
    chance, there = random.Random(7), {}
    for _ in range(4):
        s3 = connect(plain, MAIN)
        for _ in range(60):
            name = key(chance.randrange(25), chance.randrange(4), chance.choice(TYPES))
            if chance.random() < 0.3:
                s3.delete_object(Bucket=plain.bucket, Key=name)
                there.pop(name, None)
            else:
                body = b"x" * chance.randrange(5000)
                s3.put_object(Bucket=plain.bucket, Key=name, Body=body)
                there[name] = len(body)
        plain.kill()
        plain.start()
        expected = {}
        for name, size in there.items():
            sums = expected.setdefault(name.split("/")[2].removeprefix("company_"), [0, 0])
            sums[0] += 1
            sums[1] += size
        found = {c: [u["objects"], u["bytes"]] for c, u in usage(plain).items()}
        assert found == expected


def test_another_template_counts_anew(plain):
    s3 = connect(plain, MAIN)
    for number in range(20):
        s3.put_object(Bucket=plain.bucket, Key=key(number, number % 3), Body=b"x")
    assert set(usage(plain)) == {"0", "1", "2"}
    assert plain.stop() == 0
    plain.configure(f'[[bucket]]\nname = "{plain.bucket}"\nkey_template = "{{company}}/{{type}}/{{*}}"\n')
    plain.start()

    def counted():
        found = usage(plain, exact=False)
        return found if set(found) == {"attachments"} else None

    found = eventually(counted, 20, lambda: f"another count: {usage(plain, exact=False)}")
    assert found["attachments"]["by_type"] == {"invoice": {"objects": 20, "bytes": 20}}
    status, answer = plain.side("GET", "/storage/stats")
    assert status == 200 and answer["exact"] and answer["buckets"][0]["state"] == "exact"


def test_where_objects_are_is_counted(behind):
    site = behind("fallback")
    for number in range(4):
        site.put(key(number), b"12345")
    found = usage(site.gateway)["1"]
    assert found["by_backend"] == {"s3": {"objects": 4, "bytes": 20}}
    site.proxy.fault("refuse")
    site.put(key(1), b"replaced while away")
    site.put(key(9), b"new")
    site.delete(key(2))
    found = usage(site.gateway)["1"]
    assert found["by_backend"] == {
        "local": {"objects": 2, "bytes": 22},
        "s3": {"objects": 2, "bytes": 10},
    }
    site.restart(kill=True)
    assert usage(site.gateway)["1"]["by_backend"] == found["by_backend"]
    site.proxy.heal()
    site.drained()
    found = usage(site.gateway)["1"]
    assert found["by_backend"] == {"s3": {"objects": 4, "bytes": 32}}


def test_a_shared_bucket_is_told_by_a_dated_listing(behind):
    site = behind("upstream")
    for number in range(3):
        site.put_there(key(number, 5), b"1234")

    def listed():
        status, answer = site.gateway.side("GET", "/storage/usage-by-company")
        assert status == 200 and not answer["exact"]
        return answer if answer["as_of"] else None

    answer = eventually(listed, 20, "a listing")
    assert answer["companies"][0]["company"] == "5"
    assert answer["companies"][0]["by_backend"] == {"s3": {"objects": 3, "bytes": 12}}
    [bucket] = [b for b in answer["buckets"] if b["name"] == site.bucket]
    assert bucket["source"] == "listing"
