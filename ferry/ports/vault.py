"""The vault."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ferry.domain.secret import Secret


class Vault(Protocol):
    """Azure Key Vault, as far as secrets go. Names: letters, digits, hyphens."""

    def get(self, name: str) -> Secret | None:
        """The current value; None where there is none."""
        ...

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Set the secret. The same value again is fine."""
        ...

    def delete(self, name: str) -> datetime | None:
        """Delete and purge; a missing one is fine. Returns when it will be purged where the vault forbids purging."""
        ...


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One value that a secret has, or had before it was set again; `created_at` in whole seconds, as in Azure."""

    version: str
    value: Secret
    created_at: datetime


class VersionedSecrets(Protocol):
    """Secrets whose earlier values count, too: every `store` adds a version, and none is ever replaced."""

    def versions(self, name: str, *, newest: int) -> Sequence[SecretVersion]:
        """The newest so many that are enabled, oldest first, those of one second in the order of their names."""
        ...

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Add a version."""
        ...
