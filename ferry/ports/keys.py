"""Keys that prove who somebody is: our own, which sign, and those that others publish."""

from collections.abc import Sequence
from typing import Protocol

from ferry.domain.process import JsonObject


class Signer(Protocol):
    """Our own keys (ES256), of which the newest that is known everywhere signs."""

    def sign(self, claims: JsonObject, *, owner: str) -> str:
        """A JWT whose `kid` is `owner#key-id`. Raises EffectFailed VAULT_UNAVAILABLE."""
        ...

    def public_keys(self, *, again: bool = False) -> Sequence[JsonObject]:
        """The public halves as JWKs with `kid`, newest first; `again`: not those that are remembered."""
        ...


class KeyDocuments(Protocol):
    """Documents in which others publish their public keys, remembered for a bounded time."""

    def get(self, url: str) -> JsonObject:
        """The document. Raises EffectFailed IDENTITY_UNAVAILABLE (retryable), ADDRESS_FORBIDDEN."""
        ...

    def again(self, url: str) -> JsonObject:
        """The document as it is now, unless that was asked a moment ago. Raises as `get`."""
        ...
