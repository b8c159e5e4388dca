"""The calls."""

import contextlib
import dataclasses
import json
import logging
import os
import pathlib
from typing import Annotated, Literal

import boto3
import botocore.config
import botocore.exceptions
from fastapi import Depends, FastAPI, Form, HTTPException, Request, UploadFile
from fastapi.responses import JSONResponse, RedirectResponse, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from .records import Records, shown
from .storage import MAX_SIZE, Refused, Storage, check, new_key, safe_name

log = logging.getLogger("uvicorn.error")
Type = Literal["invoice", "expense", "payroll", "bank_statement"]


@dataclasses.dataclass(frozen=True)
class User:
    """Somebody of a company."""

    name: str
    company: int


@contextlib.asynccontextmanager
async def lifespan(app):
    region = os.environ.get("AWS_REGION", "us-east-1")
    config = botocore.config.Config(signature_version="s3v4")
    client = boto3.client("s3", region_name=region, config=config)
    app.state.storage = Storage(client, os.environ["S3_BUCKET"])
    app.state.records = Records(os.environ.get("DATABASE", "psc.sqlite3"))
    users = json.loads(pathlib.Path(os.environ["TOKENS_FILE"]).read_text())
    app.state.users = {token: User(**user) for token, user in users.items()}
    try:
        app.state.storage.test()
    except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError) as error:
        log.warning("the bucket cannot be reached: %s", error)
    yield


app = FastAPI(title="PSC Accounting", lifespan=lifespan)


@app.exception_handler(Refused)
def refused(_request, error):
    return JSONResponse({"detail": str(error)}, 400)


@app.exception_handler(botocore.exceptions.ClientError)
@app.exception_handler(botocore.exceptions.BotoCoreError)
def storage_failed(_request, error):
    log.error("storage: %s", error)
    return JSONResponse({"detail": "The storage does not answer as it should."}, 502)


def signed_in(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(HTTPBearer(auto_error=False))]
) -> User:
    user = request.app.state.users.get(given.credentials) if given else None
    if user is None:
        raise HTTPException(401, "Sign in first.")
    return user


SignedIn = Annotated[User, Depends(signed_in)]


def _row(request, user, id):
    """The user's company's attachment. Another company's is not there."""
    row = request.app.state.records.get(user.company, id)
    if row is None:
        raise HTTPException(404, "There is no such attachment.")
    return row


def _store(storage, type, company, file):
    """Stores an uploaded file, and gives what is recorded of it."""
    if file.size > MAX_SIZE:
        raise Refused("The file is larger than 25 MB.")
    name = safe_name(file.filename)
    start = file.file.read(512)
    file.file.seek(0)
    check(name, start)
    key = new_key(type, company, name)
    content_type = file.content_type or "application/octet-stream"
    storage.save(key, file.file, content_type)
    size, etag = storage.describe(key)
    return {"file_name": name, "content_type": content_type, "size": size, "etag": etag, "s3_key": key}


@app.post("/attachments", status_code=201)
def add(request: Request, user: SignedIn, type: Annotated[Type, Form()], files: list[UploadFile]):
    state, ids = request.app.state, []
    for file in files:
        stored = _store(state.storage, type, user.company, file)
        ids.append(
            state.records.add(
                company_id=user.company,
                type=type,
                s3_bucket=state.storage.bucket,
                created_by=user.name,
                **stored,
            )
        )
    return [shown(state.records.get(user.company, id)) for id in ids]


@app.get("/attachments")
def list_all(request: Request, user: SignedIn, type: Type | None = None):
    return [shown(row) for row in request.app.state.records.list(user.company, type)]


class Upload(BaseModel):
    """A file that its owner will send to the bucket."""

    type: Type
    file_name: str
    content_type: str


@app.post("/attachments/uploads", status_code=201)
def begin_upload(request: Request, user: SignedIn, upload: Upload):
    state, name = request.app.state, safe_name(upload.file_name)
    check(name, b"")
    key = new_key(upload.type, user.company, name)
    id = state.records.add(
        company_id=user.company,
        type=upload.type,
        file_name=name,
        content_type=upload.content_type,
        s3_bucket=state.storage.bucket,
        s3_key=key,
        created_by=user.name,
    )
    url, headers = state.storage.upload_url(key, upload.content_type)
    return {"id": id, "url": url, "headers": headers}


@app.post("/attachments/{id}/complete")
def complete_upload(request: Request, user: SignedIn, id: int):
    state, row = request.app.state, _row(request, user, id)
    size, etag = state.storage.describe(row["s3_key"])
    try:
        if size > MAX_SIZE:
            raise Refused("The file is larger than 25 MB.")
        check(row["file_name"], state.storage.start(row["s3_key"]) if size else b"")
    except Refused:
        state.storage.remove(row["s3_key"])
        state.records.remove(user.company, id)
        raise
    state.records.change(user.company, id, size=size, etag=etag)
    return shown(state.records.get(user.company, id))


@app.get("/attachments/{id}")
def show(request: Request, user: SignedIn, id: int):
    return shown(_row(request, user, id))


@app.get("/attachments/{id}/url")
def url(request: Request, user: SignedIn, id: int):
    row = _row(request, user, id)
    return {"url": request.app.state.storage.download_url(row["s3_key"], row["file_name"])}


@app.get("/attachments/{id}/download")
def download(request: Request, user: SignedIn, id: int):
    return RedirectResponse(url(request, user, id)["url"], 307)


@app.put("/attachments/{id}")
def replace(request: Request, user: SignedIn, id: int, file: UploadFile):
    state, row = request.app.state, _row(request, user, id)
    stored = _store(state.storage, row["type"], user.company, file)
    state.records.change(user.company, id, **stored)
    state.storage.remove(row["s3_key"])
    return shown(state.records.get(user.company, id))


@app.delete("/attachments/{id}", status_code=204)
def remove(request: Request, user: SignedIn, id: int):
    row = _row(request, user, id)
    request.app.state.storage.remove(row["s3_key"])
    request.app.state.records.remove(user.company, id)
    return Response(status_code=204)


@app.post("/attachments/remove", status_code=204)
def remove_several(request: Request, user: SignedIn, ids: list[int]):
    rows = [_row(request, user, id) for id in ids]
    if rows:
        request.app.state.storage.remove(*(row["s3_key"] for row in rows))
    for row in rows:
        request.app.state.records.remove(user.company, row["id"])
    return Response(status_code=204)
