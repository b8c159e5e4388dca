"""A client that does random things and checks every answer against the model."""

import base64
import dataclasses
import hashlib
import http.client
import random
import threading
import time
import xml.etree.ElementTree as ElementTree

from model import Content, OwnKey, Wrong
from plain import NAMESPACE, Refused

LOST = (OSError, http.client.HTTPException)


class Actor(threading.Thread):
    """One client. Its keys are its own; the shared ones are everyone's."""

    def __init__(self, number, world, seed, shared, others, log):
        super().__init__(daemon=True)
        self.number, self.world, self.shared, self.log = number, world, shared, log
        self.chance = random.Random(f"{seed}-{number}")
        self.keys = {
            bucket: [OwnKey(f"/{bucket}/a{number}/k{n}") for n in range(6)] for bucket in world.modes
        }
        self.others = others
        others.append(self)
        self.uploads = []
        self.failure, self.done = None, 0
        self._client, self._life, self._begun_in = None, 0, 0

    def run(self):
        try:
            while not self.world.over.is_set():
                self._begun_in = self.world.life
                if self.world.serving.wait(0.1):
                    self.step()
                    self.done += 1
        except Exception as error:
            self.failure = error
            self.world.over.set()

    def step(self):
        conditional = 4 if self.world.conditional else 0
        kinds = {
            self.put: 30, self.read: 25, self.delete: 14, self.list: 8, self.copy: 5, self.tag: 4,
            self.create_only: conditional, self.replace_only: conditional,
            self.begin_upload: 2, self.go_on_upload: 4,
            self.put_shared: 6, self.delete_shared: 2, self.read_shared: 8, self.delete_many: 2,
        }
        self.chance.choices(list(kinds), weights=list(kinds.values()))[0]()

    def key(self):
        bucket = self.chance.choice(list(self.keys))
        return bucket, self.chance.choice(self.keys[bucket])

    def content(self):
        size = self.chance.choice((0, 20, 3000, 3000, 150_000, 700_000))
        return Content.make(self.chance, size)

    # Talking

    def ask(self, method, path, **settings):
        """Sends; a lost connection is an error of LOST, which only the gateway's end excuses."""
        client, began = self.connection(), time.monotonic()
        try:
            return client.ask(method, path, **settings)
        except LOST as error:
            # An object that breaks off in the middle can be told in no other way.
            if method != "GET" or not self.world.away(began):
                self.lost(f"{method} {path}", error)
            raise

    def connection(self):
        """The connection to the process that served when this step began."""
        if self._begun_in != self.world.life:
            raise ConnectionResetError("it was restarted meanwhile")
        if self._life != self._begun_in:
            if self._client is not None:
                self._client.close()
            self._client, self._life = self.world.client(), self._begun_in
        return self._client

    def adopt(self):
        """Goes on with whatever process serves now, from outside its own thread."""
        self._begun_in = self.world.life

    def lost(self, what, error):
        world = self.world
        if world.serving.is_set() and self._life == world.life and world.gateway.alive():
            raise Wrong(f"{what}: {error!r} while it was serving") from None

    def note(self, what):
        self.log.append(f"{time.monotonic():.3f} client {self.number}: {what}")

    def write(self, key, new, send, conditional=False):
        """Sends a write or delete of an own key and settles what it came to. True where it was
        acknowledged."""
        bucket = key.path.split("/")[1]
        mode, before, began = self.world.modes[bucket], key.possible, time.monotonic()
        key.begin(new)
        try:
            answer, _ = send()
        except Refused as error:
            self.note(f"{key.path} = {new}: {error.status} {error.code}")
            if error.status == 503 and error.code == "ServiceUnavailable":
                key.unknown()
                if mode != "upstream" and not conditional:
                    raise Wrong(f"{key.path} in mode {mode}: a write was refused: {error}") from None
                self.excused(began, error, key.path)
                return False
            if conditional and error.status in (404, 409, 412):
                key.refused(before)
                return error
            raise Wrong(f"{key.path} in mode {mode}: {error}") from None
        except LOST as error:
            self.note(f"{key.path} = {new}: lost, {error!r}")
            key.unknown()
            return False
        self.note(f"{key.path} = {new}: acknowledged in mode {mode}")
        key.acknowledged(new)
        if new is not None and answer.get("etag") not in (None, new.etag):
            raise Wrong(f"{key.path}: the ETag is {answer['etag']} instead of {new.etag}")
        return True

    def excused(self, began, error, what):
        """A 503 needs an upstream that is away."""
        if not self.world.away(began):
            raise Wrong(f"{what}: {error} while nothing is wrong") from None

    # Writing

    def send_put(self, path, content, headers=()):
        headers = [("x-amz-meta-version", str(content.version)), *headers]
        if content.tag:
            headers.append(("x-amz-tagging", f"t={content.tag}"))
        return self.ask("PUT", path, headers=headers, body=content.body)

    def put(self):
        _, key = self.key()
        new = self.content()
        self.write(key, new, lambda: self.send_put(key.path, new))

    def delete(self):
        _, key = self.key()
        self.write(key, None, lambda: self.ask("DELETE", key.path))

    def delete_many(self):
        bucket = self.chance.choice(list(self.keys))
        keys = self.chance.sample(self.keys[bucket], 3)
        mode, began = self.world.modes[bucket], time.monotonic()
        for key in keys:
            key.begin(None)
        names = "".join(f"<Object><Key>{k.path.split('/', 2)[2]}</Key></Object>" for k in keys)
        try:
            _, body = self.post(f"/{bucket}", "delete", f"<Delete>{names}</Delete>")
        except Refused as error:
            for key in keys:
                key.unknown()
            if error.status != 503 or mode != "upstream":
                raise Wrong(f"{bucket} in mode {mode}: {error}") from None
            return self.excused(began, error, bucket)
        except LOST:
            for key in keys:
                key.unknown()
            return None
        root = ElementTree.fromstring(body)
        deleted = {e.findtext(NAMESPACE + "Key") for e in root.iter(NAMESPACE + "Deleted")}
        for key in keys:
            if key.path.split("/", 2)[2] in deleted:
                key.acknowledged(None)
            else:
                key.unknown()
                if mode != "upstream" or not self.world.away(began):
                    raise Wrong(f"{key.path} in mode {mode}: not deleted: {body!r}")
        self.note(f"deleted of {bucket}: {deleted}")
        return None

    def post(self, path, query, document):
        digest = base64.b64encode(hashlib.md5(document.encode()).digest()).decode()
        headers = [("content-md5", digest)]
        method = "POST" if query == "delete" else "PUT"
        return self.ask(method, path, query=[(query, "")], headers=headers, body=document.encode())

    def tag(self):
        _, key = self.key()
        for old in key.certain():
            if old is None:
                return
            new = dataclasses.replace(old, tag=f"t{self.chance.randrange(1000)}")
            tags = f"<Tag><Key>t</Key><Value>{new.tag}</Value></Tag>"
            document = f"<Tagging><TagSet>{tags}</TagSet></Tagging>"
            # What only the upstream holds can't be tagged while that is away.
            self.write(key, new, lambda: self.post(key.path, "tagging", document), conditional=True)

    def copy(self):
        bucket, source = self.key()
        target = self.chance.choice(self.keys[self.chance.choice([bucket, *self.keys])])
        for old in source.certain():
            if old is None or target is source or old.parts:
                return
            headers = [("x-amz-copy-source", source.path)]

            def send():
                _, body = self.ask("PUT", target.path, headers=headers)
                if ElementTree.fromstring(body).tag == "Error":
                    raise Refused(503, body)
                return {}, body

            # The source may be out of reach.
            outcome = self.write(target, old, send, conditional=True)
            if isinstance(outcome, Refused):
                raise Wrong(f"{source.path} -> {target.path}: {outcome}")

    def create_only(self):
        _, key = self.key()
        before, new = key.possible, self.content()
        headers = [("if-none-match", "*")]
        outcome = self.write(key, new, lambda: self.send_put(key.path, new, headers), conditional=True)
        if outcome is True and None not in before:
            raise Wrong(f"{key.path}: created although it holds {before}")
        if isinstance(outcome, Refused):
            if outcome.status == 404 or (outcome.status == 412 and before == {None}):
                raise Wrong(f"{key.path}: {outcome} although it holds {before}")

    def replace_only(self):
        _, key = self.key()
        new = self.content()
        for old in key.certain():
            right = old is not None and self.chance.random() < 0.7
            etag = old.etag if right else '"00000000000000000000000000000000"'
            headers = [("if-match", etag)]
            outcome = self.write(
                key, new, lambda: self.send_put(key.path, new, headers), conditional=True
            )
            if outcome is True and not right:
                raise Wrong(f"{key.path}: replaced although it holds {old}")
            if isinstance(outcome, Refused):
                if right or outcome.status != (404 if old is None else 412):
                    raise Wrong(f"{key.path}: {outcome} although it holds {old}")

    # Uploads in parts, over a longer time

    def begin_upload(self):
        _, key = self.key()
        new = Content.make(self.chance, self.chance.choice((10, 200_000)), parts=True)
        headers = [("x-amz-meta-version", str(new.version))]
        began = time.monotonic()
        try:
            _, body = self.ask("POST", key.path, query=[("uploads", "")], headers=headers)
        except Refused as error:
            return self.away_in_upstream_mode(key, began, error)
        except LOST:
            return None
        upload = ElementTree.fromstring(body).findtext(NAMESPACE + "UploadId")
        mode = self.world.modes[key.path.split("/")[1]]
        self.uploads.append({"key": key, "new": new, "id": upload, "mode": mode, "parts": []})
        return None

    def away_in_upstream_mode(self, key, began, error):
        mode = self.world.modes[key.path.split("/")[1]]
        if mode != "upstream" or error.status != 503:
            raise Wrong(f"{key.path} in mode {mode}: {error}")
        self.excused(began, error, key.path)

    def go_on_upload(self):
        if not self.uploads:
            return
        upload = self.chance.choice(self.uploads)
        key, new, parts = upload["key"], upload["new"], upload["parts"]
        mode = self.world.modes[key.path.split("/")[1]]
        if mode != upload["mode"]:
            # Ids of another mode mean nothing; parts of it must not do harm.
            self.uploads.remove(upload)
            return
        query = [("uploadId", upload["id"])]
        began = time.monotonic()
        if len(parts) < 2:
            number = len(parts) + 1
            try:
                answer, _ = self.ask(
                    "PUT", key.path, query=[("partNumber", str(number)), *query],
                    body=new.pieces()[number - 1],
                )
            except Refused as error:
                return self.away_in_upstream_mode(key, began, error)
            except LOST:
                return None
            parts.append(answer["etag"])
            return None
        listed = "".join(
            f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>"
            for n, etag in enumerate(parts, 1)
        )
        document = f"<CompleteMultipartUpload>{listed}</CompleteMultipartUpload>".encode()

        def send():
            headers, body = self.ask("POST", key.path, query=query, body=document)
            root = ElementTree.fromstring(body)
            if root.tag == "Error":
                raise Refused(503, body)
            if root.findtext(NAMESPACE + "ETag") != new.etag:
                raise Wrong(f"{key.path}: completed as {body!r} instead of {new.etag}")
            return {}, body

        self.write(key, new, send)
        # Whatever it came to: a second completion would be another write of the same version.
        self.uploads.remove(upload)
        return None

    # Reading

    def read(self):
        actor = self.chance.choice(self.others)
        bucket = self.chance.choice(list(self.keys))
        key = self.chance.choice(actor.keys[bucket])
        before = (key.epoch, key.busy)
        if before[1]:
            return
        possible = set(key.possible)
        found = self.fetch(key.path, possible)
        if found is not False and (key.epoch, key.busy) == before:
            key.seen(found)

    def fetch(self, path, candidates, whole=False):
        """Reads a key: the Content among the candidates that it is, None for no object, False for
        an excused or lost answer. Anything else is wrong in itself."""
        began = time.monotonic()
        method = "GET" if whole else self.chance.choice(("GET", "GET", "GET", "HEAD"))
        part = method == "GET" and not whole and self.chance.random() < 0.2
        headers = [("range", "bytes=1-40")] if part else []
        try:
            answer, body = self.ask(method, path, headers=headers)
        except Refused as error:
            if error.status == 404:
                return None
            if error.status == 503:
                self.excused(began, error, path)
                return False
            if error.status == 416 and part:
                return False
            raise Wrong(f"{path}: {error}") from None
        except LOST:
            return False
        version = int(answer["x-amz-meta-version"])
        known = [c for c in candidates if c is not None and c.version == version]
        if not known:
            return f"version {version}"
        content = known[0]
        expected = content.body[1:41] if part else content.body
        if answer["etag"] != content.etag:
            raise Wrong(f"{path}: the ETag of {content} is {answer['etag']} instead of {content.etag}")
        if method == "GET" and body != expected:
            raise Wrong(f"{path}: the bytes are not those of {content}")
        if method == "HEAD" and int(answer["content-length"]) != len(content.body):
            raise Wrong(f"{path}: {answer['content-length']} bytes instead of {content}")
        if len(known) > 1 or content.tag:
            return self.tagged(path, known)
        return content

    def tagged(self, path, known):
        """Which of the contents that differ in their tag only it is."""
        began = time.monotonic()
        try:
            _, body = self.ask("GET", path, query=[("tagging", "")])
        except Refused as error:
            if error.status == 503:
                self.excused(began, error, path)
            return False
        except LOST:
            return False
        value = ElementTree.fromstring(body).find(f".//{NAMESPACE}Value")
        tag = "" if value is None else value.text
        same = [content for content in known if content.tag == tag]
        return same[0] if same else f"version {known[0].version} with the tag {tag!r}"

    def list(self):
        bucket = self.chance.choice(list(self.keys))
        keys = [key for actor in self.others for key in actor.keys[bucket]]
        before = {key: (key.epoch, key.busy) for key in keys}
        began = time.monotonic()
        try:
            found = self.connection().list(bucket, page=self.chance.choice((1000, 7, 3)))
        except Refused as error:
            if error.status != 503 or self.world.modes.get(bucket) == "local":
                raise Wrong(f"listing {bucket}: {error}") from None
            return self.excused(began, error, bucket)
        except LOST as error:
            return self.lost(f"listing {bucket}", error)
        for key in keys:
            if (key.epoch, key.busy) != before[key] or key.busy:
                continue
            self.listed(key, found.get(key.path.split("/", 2)[2]))
        return None

    @staticmethod
    def listed(key, entry):
        """Checks a key's entry: (size, etag), or None."""
        possible = [None if c is None else (len(c.body), c.etag) for c in key.possible]
        if entry not in possible:
            expected = " or ".join(str(c) for c in key.possible)
            raise Wrong(f"{key.path} is listed as {entry}, and can only hold {expected}")

    # Keys of everyone

    def put_shared(self):
        key, new = self.chance.choice(self.shared), self.content()
        self.write_shared(key, new, lambda: self.send_put(key.path, new))

    def delete_shared(self):
        key = self.chance.choice(self.shared)
        self.write_shared(key, None, lambda: self.ask("DELETE", key.path))

    def write_shared(self, key, new, send):
        mode, began = self.world.modes[key.path.split("/")[1]], time.monotonic()
        write = key.begin(new)
        try:
            send()
        except Refused as error:
            if error.status != 503 or mode != "upstream":
                raise Wrong(f"{key.path} in mode {mode}: {error}") from None
            return self.excused(began, error, key.path)
        except LOST:
            return None
        key.acknowledged(write)
        self.note(f"{key.path} = {new}: acknowledged in mode {mode}")
        return None

    def read_shared(self):
        key = self.chance.choice(self.shared)
        began = time.monotonic()
        # Candidates are all that were ever begun: which of them it may be is asked afterwards.
        found = self.fetch(key.path, Everything(key))
        if found is not False:
            key.seen(found, began)


class Everything:
    """The contents that anyone may have written to a shared key up to now."""

    def __init__(self, key):
        self._key = key

    def __iter__(self):
        return iter(self._key.possible(0.0))
