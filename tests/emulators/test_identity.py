"""The managed-identity endpoint, as App Service apps see it."""

from collections.abc import Iterator

import httpx2
import jwt
import pytest
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import ManagedIdentityCredential

from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.resources import ParticipantResources

pytestmark = pytest.mark.emulators
_STORAGE = "https://storage.azure.com"


@pytest.fixture
def consumer(emulators: LaunchedEmulators) -> Iterator[ParticipantResources]:
    yield emulators.participants["consumer"]
    emulators.admin.clear_identity_faults()
    emulators.admin.set_token_lifetime(3600)


@pytest.fixture
def credential(consumer: ParticipantResources, monkeypatch: pytest.MonkeyPatch) -> Iterator[ManagedIdentityCredential]:
    for name, value in consumer.identity_environment.items():
        monkeypatch.setenv(name, value)
    with ManagedIdentityCredential() as made:
        yield made


def test_storage_token_has_the_claims_of_entra_id(credential: ManagedIdentityCredential) -> None:
    token = credential.get_token(f"{_STORAGE}/.default")
    claims = jwt.decode(token.token, options={"verify_signature": False})
    assert claims["aud"] == _STORAGE
    assert claims["iss"] == f"https://sts.windows.net/{claims['tid']}/"
    assert claims["nbf"] <= claims["iat"] < claims["exp"] == token.expires_on
    assert claims["oid"] == claims["sub"]


def test_participants_have_identities_of_their_own(emulators: LaunchedEmulators) -> None:
    object_ids = {
        jwt.decode(_token(resources), options={"verify_signature": False})["oid"]
        for resources in emulators.participants.values()
    }
    assert len(object_ids) == 2


def test_token_lifetime_can_be_changed(emulators: LaunchedEmulators, credential: ManagedIdentityCredential) -> None:
    emulators.admin.set_token_lifetime(60)
    claims = jwt.decode(
        credential.get_token("https://example.test/.default").token, options={"verify_signature": False}
    )
    assert claims["exp"] - claims["iat"] == 60


def test_request_without_the_secret_header_is_refused(consumer: ParticipantResources) -> None:
    endpoint = consumer.identity_environment["IDENTITY_ENDPOINT"]
    answer = httpx2.get(f"{endpoint}?resource={_STORAGE}&api-version=2019-08-01", trust_env=False)
    assert answer.status_code == 401


def test_failing_endpoint_is_an_authentication_error(
    emulators: LaunchedEmulators, credential: ManagedIdentityCredential
) -> None:
    emulators.admin.fail_identity(400, calls=1)
    with pytest.raises(ClientAuthenticationError):
        credential.get_token("https://failing.test/.default")


def _token(resources: ParticipantResources) -> str:
    environment = resources.identity_environment
    answer = httpx2.get(
        f"{environment['IDENTITY_ENDPOINT']}?resource={_STORAGE}&api-version=2019-08-01",
        headers={"X-IDENTITY-HEADER": environment["IDENTITY_HEADER"]},
        trust_env=False,
    )
    return answer.json()["access_token"]
