"""Vault on Azure Key Vault, with the participant's own identity (steps 2, 4, 6, 8, 18).

The SDK is imported by the first call.
"""

import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from ferry.adapters.credentials import shared_credential
from ferry.domain.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Sequence

    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import HttpTransport

    from ferry.adapters.azure_secrets import AzureSecrets
    from ferry.ports.vault import SecretVersion


class KeyVault:
    """One vault. Every method raises EffectFailed VAULT_UNAVAILABLE where it is away or refuses us."""

    def __init__(
        self,
        vault_url: str,
        *,
        credential: "TokenCredential | None" = None,
        transport: "HttpTransport[Any, Any] | None" = None,
    ) -> None:
        self._vault_url = vault_url
        self._credential = credential
        self._transport = transport
        self._made: AzureSecrets | None = None
        self._lock = threading.Lock()

    def get(self, name: str) -> Secret | None:
        """The current value: one request."""
        return self._secrets().get(name)

    def versions(self, name: str, *, newest: int) -> "Sequence[SecretVersion]":
        """The newest enabled versions, oldest first: a request (one for 25 versions), and one for each of them."""
        return self._secrets().versions(name, newest)

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Set the secret: one request. A secret that was deleted under this name is recovered first."""
        self._secrets().store(name, value, expires_at)

    def delete(self, name: str) -> datetime | None:
        """Delete and purge: two requests, more where the vault is slow. Returns when it purges where we may not."""
        return self._secrets().delete(name)

    def _secrets(self) -> "AzureSecrets":
        with self._lock:
            self._made = self._made or self._connect()
            return self._made

    def _connect(self) -> "AzureSecrets":
        from azure.keyvault.secrets import SecretClient

        from ferry.adapters.azure_pipeline import retry_options, shared_transport
        from ferry.adapters.azure_secrets import AzureSecrets

        options: dict[str, Any] = {"transport": self._transport or shared_transport(), **retry_options()}
        return AzureSecrets(SecretClient(self._vault_url, self._credential or shared_credential(), **options))
