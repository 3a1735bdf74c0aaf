"""The secrets of one Key Vault. Importing this module imports the SDK.

Deleting means deleting and purging. The service takes a moment to settle a deletion, so purging is tried again for some
seconds; the SDK's own waiting asks only every two.
"""

import time
from collections.abc import Callable, Sequence
from datetime import datetime

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.keyvault.secrets import DeletedSecret, SecretClient

from ferry.adapters.azure_pipeline import failures_as
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.vault import SecretVersion

# About five seconds in all; a vault settles a deletion or a recovery within a few.
_PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6, 2.0)
_UNSETTLED = frozenset({404, 409})


class AzureSecrets:
    """Secrets by name, through the SDK's client."""

    def __init__(self, client: SecretClient) -> None:
        self._client = client

    def get(self, name: str) -> Secret | None:
        """The current value."""
        with failures_as(FaultCode.VAULT_UNAVAILABLE, f"reading secret {name}"):
            try:
                value = self._client.get_secret(name).value
            except ResourceNotFoundError:
                return None
        return None if value is None else Secret(value)

    def versions(self, name: str, newest: int) -> Sequence[SecretVersion]:
        """The newest enabled versions, oldest first."""
        with failures_as(FaultCode.VAULT_UNAVAILABLE, f"reading the versions of secret {name}"):
            try:
                listed = list(self._client.list_properties_of_secret_versions(name))
            except ResourceNotFoundError:
                return ()
            dated = sorted((it.created_on, it.version) for it in listed if it.enabled and it.created_on and it.version)
            return [
                SecretVersion(version, Secret(self._client.get_secret(name, version).value or ""), created_at)
                for created_at, version in dated[-newest:]
            ]

    def store(self, name: str, value: Secret, expires_at: datetime | None) -> None:
        """Set the secret. One that was deleted under this name is recovered first."""
        with failures_as(FaultCode.VAULT_UNAVAILABLE, f"storing secret {name}"):
            for pause in _PAUSES_SECONDS:
                if _refused(lambda: self._client.set_secret(name, value.reveal(), expires_on=expires_at), 409) is None:
                    return
                _refused(lambda: self._client.begin_recover_deleted_secret(name), *_UNSETTLED)
                time.sleep(pause)
            self._client.set_secret(name, value.reveal(), expires_on=expires_at)

    def delete(self, name: str) -> datetime | None:
        """Delete and purge; returns when the vault itself will purge where we may not."""
        with failures_as(FaultCode.VAULT_UNAVAILABLE, f"deleting secret {name}"):
            deleted, refusal = self._delete(name)
            if deleted is not None and "Purgeable" not in (deleted.properties.recovery_level or "Purgeable"):
                return deleted.scheduled_purge_date
            # A secret that is not there may have been deleted by us, and not purged, before a crash.
            status = self._purge(name, patient=refusal != 404)
            if status == 403:
                deleted = deleted or self._deleted(name)
                return deleted.scheduled_purge_date if deleted else None
        if status == 409:
            message = f"secret {name} is still being deleted: repeating the deletion will purge it"
            raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, message, retryable=True)
        return None

    def _delete(self, name: str) -> tuple[DeletedSecret | None, int | None]:
        """The deleted secret, or the refusal: 404, or 409 where somebody else is deleting it."""
        try:
            return self._client.begin_delete_secret(name).result(), None
        except HttpResponseError as error:
            if error.status_code not in _UNSETTLED:
                raise
            return None, error.status_code

    def _purge(self, name: str, *, patient: bool) -> int | None:
        """Purge it, and wait until the deletion has settled; returns the refusal that stays (403, 404, 409)."""
        for pause in _PAUSES_SECONDS:
            status = self._purge_once(name)
            if status not in _UNSETTLED or (status == 404 and not patient):
                return status
            time.sleep(pause)
        return self._purge_once(name)

    def _purge_once(self, name: str) -> int | None:
        return _refused(lambda: self._client.purge_deleted_secret(name), 403, *_UNSETTLED)

    def _deleted(self, name: str) -> DeletedSecret | None:
        try:
            return self._client.get_deleted_secret(name)
        except ResourceNotFoundError:
            return None


def _refused(request: Callable[[], object], *statuses: int) -> int | None:
    """Make a request; returns its status where it is one of those, None where it succeeded."""
    try:
        request()
    except HttpResponseError as error:
        if error.status_code not in statuses:
            raise
        return error.status_code
    return None
