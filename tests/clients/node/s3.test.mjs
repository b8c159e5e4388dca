// @aws-sdk/client-s3 with lib-storage and the presigner.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { after, before, test } from "node:test";
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  GetObjectTaggingCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  paginateListObjectsV2,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { client, named, text } from "./gateway.mjs";

const s3 = client();
const Bucket = `node-${randomBytes(5).toString("hex")}`;
const MIB = 1 << 20;

before(() => s3.send(new CreateBucketCommand({ Bucket })));

after(async () => {
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket })) {
    const Objects = (page.Contents ?? []).map(({ Key }) => ({ Key }));
    if (Objects.length) await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }));
  }
  await s3.send(new DeleteBucketCommand({ Bucket }));
});

test("put, head, get and delete", async () => {
  const put = await s3.send(
    new PutObjectCommand({
      Bucket,
      Key: "k",
      Body: "content",
      ContentType: "text/plain",
      Metadata: { Colour: "red" },
      Tagging: "a=1&b=2",
    }),
  );
  assert.equal(put.ETag, `"${createHash("md5").update("content").digest("hex")}"`);
  assert.ok(put.ChecksumCRC32);
  const head = await s3.send(new HeadObjectCommand({ Bucket, Key: "k" }));
  assert.equal(head.ContentLength, 7);
  assert.deepEqual(head.Metadata, { colour: "red" });
  assert.equal(head.ContentType, "text/plain");
  assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key: "k" }))), "content");
  const range = await s3.send(new GetObjectCommand({ Bucket, Key: "k", Range: "bytes=1-2" }));
  assert.equal(await text(range), "on");
  const tags = await s3.send(new GetObjectTaggingCommand({ Bucket, Key: "k" }));
  assert.deepEqual(tags.TagSet, [{ Key: "a", Value: "1" }, { Key: "b", Value: "2" }]);
  await s3.send(new DeleteObjectCommand({ Bucket, Key: "k" }));
  await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "k" })), named("NoSuchKey", 404));
  await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: "k" })), named("NotFound", 404));
});

test("errors have their names", async () => {
  const missing = { Bucket: "no-such-bucket-here" };
  await assert.rejects(s3.send(new ListObjectsV2Command(missing)), named("NoSuchBucket", 404));
  await assert.rejects(s3.send(new HeadBucketCommand(missing)), named("NotFound", 404));
  const stranger = client({ credentials: { accessKeyId: "AKNOBODY", secretAccessKey: "x" } });
  await assert.rejects(stranger.send(new ListObjectsV2Command({ Bucket })), named("InvalidAccessKeyId", 403));
});

test("a stream of known length", async () => {
  const body = randomBytes(3 * MIB);
  await s3.send(
    new PutObjectCommand({ Bucket, Key: "stream", Body: Readable.from([body]), ContentLength: body.length }),
  );
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "stream", ChecksumMode: "ENABLED" }));
  assert.ok(Buffer.from(await got.Body.transformToByteArray()).equals(body));
  assert.equal(got.ContentEncoding, undefined);
});

for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"]) {
  test(`a stream with a ${ChecksumAlgorithm} trailer`, async () => {
    const put = await s3.send(
      new PutObjectCommand({
        Bucket,
        Key: "trailer",
        Body: Readable.from([Buffer.from("one"), Buffer.from("two")]),
        ContentLength: 6,
        ChecksumAlgorithm,
      }),
    );
    assert.ok(put[`Checksum${ChecksumAlgorithm}`]);
    assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key: "trailer" }))), "onetwo");
  });
}

test("lib-storage uploads a stream of unknown length in parts", async () => {
  const pieces = Array.from({ length: 13 }, () => randomBytes(MIB));
  const upload = new Upload({
    client: s3,
    params: { Bucket, Key: "parts", Body: Readable.from(pieces), ContentType: "video/mp4" },
    partSize: 5 * MIB,
    queueSize: 3,
  });
  const done = await upload.done();
  assert.match(done.ETag, /-3"$/);
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: "parts" }));
  assert.equal(got.ContentType, "video/mp4");
  assert.ok(Buffer.from(await got.Body.transformToByteArray()).equals(Buffer.concat(pieces)));
});

test("an upload can be aborted", async () => {
  const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: "aborted" }));
  await s3.send(new AbortMultipartUploadCommand({ Bucket, Key: "aborted", UploadId }));
  const left = await s3.send(new ListMultipartUploadsCommand({ Bucket }));
  assert.equal(left.Uploads, undefined);
});

test("presigned URLs", async () => {
  const put = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "signed", Metadata: { a: "1" } }), {
    expiresIn: 60,
  });
  assert.equal((await fetch(put, { method: "PUT", body: "by fetch" })).status, 200);
  const get = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "signed" }), { expiresIn: 60 });
  const answer = await fetch(get);
  assert.equal(answer.status, 200);
  assert.equal(await answer.text(), "by fetch");
  assert.equal(answer.headers.get("x-amz-meta-a"), "1");
  assert.equal((await fetch(get, { method: "DELETE" })).status, 403);
});

const odd = [
  "a b+c", "a//b", "/lead", "../up/./x", "q?a=1&b", "h#h", "100%", "%41", "ü-日本-🦀", "<&>\"'", "tail/",
  "!*'()~@$,;:=",
];

test("keys of all kinds", async () => {
  const Prefix = "odd/";
  for (const name of odd) {
    const Key = Prefix + name;
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }));
    assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key }))), Key);
    const CopySource = encodeURIComponent(`${Bucket}/${Key}`);
    const copy = await s3.send(new CopyObjectCommand({ Bucket, Key: `copy/${name}`, CopySource }));
    assert.ok(copy.CopyObjectResult.ETag);
    assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key: `copy/${name}` }))), Key);
  }
  const listed = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  const order = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b));
  assert.deepEqual(listed.Contents.map((o) => o.Key), odd.map((k) => Prefix + k).sort(order));
});

test("a copy source that is not encoded", async () => {
  await s3.send(new PutObjectCommand({ Bucket, Key: "plain source+1", Body: "raw" }));
  const CopySource = `${Bucket}/plain source+1`;
  await s3.send(new CopyObjectCommand({ Bucket, Key: "raw-copy", CopySource }));
  assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key: "raw-copy" }))), "raw");
});

test("pages and deletes", async () => {
  const names = Array.from({ length: 25 }, (_, n) => `page/${String(n).padStart(3, "0")}`);
  await Promise.all(names.map((Key) => s3.send(new PutObjectCommand({ Bucket, Key, Body: "x" }))));
  const seen = [];
  let pages = 0;
  for await (const page of paginateListObjectsV2({ client: s3, pageSize: 10 }, { Bucket, Prefix: "page/" })) {
    pages += 1;
    seen.push(...page.Contents.map((o) => o.Key));
  }
  assert.equal(pages, 3);
  assert.deepEqual(seen, names);
  const grouped = await s3.send(new ListObjectsV2Command({ Bucket, Delimiter: "/" }));
  assert.ok(grouped.CommonPrefixes.some((p) => p.Prefix === "page/"));
  const Delete = { Objects: names.map((Key) => ({ Key })) };
  const gone = await s3.send(new DeleteObjectsCommand({ Bucket, Delete }));
  assert.equal(gone.Deleted.length, 25);
  const left = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "page/" }));
  assert.equal(left.KeyCount, 0);
});

test("conditions", async () => {
  const Key = "conditional";
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket, Key, Body: "1", IfNoneMatch: "*" }));
  await assert.rejects(
    s3.send(new PutObjectCommand({ Bucket, Key, Body: "2", IfNoneMatch: "*" })),
    named("PreconditionFailed", 412),
  );
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: "2", IfMatch: ETag }));
  assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key }))), "2");
});

test("a bucket in the host name, as the SDK does by default", async () => {
  const { hostname, port } = new URL(process.env.STOWGATE_ENDPOINT);
  assert.equal(hostname, "127.0.0.1");
  // Node asks the system's resolver for names below localhost, so the address is given by hand.
  const { NodeHttpHandler } = await import("@smithy/node-http-handler");
  const { Agent } = await import("node:http");
  const lookup = (_name, options, done) =>
    options.all ? done(null, [{ address: "127.0.0.1", family: 4 }]) : done(null, "127.0.0.1", 4);
  const byHost = client({
    endpoint: `http://s3.localhost:${port}`,
    forcePathStyle: false,
    requestHandler: new NodeHttpHandler({ httpAgent: new Agent({ keepAlive: true, lookup }) }),
  });
  await byHost.send(new PutObjectCommand({ Bucket, Key: "by/host", Body: "hosted" }));
  assert.equal(await text(await s3.send(new GetObjectCommand({ Bucket, Key: "by/host" }))), "hosted");
});

test("a body of more than two megabytes waits for permission", async () => {
  const Body = randomBytes(4 * MIB);
  await s3.send(new PutObjectCommand({ Bucket, Key: "expect", Body }));
  const missing = new PutObjectCommand({ Bucket: "no-such-bucket-here", Key: "expect", Body });
  await assert.rejects(s3.send(missing), named("NoSuchBucket", 404));
});
