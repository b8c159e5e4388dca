"""VideoVote: people show videos, and vote for them."""

import os
import pathlib

import boto3
import botocore.exceptions
import flask

from . import records, storage, views


def create_app():
    """The application, as the environment configures it."""
    app = flask.Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = 512 * 1024 * 1024
    app.config["DATABASE"] = os.environ.get("DATABASE", "videovote.sqlite3")
    region = os.environ.get("AWS_REGION", "us-east-1")
    app.extensions["storage"] = storage.Storage(
        boto3.client("s3", region_name=region),
        os.environ["AWS_BUCKET_NAME"],
        os.environ.get("LOCAL_BASE_URL", "/static"),
    )
    records.prepare(app.config["DATABASE"])
    app.teardown_appcontext(records.close)
    app.register_blueprint(views.pages)
    app.register_error_handler(storage.Refused, _refused)
    app.register_error_handler(botocore.exceptions.BotoCoreError, _storage_failed)
    app.register_error_handler(botocore.exceptions.ClientError, _storage_failed)
    static = pathlib.Path(os.environ.get("STATIC_FOLDER", "static")).resolve()
    app.add_url_rule(
        "/static/<path:name>", "static", lambda name: flask.send_from_directory(static, name)
    )
    return app


def _refused(error):
    return flask.jsonify(error=str(error)), 400


def _storage_failed(error):
    flask.current_app.logger.error("storage: %s", error)
    return flask.jsonify(error="The file could not be stored. Please try again later."), 502
