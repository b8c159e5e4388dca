"""A gateway with roles that keys and the tokens of an identity provider may assume."""

import types

import pytest

import identity_provider
from gateway import ALT, MAIN, READER, THIRD, Gateway
from sessions import WORKER, assume, client, provider, role


@pytest.fixture(scope="session")
def signer():
    """The provider's key."""
    return identity_provider.RsaKey("first")


@pytest.fixture(scope="session")
def gateway(tmp_path_factory, signer):
    directory = tmp_path_factory.mktemp("sts")
    keys = directory / "jwks.json"
    keys.write_text(identity_provider.key_set(signer))
    config = (
        provider(f'jwks_file = "{keys}"')
        + role("manager", more=f'keys = ["{WORKER.access}"]\nmax_session = "2h"')
        + role("clerk", more='company_claim = "company"')
        + role("brief", more='max_session = "1s"')
    )
    everyone = (MAIN, ALT, THIRD, READER, WORKER)
    with Gateway(directory, keys=everyone, config=config) as running:
        yield running
        assert running.stop() == 0, running.tail()


@pytest.fixture(scope="session")
def issue(signer):
    """Makes tokens of the provider, of managers where nothing else is said."""
    return lambda **claims: identity_provider.token(signer, **{"role": "manager", **claims})


@pytest.fixture
def session(gateway, issue):
    """Clients with the credentials of a session, made of a token's claims."""

    def make(name="manager", arguments=None, **claims):
        answer = assume(gateway, issue(role=name, **claims), name, **(arguments or {}))
        credentials = answer["Credentials"]
        return types.SimpleNamespace(
            answer=answer,
            credentials=credentials,
            s3=client(gateway, "s3", credentials=credentials),
            sts=client(gateway, "sts", credentials=credentials),
        )

    return make
