"""Signs SAS for blob storage: with the account's key, or with a user delegation key where an identity is used.

The strings to sign are those of Microsoft's "Create a service SAS" and "Create a user delegation SAS" for API_VERSION.
Signing by the SDK costs over 100 us a piece; a copy needs one for each blob, so it is done here, from a prepared half.
"""

import base64
import binascii
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_errors import Refusal, attempt, storage_failed
from ferry.domain.secret import Secret
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem

if TYPE_CHECKING:
    from azure.storage.blob import UserDelegationKey

API_VERSION = "2026-10-06"
MAX_DELEGATED = timedelta(minutes=60)
_KEY_LIFETIME = timedelta(hours=2)
_CLOCK_SKEW = timedelta(minutes=5)

# What is signed behind the path, in this order; most of it is never said by us.
_LAST_FIELDS = ("rscc", "rscd", "rsce", "rscl", "rsct")
_FIELDS = ("si", "sip", "spr", "sv", "sr", "snapshot", "ses", *_LAST_FIELDS)
_DELEGATED_FIELDS = (
    *("skoid", "sktid", "skt", "ske", "sks", "skv", "saoid", "suoid", "scid", "skdutid", "sduoid"),
    *("sip", "spr", "sv", "sr", "snapshot", "ses", "srh", "srq", *_LAST_FIELDS),
)
_QUERY = ("st", "se", "sp", "spr", "sv", "si", "sr", "skoid", "sktid", "skt", "ske", "sks", "skv", "skdutid")


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A key as bytes; `delegation` holds the fields of a user delegation key as its SAS repeats them."""

    key: bytes
    delegation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SasTerms:
    """What a SAS says beside the blob's name: letters and times, or the policy that says them."""

    account_name: str
    scope: SasScope
    expires_at: datetime
    https_only: bool


class SasTemplate:
    """A SAS of which only the blob's name and the signature are missing."""

    def __init__(self, terms: SasTerms, key: SigningKey) -> None:
        scope = terms.scope
        parameters = {"spr": "https"} if terms.https_only else {}
        if scope.policy_id is not None and not key.delegation:
            # What a policy says must not be said again: the service refuses a SAS that does.
            parameters["si"] = scope.policy_id
        else:
            parameters |= {"st": _time(scope.starts_at), "se": _time(terms.expires_at), "sp": scope.permissions}
        self.expires_at = terms.expires_at
        self._key = key.key
        self._of_container = _Half({**parameters, "sr": "c"}, dict(key.delegation))
        self._of_blob = _Half({**parameters, "sr": "b"}, dict(key.delegation))
        self._path = f"/blob/{terms.account_name}/{scope.container}"

    def for_container(self) -> str:
        """The SAS of the whole container, without a question mark."""
        return self._signed(self._of_container, self._path)

    def for_blob(self, name: str) -> str:
        """The SAS of one blob."""
        return self._signed(self._of_blob, f"{self._path}/{name}")

    def _signed(self, half: "_Half", path: str) -> str:
        to_sign = f"{half.before}{path}{half.after}"
        digest = hmac.digest(self._key, to_sign.encode(), "sha256")
        signature = binascii.b2a_base64(digest, newline=False).decode("ascii")
        return half.query + signature.replace("+", "%2B").replace("=", "%3D")


class _Half:
    """The parts of a SAS that do not depend on the blob: the string to sign around its path, and the query."""

    __slots__ = ("after", "before", "query")

    def __init__(self, parameters: Mapping[str, str], delegation: Mapping[str, str]) -> None:
        said = {**parameters, "sv": API_VERSION, **delegation}
        self.before = "".join(f"{said.get(name, '')}\n" for name in ("sp", "st", "se"))
        names = _DELEGATED_FIELDS if delegation else _FIELDS
        self.after = "\n" + "\n".join(said.get(name, "") for name in names)
        self.query = "".join(f"{name}={quote(said[name])}&" for name in _QUERY if name in said) + "sig="


class SasSigner:
    """Issues SAS. Delegation keys are kept per account until they would end before a SAS that they are to sign."""

    def __init__(self, clients: BlobClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[SigningKey, datetime]] = {}

    def issue(self, account: Account, scope: SasScope) -> Secret:
        """A SAS for the scope. Raises StorageFailed where the key is none, or no delegation key can be had."""
        template = self.template(account, scope)
        return Secret(template.for_container() if scope.blob_name is None else template.for_blob(scope.blob_name))

    def template(self, account: Account, scope: SasScope) -> SasTemplate:
        """What signs any number of SAS with the scope's terms, for its container or for blobs in it. Raises as `issue`.

        A delegated SAS ends after 60 minutes at most; fetching its key takes a request, unless `holds_key`.
        """
        https_only = not _is_loopback_http(account.endpoint)
        if account.key is not None:
            terms = SasTerms(account.name, scope, scope.expires_at, https_only)
            return SasTemplate(terms, SigningKey(_account_key(account)))
        expires_at = min(scope.expires_at, self._clock.now() + MAX_DELEGATED)
        return SasTemplate(
            SasTerms(account.name, scope, expires_at, https_only), self._delegation_key(account, expires_at)
        )

    def holds_key(self, account: Account, until: datetime) -> bool:
        """Whether a SAS that ends then can be signed without asking the service for a key."""
        if account.key is not None:
            return True
        kept = self._keys.get(account.endpoint)
        return kept is not None and kept[1] >= until

    def fetch_key(self, account: Account, until: datetime) -> None:
        """Have a key by which a SAS that ends then can be signed; `until` lies less than two hours ahead."""
        if account.key is None:
            self._delegation_key(account, until)

    def _delegation_key(self, account: Account, until: datetime) -> SigningKey:
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
            signing_key = delegated(key)
            self._keys[account.endpoint] = (signing_key, expires_at - timedelta(seconds=1))
            return signing_key


def delegated(key: "UserDelegationKey") -> SigningKey:
    """A user delegation key, ready to sign."""
    fields = {
        "skoid": key.signed_oid,
        "sktid": key.signed_tid,
        "skt": key.signed_start,
        "ske": key.signed_expiry,
        "sks": key.signed_service,
        "skv": key.signed_version,
        "skdutid": key.signed_delegated_user_tid,
    }
    told = tuple((name, value) for name, value in fields.items() if value)
    return SigningKey(base64.b64decode(key.value or ""), told)


def _account_key(account: Account) -> bytes:
    try:
        return base64.b64decode(account.key.reveal() if account.key is not None else "")
    except ValueError:
        pass
    raise StorageFailed(
        StorageProblem.REFUSED,
        f"the key of account {account.name} is no account key; store the right one in the vault",
        with_key=True,
    )


def _time(at: datetime) -> str:
    return _utc(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def _utc(at: datetime) -> datetime:
    return at.astimezone(UTC)


def _is_loopback_http(endpoint: str) -> bool:
    parts = urlsplit(endpoint)
    return parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost")
