"""The vault."""

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
