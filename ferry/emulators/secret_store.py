"""What Key Vault keeps: secrets with versions, soft delete, recovery and purge. In memory alone; no HTTP here."""

import re
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Never

_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_MAX_VALUE_BYTES = 25_600
_MAX_TAGS = 15
_SECONDS_PER_DAY = 86_400


class VaultError(Exception):
    """A refusal with the status and the code of the real service; `inner_code` is its finer reason."""

    def __init__(self, status: int, code: str, message: str, *, inner_code: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.inner_code = inner_code


@dataclass(frozen=True, slots=True)
class SecretProperties:
    """What a caller may set besides the value; `not_before` and `expires_at` are Unix seconds."""

    content_type: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    enabled: bool = True
    not_before: int | None = None
    expires_at: int | None = None


@dataclass(frozen=True, slots=True)
class SecretVersion:
    """One version of a secret; times are Unix seconds."""

    name: str
    version: str
    value: str = field(repr=False)
    properties: SecretProperties
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class DeletedSecret:
    """A soft-deleted secret with its versions, oldest first; times are Unix seconds."""

    versions: Sequence[SecretVersion]
    deleted_at: float
    scheduled_purge_at: float

    @property
    def latest(self) -> SecretVersion:
        """The version that was current."""
        return self.versions[-1]


class SecretStore:
    """The secrets of one vault. Names differ without regard to case, as in Azure. Methods raise VaultError."""

    def __init__(self, *, retention_days: int = 7, clock: Callable[[], float] = time.time) -> None:
        self.retention_days = retention_days
        self.purge_protection = False
        self.purge_delay_seconds = 0.0
        self._clock = clock
        self._lock = threading.RLock()
        self._live: dict[str, list[SecretVersion]] = {}
        self._deleted: dict[str, DeletedSecret] = {}

    @property
    def recovery_level(self) -> str:
        """What the service calls the vault's protection."""
        prefix = "Customized" if self.retention_days < 90 else ""
        return f"{prefix}Recoverable" if self.purge_protection else f"{prefix}Recoverable+Purgeable"

    def set(self, name: str, value: str, properties: SecretProperties) -> SecretVersion:
        """Add a version. A soft-deleted secret of that name must be purged or recovered first (409)."""
        _check(name, value, properties)
        now = int(self._clock())
        with self._lock:
            if name.casefold() in self._all_deleted():
                raise _conflict(name, "ObjectIsDeletedButRecoverable", "is deleted but recoverable; its name is taken")
            version = SecretVersion(name, secrets.token_hex(16), value, properties, now, now)
            self._live.setdefault(name.casefold(), []).append(version)
            return version

    def get(self, name: str, version: str | None = None) -> SecretVersion:
        """The given version, else the newest; a disabled one is refused (403)."""
        found = self._find(name, version)
        if not found.properties.enabled:
            raise VaultError(
                403, "Forbidden", "Operation get is not allowed on a disabled secret.", inner_code="SecretDisabled"
            )
        return found

    def update(self, name: str, version: str | None, changes: Mapping[str, Any]) -> SecretVersion:
        """Replace some of the properties of a version, the newest unless one is named."""
        with self._lock:
            found = self._find(name, version)
            properties = replace(found.properties, **changes)
            changed = replace(found, properties=properties, updated_at=int(self._clock()))
            versions = self._live[name.casefold()]
            versions[versions.index(found)] = changed
            return changed

    def latest(self) -> list[SecretVersion]:
        """The newest version of each secret, by name."""
        with self._lock:
            return [self._live[key][-1] for key in sorted(self._live)]

    def versions(self, name: str) -> list[SecretVersion]:
        """A secret's versions, oldest first."""
        with self._lock:
            return list(self._live.get(name.casefold()) or _not_found(name))

    def delete(self, name: str) -> DeletedSecret:
        """Soft-delete all versions; recoverable until purged."""
        with self._lock:
            versions = self._live.pop(name.casefold(), None) or _not_found(name)
            now = self._clock()
            deleted = DeletedSecret(versions, now, now + self.retention_days * _SECONDS_PER_DAY)
            self._deleted[name.casefold()] = deleted
            return deleted

    def deleted(self) -> list[DeletedSecret]:
        """The soft-deleted secrets, by name."""
        with self._lock:
            deleted = self._all_deleted()
            return [deleted[key] for key in sorted(deleted)]

    def get_deleted(self, name: str) -> DeletedSecret:
        """A soft-deleted secret; 404 while its deletion is still under way."""
        with self._lock:
            deleted = self._all_deleted().get(name.casefold())
            if deleted is None or self._is_settling(deleted):
                raise VaultError(404, "SecretNotFound", f"Deleted Secret not found: {name}")
            return deleted

    def purge(self, name: str) -> None:
        """Forget a soft-deleted secret: 409 while its deletion is under way, 403 under purge protection."""
        with self._lock:
            self._settled(name)
            if self.purge_protection:
                raise VaultError(
                    403,
                    "Forbidden",
                    "Operation purge is not allowed because purge protection is enabled for this vault.",
                    inner_code="ForbiddenByPolicy",
                )
            del self._deleted[name.casefold()]

    def recover(self, name: str) -> SecretVersion:
        """Make a soft-deleted secret live again with all its versions."""
        with self._lock:
            versions = list(self._settled(name).versions)
            del self._deleted[name.casefold()]
            self._live[name.casefold()] = versions
            return versions[-1]

    def _find(self, name: str, version: str | None) -> SecretVersion:
        for candidate in reversed(self.versions(name)):
            if version is None or candidate.version == version:
                return candidate
        raise VaultError(404, "SecretNotFound", f"Secret not found: {name}/{version}")

    def _settled(self, name: str) -> DeletedSecret:
        deleted = self._all_deleted().get(name.casefold()) or _not_found(name)
        if self._is_settling(deleted):
            raise _conflict(name, "ObjectIsBeingDeleted", "is currently being deleted")
        return deleted

    def _is_settling(self, deleted: DeletedSecret) -> bool:
        return self._clock() - deleted.deleted_at < self.purge_delay_seconds

    def _all_deleted(self) -> dict[str, DeletedSecret]:
        now = self._clock()
        self._deleted = {key: kept for key, kept in self._deleted.items() if kept.scheduled_purge_at > now}
        return self._deleted


def _check(name: str, value: str, properties: SecretProperties) -> None:
    if not _NAME.fullmatch(name):
        raise VaultError(400, "BadParameter", f"The secret's name must match {_NAME.pattern}")
    if len(value.encode()) > _MAX_VALUE_BYTES:
        raise VaultError(400, "BadParameter", f"The secret's value is longer than {_MAX_VALUE_BYTES} bytes")
    if len(properties.tags) > _MAX_TAGS:
        raise VaultError(400, "BadParameter", f"A secret has at most {_MAX_TAGS} tags")


def _not_found(name: str) -> Never:
    raise VaultError(404, "SecretNotFound", f"A secret with (name/id) {name} was not found in this key vault.")


def _conflict(name: str, inner_code: str, what: str) -> VaultError:
    return VaultError(409, "Conflict", f"Secret {name} {what}.", inner_code=inner_code)
