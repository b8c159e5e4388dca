"""The applications, each started with its gateway and driven over HTTP as its users do."""

import contextlib
import json
import shutil
import sqlite3

from application import Application, gunicorn, storage_environment
from files import mp4, pdf, png
from front import Front
from gateway import MAIN, Key
from sites import Site, everybody_reads
from web import File, Web


class Driven:
    """A running application, its gateway, and a client of the application."""

    def __init__(self, site, application):
        self.site, self.application = site, application
        self.web = Web(application.base)
        self.public = Web(site.gateway.endpoint)


@contextlib.contextmanager
def started(kind, site, application):
    """Both, until the end."""
    with application:
        yield kind(site, application)


class VideoVote(Driven):
    """VideoVote's calls."""

    def user(self, name="Ada"):
        return self.web.post("/users", data={"name": name}).expect(201).json["id"]

    def avatar(self, user, name="profile.jpg", content=None, content_type="image/jpeg"):
        content = png(seed=user) if content is None else content
        return self.web.post(
            f"/users/{user}/avatar", form={"avatar": File(name, content, content_type)}
        )

    def profile(self, user):
        return self.web.get(f"/users/{user}").expect(200).json

    def video(self, user, film=None, thumbnail=None, name="film.mp4", thumb="thumb.jpg"):
        film = mp4(70_000, seed=user) if film is None else film
        thumbnail = png(seed=user + 1) if thumbnail is None else thumbnail
        form = {
            "user_id": user,
            "title": "A film",
            "video": File(name, film, "video/mp4"),
            "thumbnail": File(thumb, thumbnail, "image/jpeg"),
        }
        return self.web.post("/videos", form=form)

    def seen(self, url):
        """What somebody without a key sees at a URL that the application gave."""
        return self.public.get(url)


def turn_acls_on(s3, bucket):
    """From now on canned ACLs count, as in buckets that were made before AWS turned ACLs off."""
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    s3.put_bucket_ownership_controls(
        Bucket=bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )


def prepare_videovote(site):
    """What VideoVote's operator does with a new bucket: canned ACLs count, and everybody reads."""
    turn_acls_on(site.s3, site.bucket)
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=everybody_reads(site.bucket))


def videovote_application(site, directory, **environment):
    """VideoVote, with the gateway as its S3 service."""
    return Application(
        "videovote",
        directory,
        gunicorn("videovote:create_app()"),
        {
            **storage_environment(site.gateway.endpoint, site.key),
            "AWS_BUCKET_NAME": site.bucket,
            "DATABASE": str(directory / "videovote.sqlite3"),
            "STATIC_FOLDER": str(directory / "static"),
            **environment,
        },
    )


@contextlib.contextmanager
def videovote(server, directory, mode):
    with contextlib.closing(
        Site(server, directory / "gateway", "videovote-uploads", mode)
    ) as site:
        if server.name == "stowgate":
            turn_acls_on(site.up, site.there)
        prepare_videovote(site.start())
        application = videovote_application(site, directory / "application")
        with started(VideoVote, site, application) as driven:
            yield driven


JWT_SECRET = "makeplus-jwt-secret-0123456789abcdef"
SET_UP = """
import django
django.setup()
from django.contrib.auth.models import Group, User
from django.core.management import call_command
call_command("migrate", verbosity=0)
managers = Group.objects.create(name="managers")
for name in ("manager", "editor", "member"):
    user = User.objects.create_user(name, password=f"{name}-password")
    if name == "manager":
        user.groups.add(managers)
"""


class MakePlus(Driven):
    """MakePlus behind nginx, and its calls."""

    front = None

    def behind(self, front):
        """With clients of the site, the CDN and the S3 service behind this nginx."""
        self.front = front
        self.web = Web(front.url("site"), front.trust)
        self.cdn = Web(front.url("cdn"), front.trust)
        self.s3 = Web(front.url("s3"), front.trust)
        self._tokens = {}
        return self

    def token(self, name):
        """The bearer token of a user."""
        if name not in self._tokens:
            who = {"username": name, "password": f"{name}-password"}
            self._tokens[name] = self.web.post("/api/token/", data=who).expect(200).json["access"]
        return self._tokens[name]

    def as_(self, name):
        """A client that a user has signed in to."""
        return self.web.with_headers(authorization=f"Bearer {self.token(name)}")

    def event(self, who="manager", programme=None, guide=None, **fields):
        """Asks for a new event."""
        programme = File("programme.pdf", pdf(), "application/pdf") if programme is None else programme
        form = {"title": "Fair", "starts_at": "2030-05-01T18:00:00Z", "programme_file": programme, **fields}
        if guide is not None:
            form["guide_file"] = guide
        return self.as_(who).post("/api/events/", form=form)

    def key(self, url):
        """The key below the URL of a medium."""
        start = f"{self.front.url('site')}/media/"
        assert url.startswith(start), url
        return url.removeprefix(start)

    def records(self):
        """The rows of events in its database."""
        with contextlib.closing(sqlite3.connect(self.application.environment["DATABASE"])) as opened:
            opened.row_factory = sqlite3.Row
            return [dict(row) for row in opened.execute("select * from events_event")]


def prepare_makeplus(site, origin):
    """What MakePlus's operator does with the bucket: everybody reads events, and the site's pages
    upload by forms."""
    site.s3.put_bucket_policy(Bucket=site.bucket, Policy=everybody_reads(site.bucket, "events/"))
    rule = {
        "AllowedOrigins": [origin],
        "AllowedMethods": ["GET", "POST", "PUT"],
        "AllowedHeaders": ["*"],
        "ExposeHeaders": ["ETag"],
    }
    site.s3.put_bucket_cors(Bucket=site.bucket, CORSConfiguration={"CORSRules": [rule]})


@contextlib.contextmanager
def makeplus(server, directory, mode, more=""):
    with contextlib.ExitStack() as stack:
        front = Front(directory / "nginx")
        site = Site(server, directory / "gateway", "media", mode, more=more)
        stack.enter_context(contextlib.closing(site))
        site.start()
        stack.callback(front.stop)
        front.start(site.gateway.port)
        prepare_makeplus(site, front.url("site"))
        application = Application(
            "makeplus",
            directory / "application",
            gunicorn("makeplus.wsgi", front.ports["application"]),
            {
                **storage_environment(front.url("s3"), site.key),
                "AWS_CA_BUNDLE": front.trust,
                "AWS_STORAGE_BUCKET_NAME": site.bucket,
                "MEDIA_DOMAIN": f"localhost:{front.ports['site']}/media",
                "DATABASE": str(directory / "application" / "makeplus.sqlite3"),
                "DJANGO_SETTINGS_MODULE": "makeplus.settings",
                "DJANGO_SECRET_KEY": "makeplus-django-secret-0123456789",
                "JWT_SECRET": JWT_SECRET,
            },
        )
        template = directory.parent / "makeplus.sqlite3"
        if template.exists():
            shutil.copy(template, application.environment["DATABASE"])
        else:
            application.run("-c", SET_UP)
            shutil.copy(application.environment["DATABASE"], template)
        with started(MakePlus, site, application) as driven:
            yield driven.behind(front)


# Who is signed in to PSC by which token.
PEOPLE = {
    "token-of-ada": {"name": "ada", "company": 1},
    "token-of-bob": {"name": "bob", "company": 2},
}
# Keys of a company of its own, as they are given to its own programs.
COMPANIES = {
    company: Key(
        f"AKCOMPANY{company}", f"company-{company}-secret-0123456", "read-write", MAIN.owner, "Main", company=company
    )
    for company in ("1", "2")
}
# High, so that a few kilobytes cost something.
PRICES = "[usage]\nlocal_price = 1000.0\ns3_price = 2300.0\n\n"


class Psc(Driven):
    """PSC Accounting's calls."""

    def as_(self, name):
        """A client that somebody has signed in to."""
        return self.web.with_headers(authorization=f"Bearer token-of-{name}")

    def attach(self, who, *files, type="invoice"):
        """Attaches files; the answer."""
        form = [("type", type), *(("files", file) for file in files)]
        return self.as_(who).post("/attachments", form=form)

    def attached(self, who, name="invoice.pdf", content=None, type="invoice"):
        """The record of one new attachment."""
        file = File(name, pdf(name) if content is None else content, "application/pdf")
        (record,) = self.attach(who, file, type=type).expect(201).json
        return record

    def content(self, who, id):
        """What an attachment's URL gives to somebody without a key."""
        url = self.as_(who).get(f"/attachments/{id}/url").expect(200).json["url"]
        return self.public.get(url).expect(200).body


def psc_application(site, directory, key=None):
    """PSC Accounting, with the gateway as its S3 service."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tokens.json").write_text(json.dumps(PEOPLE))
    return Application(
        "psc",
        directory,
        ["uvicorn", "--host", "127.0.0.1", "--port", "0", "psc.main:app"],
        {
            **storage_environment(site.gateway.endpoint, key or site.key),
            "S3_BUCKET": site.bucket,
            "DATABASE": str(directory / "psc.sqlite3"),
            "TOKENS_FILE": str(directory / "tokens.json"),
        },
    )


@contextlib.contextmanager
def psc(server, directory, mode, more=""):
    with contextlib.closing(
        Site(server, directory / "gateway", "psc-accounting", mode, more=PRICES + more, keys=COMPANIES.values())
    ) as site:
        application = psc_application(site.start(), directory / "application")
        with started(Psc, site, application) as driven:
            yield driven
