"""Vault in memory, with Key Vault's soft delete and purge protection."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.vault import SecretVersion


@dataclass(frozen=True, slots=True)
class _Stored:
    value: Secret
    expires_at: datetime | None
    created_at: datetime


class MemoryVault:
    """Secrets by name; names differ without regard to case, as in Azure."""

    def __init__(self, clock: Clock, *, purge_protection: bool = False, retention_days: int = 90) -> None:
        self.purge_protection = purge_protection
        self._clock = clock
        self._retention = timedelta(days=retention_days)
        self._secrets: dict[str, list[_Stored]] = {}
        self._deleted: dict[str, datetime] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> Secret | None:
        """The current value."""
        stored = self._secrets.get(name.lower())
        return stored[-1].value if stored else None

    def versions(self, name: str, *, newest: int) -> Sequence[SecretVersion]:
        """The newest values that the secret has had, oldest first."""
        with self._lock:
            stored = list(self._secrets.get(name.lower(), ()))
        found = [SecretVersion(f"{number:032x}", it.value, it.created_at) for number, it in enumerate(stored)]
        return found[-newest:]

    def store(self, name: str, value: Secret, *, expires_at: datetime | None = None) -> None:
        """Set the secret; one that was deleted under this name is recovered first."""
        with self._lock:
            self._deleted.pop(name.lower(), None)
            stored = _Stored(value, expires_at, self._clock.now().replace(microsecond=0))
            self._secrets.setdefault(name.lower(), []).append(stored)

    def delete(self, name: str) -> datetime | None:
        """Delete and purge. Returns when it will be purged where the vault is protected."""
        with self._lock:
            was_there = self._secrets.pop(name.lower(), None) is not None
            if was_there and self.purge_protection:
                self._deleted[name.lower()] = self._clock.now() + self._retention
            purge_at = self._deleted.get(name.lower())
            return purge_at if purge_at and purge_at > self._clock.now() else None

    def names(self) -> Sequence[str]:
        """The names of all live secrets, in order."""
        with self._lock:
            return sorted(self._secrets)

    def deleted_names(self) -> Sequence[str]:
        """The names of the secrets that are deleted and not purged, in order."""
        with self._lock:
            return sorted(name for name, purge_at in self._deleted.items() if purge_at > self._clock.now())

    def expires_at(self, name: str) -> datetime | None:
        """When the secret expires; None where it does not, or is not there."""
        stored = self._secrets.get(name.lower())
        return stored[-1].expires_at if stored else None
