"""Puts secrets into a participant's emulated vault as that participant, through the ordinary SDK."""

import json
import urllib.parse
import urllib.request
from typing import Any

from azure.core.credentials import AccessToken
from azure.keyvault.secrets import SecretClient

from ferry.emulators.resources import ParticipantResources

_TIMEOUT_SECONDS = 10.0


class EmulatedIdentityCredential:
    """A participant's managed identity for a process whose own environment names another one, or none."""

    def __init__(self, resources: ParticipantResources) -> None:
        self._endpoint = resources.identity_environment["IDENTITY_ENDPOINT"]
        # A proxy of the machine cannot reach its loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self._header = resources.identity_environment["IDENTITY_HEADER"]

    def get_token(
        self,
        *scopes: str,
        claims: str | None = None,
        tenant_id: str | None = None,
        enable_cae: bool = False,
        **kwargs: object,
    ) -> AccessToken:
        """A token for the first scope; the other arguments are the SDK's and mean nothing to this endpoint."""
        query = urllib.parse.urlencode({"resource": scopes[0].removesuffix("/.default"), "api-version": "2019-08-01"})
        request = urllib.request.Request(  # noqa: S310 - the endpoint is our own, on loopback
            f"{self._endpoint}?{query}", headers={"X-IDENTITY-HEADER": self._header}
        )
        with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
            token: dict[str, Any] = json.load(response)
        return AccessToken(token["access_token"], int(token["expires_on"]))


def vault_client(resources: ParticipantResources) -> SecretClient:
    """The SDK's client for the participant's vault, signed in as the participant."""
    return SecretClient(
        resources.vault_url,
        EmulatedIdentityCredential(resources),
        connection_verify=str(resources.certificate_path),
    )


def seed_secret(resources: ParticipantResources, name: str, value: str) -> None:
    """Store a secret in the participant's vault."""
    with vault_client(resources) as client:
        client.set_secret(name, value)


def seed_account_keys(resources: ParticipantResources) -> None:
    """Store the data account's key under the account's name, where the connector looks for it."""
    seed_secret(resources, resources.data_storage.name, resources.data_storage.key)
