"""Signs SAS for blob storage: with the account's key, or with a user delegation key where an identity is used."""

import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_errors import Refusal, attempt, storage_failed
from ferry.domain.secret import Secret
from ferry.ports import Account, Clock, SasScope, StorageFailed, StorageProblem

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

MAX_DELEGATED = timedelta(minutes=60)
_KEY_LIFETIME = timedelta(hours=2)
_CLOCK_SKEW = timedelta(minutes=5)


class SasSigner:
    """Issues SAS. Delegation keys are kept per account until they would end before a SAS that they are to sign."""

    def __init__(self, clients: BlobClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[UserDelegationKey, datetime]] = {}

    def issue(self, account: Account, scope: SasScope) -> Secret:
        """A SAS for the scope. Raises StorageFailed where the key is none, or no delegation key can be had."""
        if account.key is None:
            return self._delegated(account, scope)
        key = account.key.reveal()
        if scope.policy_id is not None:
            # What the policy says must not be said again: the service refuses a SAS that does.
            return self._signed(account, scope, {"account_key": key, "policy_id": scope.policy_id})
        return self._signed(account, scope, {"account_key": key, **_terms(scope, scope.expires_at)})

    def _delegated(self, account: Account, scope: SasScope) -> Secret:
        expires_at = min(scope.expires_at, self._clock.now() + MAX_DELEGATED)
        key = self._delegation_key(account, expires_at)
        return self._signed(account, scope, {"user_delegation_key": key, **_terms(scope, expires_at)})

    def _signed(self, account: Account, scope: SasScope, options: dict[str, object]) -> Secret:
        from azure.core.exceptions import AzureError
        from azure.storage.blob import generate_blob_sas, generate_container_sas

        if not _is_loopback_http(account.endpoint):
            options = {**options, "protocol": "https"}
        try:
            if scope.blob_name is not None:
                signed = generate_blob_sas(account.name, scope.container, scope.blob_name, **options)  # pyright: ignore[reportArgumentType]
            else:
                signed = generate_container_sas(account.name, scope.container, **options)  # pyright: ignore[reportArgumentType]
            return Secret(signed)
        except (ValueError, AzureError):
            pass
        raise StorageFailed(
            StorageProblem.REFUSED,
            f"the key of account {account.name} is no account key; store the right one in the vault",
            with_key=True,
        )

    def _delegation_key(self, account: Account, until: datetime) -> "UserDelegationKey":
        with self._lock:
            kept = self._keys.get(account.endpoint)
            if kept is not None and kept[1] >= until:
                return kept[0]
            now = self._clock.now()
            service, expires_at = self._clients.service(account), now + _KEY_LIFETIME
            key = attempt(lambda: service.get_user_delegation_key(_utc(now - _CLOCK_SKEW), _utc(expires_at)))
            if isinstance(key, Refusal):
                raise storage_failed(key, account, "the user delegation key")
            # The service counts whole seconds.
            self._keys[account.endpoint] = (key, expires_at - timedelta(seconds=1))
            return key


def _terms(scope: SasScope, expires_at: datetime) -> dict[str, object]:
    return {"permission": scope.permissions, "start": _utc(scope.starts_at), "expiry": _utc(expires_at)}


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _is_loopback_http(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
