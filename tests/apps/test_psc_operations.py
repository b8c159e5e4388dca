"""PSC Accounting's operators: switching, migrations, the calls that they know by heart, set-up."""

import contextlib
import csv
import dataclasses
import datetime
import io
import json
import shlex
import subprocess

import pytest

from behind import fresh_bucket
from command import Commands
from connect import connect
from driving import Psc, psc_application
from fault_proxy import Proxy
from files import pdf
from gateway import BUILT_IN, MAIN, ROOT, TOKEN, Gateway, clean_environment
from sites import PSC, application_key
from waiting import eventually, pass_moment

OVER = ("done", "failed", "cancelled", "rolled_back")
# The lines of its handbook, as they stand there.
LINES = {
    "info": "curl http://localhost:8000/storage/info",
    "test": "curl http://localhost:8000/storage/test-s3",
    "preview": 'curl -X POST "http://localhost:8000/storage/migrate-to-s3?dry_run=true&company_id=1"',
    "migrate": 'curl -X POST "http://localhost:8000/storage/migrate-to-s3?dry_run=false&company_id=1"',
    "cleanup local": 'curl -X POST "http://localhost:8000/storage/cleanup?storage_backend=local"',
    "cleanup s3": 'curl -X POST "http://localhost:8000/storage/cleanup?storage_backend=s3"',
    "usage": "curl http://localhost:8000/storage/usage-by-company",
    "stats": "curl http://localhost:8000/attachments/stats",
}


class Operated:
    """PSC Accounting whose gateway its own variables configure, with the key that is built in."""

    def __init__(self, site, directory):
        self.site, self._directory = site, directory
        self._application = None

    def enter(self, backend, **settings):
        """Restarts everything with STORAGE_BACKEND set to `backend`."""
        self.leave()
        self.site.start(backend == "s3", **settings)
        key = self.site.key or BUILT_IN
        self._application = psc_application(self.site, self._directory, key).start()
        self.app = Psc(self.site, self._application)
        return self

    def leave(self):
        if self._application is not None:
            self._application.stop()

    def curl(self, line):
        """Runs a line of the handbook, with another port, and decodes what it prints."""
        line = LINES.get(line, line).replace(":8000", f":{self.site.gateway.port}")
        arguments = shlex.split(line)
        done = subprocess.run(
            [*arguments, "-sS"], capture_output=True, text=True, timeout=60, env=clean_environment()
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def over(self, path, started):
        """A task's answer once it is over."""
        def ended():
            answer = self.curl(f"curl http://localhost:8000/storage/{path}/{started['id']}")
            return answer if answer["state"] in OVER else None

        return eventually(ended, 60, f"{path} {started}")

    def look(self, records):
        """Expects attachments to be what they were."""
        for who, record, content in records:
            assert self.app.content(who, record["id"]) == content


@pytest.fixture
def operated(switched, tmp_path):
    with contextlib.ExitStack() as stack:

        def make(**settings):
            one = Operated(switched(PSC, **settings), tmp_path / "psc")
            stack.callback(one.leave)
            return one

        yield make


def attached(app, backend, count=2):
    """Attachments of both companies."""
    made = []
    for who in ("ada", "bob"):
        for number in range(count):
            name = f"{backend}-{who}-{number}.pdf"
            made.append((who, app.attached(who, name, type=("invoice", "payroll")[number % 2]), pdf(name)))
    return made


def test_the_calls_by_heart(operated):
    """Every line of the handbook, as it stands there, from a machine of the operator's."""
    one = operated().enter("local")
    records = attached(one.app, "local")
    info = one.curl("info")
    (bucket,) = info["buckets"]
    assert (bucket["name"], bucket["mode"]) == ("psc-accounting", "local")
    assert one.site.server.key.secret not in json.dumps(info)
    assert one.curl("test")["ok"] is True
    usage = {company["company"]: company for company in one.curl("usage")["companies"]}
    assert {name: company["objects"] for name, company in usage.items()} == {"1": 2, "2": 2}
    stats = one.curl("stats")
    assert {name: kind["objects"] for name, kind in stats["by_type"].items()} == {"invoice": 2, "payroll": 2}
    # What would be moved, and then only that.
    plan = one.curl("preview")
    assert (plan["dry_run"], plan["objects"]) == (True, 2) and list(plan["by_company"]) == ["1"]
    assert one.site.keys_there() == []
    done = one.over("migrations", one.curl("migrate"))
    assert done["state"] == "done" and done["progress"]["moved"] == 2
    first = {record["s3_key"] for who, record, _ in records if who == "ada"}
    assert set(one.site.keys_there()) == first
    one.look(records)
    for backend in ("local", "s3"):
        cleaned = one.over("cleanup", one.curl(f"cleanup {backend}"))
        assert (cleaned["state"], cleaned["failed"]) == ("done", 0)
    one.look(records)
    # A report with a line for each object.
    id = one.curl("curl http://localhost:8000/storage/migrations")["migrations"][0]["id"]
    report = one.app.public.get(f"/storage/migrations/{id}/report?format=csv").expect(200).body.decode()
    assert len(list(csv.DictReader(io.StringIO(report)))) == 2


def test_switching(operated):
    """Another STORAGE_BACKEND after a restart: what was stored before stays readable."""
    one = operated().enter("local")
    records = attached(one.app, "local", 1)
    one.enter("s3")
    one.look(records)
    records += attached(one.app, "s3", 1)
    backends = {record["s3_key"]: one.site.backend(record["s3_key"]) for _, record, _ in records}
    assert sorted(backends.values()) == ["local", "local", "s3", "s3"]
    one.enter("local")
    one.look(records)
    records += attached(one.app, "local again", 1)
    # Migration moves them, and the way back brings back what it moved.
    started = one.curl("migrate")
    assert one.over("migrations", started)["progress"]["moved"] == 2
    one.look(records)
    back = one.curl(f"curl -X POST http://localhost:8000/storage/migrations/{started['id']}/rollback")
    assert one.over("migrations", back)["state"] == "rolled_back"
    one.look(records)
    assert {record["s3_key"] for who, record, _ in records} - set(one.site.keys_there()) == {
        record["s3_key"] for _, record, _ in records if backends.get(record["s3_key"]) != "s3"
    }
    for who, record, _ in records:
        one.app.as_(who).delete(f"/attachments/{record['id']}").expect(204)
    assert one.site.s3.list_objects_v2(Bucket=PSC.bucket)["KeyCount"] == 0


def test_migrating_everything(operated):
    one = operated().enter("local")
    records = attached(one.app, "local", 3)
    started = one.curl('curl -X POST "http://localhost:8000/storage/migrate-to-s3?verify=read&concurrency=2"')
    done = one.over("migrations", started)
    assert (done["state"], done["progress"]["moved"], done["progress"]["failed"]) == ("done", 6, 0)
    assert sorted(one.site.keys_there()) == sorted(record["s3_key"] for _, record, _ in records)
    one.look(records)
    one.enter("s3")
    one.look(records)
    one.enter("local")
    back = one.over("migrations", one.curl("curl -X POST http://localhost:8000/storage/migrate-to-local"))
    assert back["progress"]["moved"] == 6 and one.site.keys_there() == []
    one.look(records)


def test_environment_it_sets_and_least_privilege(operated, tmp_path):
    """The upstream's key is not root's there: what it lacks is told at the start and when asked."""
    bucket = PSC.bucket
    whole = application_key(bucket)
    lacking = dataclasses.replace(
        whole,
        access="AKLACKING",
        secret="lacking-secret-0123456789",
        policy=whole.policy.replace('"s3:DeleteObject",', ""),
    )
    assert "DeleteObject" not in lacking.policy
    with Gateway(tmp_path / "upstream", keys=(MAIN, whole, lacking)) as upstream:
        connect(upstream, MAIN).create_bucket(Bucket=bucket)
        for key, missing in ((whole, []), (lacking, ["delete"])):
            proxy = Proxy(upstream.port)
            environment = {
                "STORAGE_BACKEND": "s3",
                "S3_BUCKET": bucket,
                "AWS_REGION": "us-east-1",
                "AWS_ACCESS_KEY_ID": key.access,
                "AWS_SECRET_ACCESS_KEY": key.secret,
                "S3_ENDPOINT_URL": f"http://127.0.0.1:{proxy.port}",
            }
            with proxy, Gateway(tmp_path / key.access, keys=None, environment=environment) as gateway:
                status, trial = gateway.side("GET", "/storage/test-s3")
                (there,) = trial["upstreams"][0]["buckets"]
                assert [one["permission"] for one in there["permissions"] if not one["ok"]] == missing
                assert trial["ok"] is not bool(missing)
                eventually(
                    lambda: ("cannot" in gateway.log.read_text()) == bool(missing), 20, "a word in the log"
                )
                assert key.secret not in gateway.log.read_text() + json.dumps(trial)


@pytest.fixture
def accounted(psc):
    """PSC Accounting with some attachments of both companies."""
    psc.accounts = attached(psc, "accounted", 2)
    psc.site.drained()
    return psc


def over(psc, path):
    def ended():
        status, answer = psc.site.side("GET", path)
        assert status == 200, answer
        return answer if answer["state"] in OVER else None

    return eventually(ended, 60, path)


def test_operations_connection_test(accounted):
    status, trial = accounted.site.side("GET", "/storage/test-s3")
    assert status == 200 and trial["ok"] is True
    accounted.site.proxy.fault("answer 403 InvalidAccessKeyId")
    try:
        status, trial = accounted.site.side("GET", "/storage/test-s3")
        assert status == 503 and trial["ok"] is False
    finally:
        accounted.site.proxy.heal()
    eventually(lambda: accounted.site.side("GET", "/storage/test-s3")[0] == 200, 30)


def test_operations_usage_statistics_and_costs(accounted, mode):
    def known():
        status, stats = accounted.site.side("GET", "/storage/stats")
        assert status == 200, stats
        return stats if stats["objects"] else None

    stats = eventually(known, 30)
    assert set(stats["by_backend"]) == {"local" if mode == "local" else "s3"}
    price = 1000 if mode == "local" else 2300
    cost = stats["monthly_cost"]
    assert cost["currency"] == "USD" and cost["total"] > 0
    assert cost["total"] == pytest.approx(stats["bytes"] / 2**30 * price, abs=1e-5)


def test_operations_cost_of_a_migration_plan(accounted):
    status, plan = accounted.site.side("POST", "/storage/migrate-to-s3?dry_run=true")
    assert status == 200 and plan["monthly_cost"]["currency"] == "USD", plan


def test_operations_integrity(accounted):
    status, started = accounted.site.side("POST", f"/storage/verify?bucket={accounted.site.bucket}")
    assert status == 202, started
    done = over(accounted, f"/storage/verify/{started['id']}")
    assert (done["state"], done["problems"]) == ("done", 0), done


def test_operations_metrics(accounted):
    answer = accounted.public.get("/storage/metrics", authorization=f"Bearer {TOKEN}")
    text = answer.expect(200).body.decode()
    assert "stowgate_" in text and accounted.site.bucket in text


def test_operations_orphans(accounted):
    """A manifest of what is live; the rest is removed, of the one backend."""
    site, keys = accounted.site, [record["s3_key"] for _, record, _ in accounted.accounts]
    orphan = "attachments/invoice/company_1/2020-01-01/000000_orphan00_a.pdf"
    site.put(orphan, b"orphan")
    site.drained()
    # Records round up to whole seconds, and an upstream may round down.
    pass_moment(site.head(orphan)["LastModified"] + datetime.timedelta(seconds=1))
    manifest = "\n".join(key for key in site.keys() if key != orphan).encode()
    backend = site.backend(orphan)
    path = f"/storage/cleanup?storage_backend={backend}&bucket={site.bucket}&min_age=0"
    status, looked = site.side("POST", f"{path}&dry_run=true", manifest)
    assert status == 202, looked
    assert over(accounted, f"/storage/cleanup/{looked['id']}")["found"] == 1
    assert orphan in site.keys()
    status, started = site.side("POST", path, manifest)
    assert over(accounted, f"/storage/cleanup/{started['id']}")["deleted"] == 1
    left = site.keys()
    assert orphan not in left and set(keys) <= set(left)


def test_operations_compaction(accounted):
    """Storage optimisation when the operator asks for it."""
    status, started = accounted.site.side("POST", "/storage/compact")
    assert status in (200, 202), started


def test_operations_life_cycle_rules(accounted):
    site = accounted.site
    rule = {
        "ID": "drafts",
        "Status": "Enabled",
        "Filter": {"Prefix": "attachments/drafts/"},
        "Expiration": {"Days": 30},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3},
    }
    site.s3.put_bucket_lifecycle_configuration(Bucket=site.bucket, LifecycleConfiguration={"Rules": [rule]})
    try:
        told = site.s3.get_bucket_lifecycle_configuration(Bucket=site.bucket)["Rules"]
        assert told[0]["ID"] == "drafts" and told[0]["Expiration"] == {"Days": 30}
    finally:
        site.s3.delete_bucket_lifecycle(Bucket=site.bucket)


@pytest.mark.parametrize("switch, values", [
    ("STORAGE_BACKEND", {"local": "local", "s3": "upstream"}),
    ("USE_CLOUD_STORAGE", {"false": "local", "true": "fallback"}),
])  # fmt: skip
def test_set_up_by_the_environment_template(server, tmp_path, switch, values):
    """config/stowgate.env with some of its lines filled in, as each application does."""
    template = dict(
        line.split("=", 1)
        for line in (ROOT / "config" / "stowgate.env").read_text().splitlines()
        if line and not line.startswith("#")
    )
    name = "S3_BUCKET" if switch == "STORAGE_BACKEND" else "AWS_BUCKET_NAME"
    for other in {"STORAGE_BACKEND", "USE_CLOUD_STORAGE"} - {switch}:
        template[other] = ""
    bucket = fresh_bucket()
    connect(server, server.key).create_bucket(Bucket=bucket)
    for value, mode in values.items():
        filled = {
            "STOWGATE_LISTEN": "127.0.0.1:0",
            "STOWGATE_ADMIN_TOKEN": TOKEN,
            "STOWGATE_DATA_DIR": str(tmp_path / value),
            name: bucket,
            switch: value,
            "S3_ENDPOINT_URL": server.endpoint,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": server.key.access,
            "AWS_SECRET_ACCESS_KEY": server.key.secret,
        }
        assert set(filled) <= set(template)
        with Gateway(tmp_path / f"{value}-home", keys=None, environment={**template, **filled}) as gateway:
            status, info = gateway.side("GET", "/storage/info")
            (told,) = info["buckets"]
            assert (status, told["name"], told["mode"]) == (200, bucket, mode)


def test_set_up_by_init(server, tmp_path):
    """`stowgate init` writes a configuration that serves, and `stowgate test-s3` tries everything."""
    configuration = tmp_path / "stowgate.toml"
    Commands(tmp_path)("init", configuration).expect()
    assert configuration.stat().st_mode & 0o077 == 0
    environment = {
        "STOWGATE_DATA_DIR": str(tmp_path / "data"),
        "STORAGE_BACKEND": "local",
        "S3_BUCKET": "set-up-by-init",
        "S3_ENDPOINT_URL": server.endpoint,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": server.key.access,
        "AWS_SECRET_ACCESS_KEY": server.key.secret,
    }
    connect(server, server.key).create_bucket(Bucket="set-up-by-init")
    # Commands read the store themselves while no gateway listens: these are to ask the gateway.
    serving = Commands(
        tmp_path, "--config", configuration, STOWGATE_LISTEN="127.0.0.1:0", **environment
    ).begin("serve")
    try:
        told = next(line for line in serving.stdout if line.startswith(b"listening on "))
        address = told.decode().strip().rpartition("/")[2]
        commands = Commands(tmp_path, "--config", configuration, STOWGATE_LISTEN=address, **environment)
        eventually(lambda: commands("info").code == 0, 30, "a gateway that serves")
        trial = commands("test-s3", "--json").expect()
        assert json.loads(trial.out)["ok"] is True
        commands("healthcheck").expect()
    finally:
        serving.terminate()
        serving.communicate(timeout=30)
