"""Encryption where objects lie, from outside: what the disk holds, ranges, damage, rotation."""

import os
import random
import signal
import stat

import boto3.s3.transfer
import botocore.exceptions
import pytest

from gateway import MAIN, NotServing
from connect import connect
from s3check import refused
from waiting import eventually

MARKER = b"-no file may hold these words-"
# What is in one encrypted segment.
SEGMENT = 65520
SIZES = (0, 1, 1000, SEGMENT - 1, SEGMENT, SEGMENT + 1, 131_072, 200_000, 3 * SEGMENT, 5_000_000)


def key_of(byte):
    return f"{byte:02x}" * 32


def keys_toml(*ids, active=None, extra=""):
    text = f'[encryption]\nactive = "{active or ids[0]}"\n{extra}'
    for number, name in enumerate(ids):
        text += f'[[encryption.keys]]\nid = "{name}"\nkey = "{key_of(int(name[-1]))}"\n'
    return text


def marked(size):
    return (MARKER * (size // len(MARKER) + 1))[:size]


def files(gateway):
    return [path for path in gateway.data.rglob("*") if path.is_file()]


def holding(gateway, words=MARKER):
    return [str(path) for path in files(gateway) if words in path.read_bytes()]


def reload(gateway, config, words):
    """Another configuration while it runs; returns once the log says `words`."""
    before = gateway.log.stat().st_size
    gateway.configure(config)
    os.kill(gateway.pid, signal.SIGHUP)
    eventually(lambda: words in gateway.log.read_bytes()[before:].decode(), seconds=30)


def body(s3, key, **arguments):
    return s3.get_object(Bucket="bucket", Key=key, **arguments)["Body"].read()


def test_nothing_is_in_the_clear(encrypting):
    gateway = encrypting(keys_toml("k1"))
    s3 = gateway.s3
    transfer = boto3.s3.transfer.TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=5 << 20)
    for size in SIZES:
        put = s3.put_object(
            Bucket="bucket", Key=f"put/{size}", Body=marked(size), ServerSideEncryption="AES256"
        )
        assert put["ServerSideEncryption"] == "AES256"
    path = gateway.directory / "large"
    path.write_bytes(marked(17_000_001))
    s3.upload_file(
        str(path), "bucket", "parts", ExtraArgs={"ServerSideEncryption": "AES256"}, Config=transfer
    )
    copied = s3.copy_object(Bucket="bucket", Key="copy", CopySource="bucket/put/200000")
    assert copied["ServerSideEncryption"] == "AES256"
    assert holding(gateway) == []
    assert gateway.stop() == 0
    assert holding(gateway) == []
    assert gateway.check().returncode == 0, "the offline check needs no key"
    gateway.start()
    s3 = connect(gateway, MAIN)
    for size in SIZES:
        got = s3.get_object(Bucket="bucket", Key=f"put/{size}")
        assert (got["ServerSideEncryption"], got["Body"].read()) == ("AES256", marked(size))
    assert body(s3, "parts") == marked(17_000_001)
    assert body(s3, "copy") == marked(200_000)
    # The same in the clear would have been found.
    s3.put_object(Bucket="bucket", Key="plain", Body=marked(200_000))
    assert len(holding(gateway)) == 1


def test_ranges_are_those_of_the_plain_object(encrypting):
    gateway = encrypting('[encryption]\ndefault = true\n')
    chance = random.Random(7)
    content = chance.randbytes(5 * SEGMENT + 77)
    put = gateway.s3.put_object(Bucket="bucket", Key="k", Body=content)
    assert put["ServerSideEncryption"] == "AES256"
    own = gateway.data / "master.key"
    assert stat.S_IMODE(own.stat().st_mode) == 0o600
    edges = [n * SEGMENT + d for n in range(6) for d in (-1, 0, 1) if n * SEGMENT + d >= 0]
    pairs = [(a, b) for a in edges for b in edges if a <= b < len(content)]
    for first, last in chance.sample(pairs, 40):
        got = body(gateway.s3, "k", Range=f"bytes={first}-{last}")
        assert got == content[first : last + 1], (first, last)
    assert body(gateway.s3, "k", Range="bytes=-10") == content[-10:]


def test_a_flipped_bit_is_an_error_and_never_data(encrypting):
    gateway = encrypting(keys_toml("k1"))
    content = random.Random(3).randbytes(300_000)
    for key, size in (("small", 20_000), ("large", 300_000)):
        gateway.s3.put_object(
            Bucket="bucket", Key=key, Body=content[:size], ServerSideEncryption="AES256"
        )
    blob = next(path for path in files(gateway) if path.suffix == ".blob")
    whole = blob.read_bytes()
    for place in (0, 65_519, 65_520, 65_535, 65_536, 200_000, 300_050):
        damaged = bytearray(whole)
        damaged[place] ^= 4
        blob.write_bytes(damaged)
        with pytest.raises(Exception) as caught:
            body(gateway.s3, "large")
        assert not isinstance(caught.value, AssertionError)
        segment = place // 65_536
        first = segment * SEGMENT
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            body(gateway.s3, "large", Range=f"bytes={first}-{first + 10}")
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    blob.write_bytes(whole)
    assert body(gateway.s3, "large") == content
    assert "fails the checksum" in gateway.tail(20_000)
    # The checksums of what is stored hold again, but the bytes are not the encrypted ones.
    gateway.stop()


def test_keys_are_rotated_while_it_serves(encrypting):
    gateway = encrypting(keys_toml("k1"))
    s3 = gateway.s3
    for number in range(30):
        s3.put_object(
            Bucket="bucket", Key=f"old-{number}", Body=marked(10_000 + number), ServerSideEncryption="AES256"
        )
    blobs = sorted(path for path in files(gateway) if path.suffix == ".blob")
    reload(gateway, keys_toml("k1", "k2", active="k2"), "needed no more")
    assert sorted(path for path in files(gateway) if path.suffix == ".blob") == blobs
    s3.put_object(Bucket="bucket", Key="new", Body=marked(9), ServerSideEncryption="AES256")
    # From here on the first key can go.
    reload(gateway, keys_toml("k2"), "reloaded")
    for number in range(30):
        assert body(s3, f"old-{number}") == marked(10_000 + number)
    # The one in use cannot.
    reload(gateway, keys_toml("k3"), "is not configured")
    assert body(s3, "new") == marked(9)
    assert gateway.stop() == 0
    gateway.configure(keys_toml("k3"))
    with pytest.raises(NotServing):
        gateway.start(seconds=10)
    assert "encrypted with the master key k2, which is not configured" in gateway.tail()
    gateway.configure(keys_toml("k3", extra="allow_missing_keys = true\n"))
    gateway.start()
    s3 = connect(gateway, MAIN)
    with refused("ServiceUnavailable", 503):
        s3.get_object(Bucket="bucket", Key="new")
    assert s3.head_object(Bucket="bucket", Key="new")["ServerSideEncryption"] == "AES256"


@pytest.mark.parametrize("how", ["variable", "file", "credential"])
def test_keys_from_elsewhere(encrypting, tmp_path, how):
    (tmp_path / "stowgate-master-key").write_text(f"mine:{key_of(5)}\n")
    environment = {
        "variable": {"STOWGATE_MASTER_KEY": f"mine:{key_of(5)}"},
        "file": {"STOWGATE_MASTER_KEY_FILE": str(tmp_path / "stowgate-master-key")},
        "credential": {"CREDENTIALS_DIRECTORY": str(tmp_path)},
    }[how]
    gateway = encrypting('[[bucket]]\nname = "bucket"\nencryption = "AES256"\n', environment=environment)
    put = gateway.s3.put_object(Bucket="bucket", Key="k", Body=marked(5000))
    assert put["ServerSideEncryption"] == "AES256"
    assert body(gateway.s3, "k") == marked(5000)
    assert not (gateway.data / "master.key").exists()
    assert holding(gateway, b"mine"), "the store notes which key it uses"
    assert key_of(5).encode() not in gateway.log.read_bytes()
    status, info = gateway.side("GET", "/storage/info")
    assert (status, info["encryption"]["active"], info["encryption"]["in_use"]) == (200, "mine", ["mine"])
