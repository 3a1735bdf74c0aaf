"""How a SAS lies in the vault: EDC's AzureSasToken as JSON in its long form; shorter forms are read, too (step 4)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from ferry.domain.process import Json
from ferry.domain.secret import Secret

_EDC_TYPE = "dataspaceconnector:azuretoken"
# What may stand in a URL behind the question mark; the other side has written it.
_QUERY = re.compile(r"[A-Za-z0-9%&=+/:;,._~-]+")


@dataclass(frozen=True, slots=True)
class SasToken:
    """A SAS without its question mark, and when it ends where that is known."""

    sas: Secret
    expires_at: datetime | None = None

    def to_secret(self) -> Secret:
        """The token as it lies in the vault."""
        document: dict[str, Json] = {"edctype": _EDC_TYPE, "sas": f"?{self.sas.reveal()}"}
        if self.expires_at is not None:
            document["expiration"] = int(self.expires_at.timestamp() * 1000)
        return Secret(json.dumps(document))

    @property
    def has_policy(self) -> bool:
        """Whether it hangs on a stored access policy."""
        return any(part.startswith("si=") for part in self.sas.reveal().split("&"))


def read_sas_token(stored: Secret) -> SasToken | None:
    """The token from a vault's secret: EDC's JSON, or the bare query string. None where there is no SAS in it."""
    value = stored.reveal().strip()
    if not value.startswith("{"):
        return _token(value, None)
    try:
        document: Json = json.loads(value)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping):
        return None
    return _token(document.get("sas"), document.get("expiration"))


def _token(sas: Json, expiration: Json) -> SasToken | None:
    query = sas.strip().lstrip("?") if isinstance(sas, str) else ""
    if not _QUERY.fullmatch(query) or "sig=" not in query:
        return None
    return SasToken(Secret(query), _instant(expiration))


def _instant(milliseconds: Json) -> datetime | None:
    if not isinstance(milliseconds, int) or isinstance(milliseconds, bool):
        return None
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None
