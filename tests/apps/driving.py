"""The applications, each started with its gateway and driven over HTTP as its users do."""

import contextlib

from application import Application, gunicorn, storage_environment
from files import mp4, png
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


def prepare_videovote(site):
    """What VideoVote's operator does with a new bucket: canned ACLs count, and everybody reads."""
    site.s3.put_public_access_block(
        Bucket=site.bucket,
        PublicAccessBlockConfiguration={
            "BlockPublicAcls": False,
            "IgnorePublicAcls": False,
            "BlockPublicPolicy": False,
            "RestrictPublicBuckets": False,
        },
    )
    site.s3.put_bucket_ownership_controls(
        Bucket=site.bucket,
        OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]},
    )
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
        prepare_videovote(site.start())
        application = videovote_application(site, directory / "application")
        with started(VideoVote, site, application) as driven:
            yield driven
