"""Sessions over time: their end, restarts, reloads, and a provider that is away."""

import contextlib
import signal
import time
import types
import urllib.error
import urllib.request

import botocore.exceptions
import pytest

import identity_provider
from gateway import MAIN, Gateway
from sessions import assume, client, provider, refusal, role

SECRETS = ("first-secret-0123456789abcdef01234", "second-secret-0123456789abcdef0123")


def until(wanted, seconds=20):
    """Asks again until it is so."""
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end, "it has not come to it"
        time.sleep(0.05)


def outcome(call, *arguments, **named):
    """The code of the error, or nothing."""
    try:
        call(*arguments, **named)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None


@pytest.fixture
def start(tmp_path):
    """Starts gateways of their own."""
    with contextlib.ExitStack() as stack:

        def run(name, config, **settings):
            running = Gateway(tmp_path / name, keys=(MAIN,), config=config, **settings)
            return stack.enter_context(running)

        yield run


@pytest.fixture
def jwks(tmp_path, signer):
    """The provider's set in a file, to be changed."""
    path = tmp_path / "jwks.json"
    path.write_text(identity_provider.key_set(signer))
    return types.SimpleNamespace(path=path, line=f'jwks_file = "{path}"')


def test_a_session_ends(session, bucket):
    brief = session("brief")
    at = {"Bucket": bucket, "Key": "home/7/k"}
    url = brief.s3.generate_presigned_url("get_object", Params=at)
    until(lambda: outcome(brief.s3.get_object, **at) == "ExpiredToken")
    assert refusal(brief.s3.get_object, **at) == (400, "ExpiredToken")
    assert refusal(brief.sts.get_caller_identity) == (403, "ExpiredToken")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert refused.value.code == 400 and b"<Code>ExpiredToken</Code>" in refused.value.read()


def test_a_session_outlives_the_process(start, jwks, issue):
    gateway = start("one", provider(jwks.line) + role("manager"))
    made = assume(gateway, issue())["Credentials"]
    client(gateway, "s3", MAIN).create_bucket(Bucket="bucket")
    client(gateway, "s3", credentials=made).put_object(Bucket="bucket", Key="home/7/k", Body=b"x")
    secret = gateway.data / "session.secret"
    assert secret.stat().st_mode & 0o777 == 0o600
    gateway.kill()
    gateway.start()
    session = client(gateway, "s3", credentials=made)
    assert session.get_object(Bucket="bucket", Key="home/7/k")["Body"].read() == b"x"
    assert gateway.stop() == 0
    # A secret of the configuration from now on: what was begun before goes on.
    gateway.configure(provider(jwks.line) + role("manager") + f'[sts]\nsecret = "{SECRETS[0]}"\n')
    gateway.start()
    session = client(gateway, "s3", credentials=made)
    assert session.get_object(Bucket="bucket", Key="home/7/k")["Body"].read() == b"x"
    assert gateway.stop() == 0
    assert gateway.check().returncode == 0


def test_gateways_with_one_secret_take_each_others_sessions(start, jwks, issue):
    config = provider(jwks.line) + role("manager") + f'[sts]\nsecret = "{SECRETS[0]}"\n'
    one, other = start("one", config), start("other", config)
    assert not (one.data / "session.secret").exists()
    made = assume(one, issue())["Credentials"]
    client(other, "s3", credentials=made).list_buckets()
    stranger = start("stranger", config.replace(SECRETS[0], SECRETS[1]))
    session = client(stranger, "s3", credentials=made)
    assert refusal(session.list_buckets) == (400, "InvalidToken")
    assert "is not configured here" in stranger.tail()


def test_secrets_are_exchanged_while_it_runs(start, jwks, issue):
    config = provider(jwks.line) + role("manager")
    secrets = lambda lines: config + f"[sts]\nsecret = '''\n{lines}'''\n"
    gateway = start("one", secrets(SECRETS[0]))
    old = assume(gateway, issue())["Credentials"]
    reload(gateway, secrets("\n".join(reversed(SECRETS))))
    client(gateway, "s3", credentials=old).list_buckets()
    new = assume(gateway, issue())["Credentials"]
    reload(gateway, secrets(SECRETS[1]))
    client(gateway, "s3", credentials=new).list_buckets()
    session = client(gateway, "s3", credentials=old)
    assert refusal(session.list_buckets) == (400, "InvalidToken")
    assert "sessions that were begun with these secrets have ended" in gateway.tail()
    # So does a role that is taken away.
    reload(gateway, f'[sts]\nsecret = "{SECRETS[1]}"\n')
    session = client(gateway, "s3", credentials=new)
    assert refusal(session.list_buckets) == (400, "InvalidToken")


def test_a_new_set_of_keys_by_sighup(start, jwks, signer, issue):
    gateway = start("one", provider(jwks.line) + role("manager"))
    second = identity_provider.EcKey("second")
    token = identity_provider.token(second, role="manager")
    assert refusal(assume, gateway, token) == (400, "InvalidIdentityToken")
    jwks.path.write_text(identity_provider.key_set(second))
    reload(gateway)
    assert assume(gateway, token)["Credentials"]
    assert refusal(assume, gateway, issue()) == (400, "InvalidIdentityToken")
    # A broken one changes nothing.
    jwks.path.write_text("{}")
    reload(gateway, succeeds=False)
    assert assume(gateway, token)["Credentials"]


def test_a_key_server_that_comes_and_goes(start, signer):
    second = identity_provider.EcKey("second")
    token = identity_provider.token(signer, role="manager")
    with identity_provider.KeyServer(signer) as server:
        server.away = True
        line = f'jwks_url = "{server.url}"\njwks_refresh = "1s"'
        gateway = start("one", provider(line) + role("manager"))
        assert server.asked == 0
        assert refusal(assume, gateway, token) == (400, "IDPCommunicationError")
        server.away = False
        until(lambda: outcome(assume, gateway, token) is None)
        server.away = True
        asked = server.asked
        until(lambda: assume(gateway, token) and server.asked > asked)
        assert assume(gateway, token)["Credentials"]
        # A key that is new is found without a reload.
        server.keys, server.away = [signer, second], False
        newer = identity_provider.token(second, role="manager")
        until(lambda: outcome(assume, gateway, newer) is None)
        reload(gateway)
        server.away = True
        assert assume(gateway, newer)["Credentials"]


def test_nothing_secret_is_logged(gateway, session, issue):
    token = issue()
    made = assume(gateway, token)["Credentials"]
    with contextlib.suppress(botocore.exceptions.ClientError):
        client(gateway, "s3", credentials=made).get_object(Bucket="no-such-bucket", Key="k")
    refusal(assume, gateway, token[:-10])
    log = gateway.log.read_text()
    assert "AssumeRoleWithWebIdentity" in log and made["AccessKeyId"] in log
    for secret in (token, token.split(".")[2], made["SecretAccessKey"], made["SessionToken"], "eyJ"):
        assert secret not in log
    status, _ = gateway.side("GET", "/storage/info")
    assert status == 200


def reload(gateway, config=None, succeeds=True):
    """Writes another configuration and has it taken over."""
    if config is not None:
        gateway.configure(config)
    before = gateway.log.stat().st_size
    gateway.process.send_signal(signal.SIGHUP)
    until(lambda: b"reload" in gateway.log.read_bytes()[before:])
    failed = b"not reloaded" in gateway.log.read_bytes()[before:]
    assert failed != succeeds, gateway.tail()
