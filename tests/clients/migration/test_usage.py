"""What migrations move is counted where it is, at once, and a recount finds nothing to repair."""

import pytest

from waiting import eventually

SIZES = {
    "attachments/invoice/company_1/2024-01-01/a": 1,
    "attachments/invoice/company_1/2024-01-01/b": 20,
    "attachments/expense/company_2/2024-01-01/c": 300_000,
    "avatars/d": 4000,
}


@pytest.fixture
def site(behind):
    one = behind("local")
    for key, size in SIZES.items():
        one.put(key, b"x" * size)
    return one


def usage(site):
    """Objects and bytes by company and backend."""
    status, answer = site.gateway.side("GET", f"/storage/usage-by-company?bucket={site.bucket}")
    assert status == 200 and answer["exact"], answer
    return {
        (company["company"], backend): (found["objects"], found["bytes"])
        for company in answer["companies"]
        for backend, found in company["by_backend"].items()
        if found["objects"]
    }


def expected(away):
    """The same, given which keys are upstream."""
    sums = {}
    for key, size in SIZES.items():
        company = key.split("/")[2].removeprefix("company_") if key.startswith("att") else None
        row = (company, "s3" if key in away else "local")
        objects, total = sums.get(row, (0, 0))
        sums[row] = (objects + 1, total + size)
    return sums


def recounted(site):
    """A recount agrees, and what is upstream is what was recorded."""
    status, job = site.gateway.side("POST", "/storage/verify")
    assert status == 202, job

    def over():
        status, found = site.gateway.side("GET", f"/storage/verify/{job['id']}")
        return found if status == 200 and found["state"] != "running" else None

    found = eventually(over, 60, "the end of a verification")
    assert (found["state"], found["counters_repaired"], found["problems"]) == ("done", 0, 0), found
    return found


def test_counters_follow_what_is_moved_and_what_is_put_back(site):
    migrations = site.migrations
    assert usage(site) == expected(away=[])
    of_one = [key for key in SIZES if "company_1/" in key]
    first = migrations.start("s3", company_id=1)
    migrations.over(first)
    assert usage(site) == expected(of_one)
    assert recounted(site)["upstream_checked"] == 2
    second = migrations.start("s3", keep_source="true")
    migrations.over(second)
    assert usage(site) == expected(SIZES), "a copy that is kept counts where it is read"
    assert recounted(site)["upstream_checked"] == 4
    site.restart(kill=True)
    assert usage(site) == expected(SIZES)
    migrations.over(migrations.start("local", type="expense"))
    assert usage(site) == expected([key for key in SIZES if "expense" not in key])
    recounted(site)
    migrations.ask(second, "rollback")
    migrations.over(second, "rolled_back")
    assert usage(site) == expected(of_one)
    migrations.ask(first, "rollback")
    migrations.over(first, "rolled_back")
    site.drained()
    assert usage(site) == expected(away=[])
    assert recounted(site)["upstream_checked"] == 0
    assert site.keys_there() == []
