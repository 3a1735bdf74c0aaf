"""Speaks to the stack's admin interface: what tests, bench and the command line use to steer running emulators."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import httpx2

from ferry.emulators.key_vault import VaultCall
from ferry.emulators.relay_faults import RelayFault
from ferry.emulators.request_log import RequestCount, StorageRequest

_KEY_HEADER = "X-Ferry-Admin-Key"
_TIMEOUT_SECONDS = 40.0


class AdminError(RuntimeError):
    """The admin interface refused; its reason is in the message."""


@dataclass(frozen=True, slots=True)
class SubscriptionStatus:
    """An event subscription's state and counts."""

    id: str
    account: str
    state: str
    delivered: int
    dropped: int


@dataclass(frozen=True, slots=True)
class SecretNames:
    """Names of a vault's live and soft-deleted secrets."""

    live: Sequence[str]
    deleted: Sequence[str]


@dataclass(frozen=True, slots=True)
class AdminClient:
    """One method per thing that the interface can do; each call is one request. Methods raise AdminError."""

    url: str
    key: str = field(repr=False)

    def fail_vault(
        self,
        participant: str,
        status: int,
        *,
        calls: int | None = None,
        seconds: float | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        """Let the vault answer `status` to the next `calls` requests, or for `seconds`, or until cleared."""
        fault = {"status": status, "calls": calls, "seconds": seconds, "retryAfterSeconds": retry_after_seconds}
        self._call("POST", f"/vaults/{participant}/faults", fault)

    def refuse_vault_connections(self, participant: str, seconds: float) -> None:
        """Make the vault unreachable for a while."""
        self._call("POST", f"/vaults/{participant}/faults", {"refuseSeconds": seconds})

    def clear_vault_faults(self, participant: str) -> None:
        """Let the vault behave and be reachable."""
        self._call("DELETE", f"/vaults/{participant}/faults")

    def configure_vault(
        self, participant: str, *, purge_protection: bool | None = None, purge_delay_seconds: float | None = None
    ) -> None:
        """Switch purge protection; say how long after a deletion purging is refused with 409."""
        changes = {"purgeProtection": purge_protection, "purgeDelaySeconds": purge_delay_seconds}
        self._call("PATCH", f"/vaults/{participant}", {k: v for k, v in changes.items() if v is not None})

    def vault_calls(self, participant: str) -> list[VaultCall]:
        """The requests that the vault has answered."""
        return [VaultCall(**call) for call in self._call("GET", f"/vaults/{participant}/calls")["calls"]]

    def clear_vault_calls(self, participant: str) -> None:
        """Forget them."""
        self._call("DELETE", f"/vaults/{participant}/calls")

    def secret_names(self, participant: str) -> SecretNames:
        """What is in the vault, by name."""
        return SecretNames(**self._call("GET", f"/vaults/{participant}/secrets"))

    def fail_identity(self, status: int, *, calls: int | None = None, seconds: float | None = None) -> None:
        """Let the identity endpoint answer `status`, to all participants."""
        self._call("POST", "/identity/faults", {"status": status, "calls": calls, "seconds": seconds})

    def clear_identity_faults(self) -> None:
        """Let the identity endpoint behave."""
        self._call("DELETE", "/identity/faults")

    def set_token_lifetime(self, seconds: float) -> None:
        """How long tokens issued from now on are good; the SDK renews one 5 minutes before its end."""
        self._call("PATCH", "/identity", {"tokenLifetimeSeconds": seconds})

    def subscribe(
        self,
        account: str,
        target_url: str,
        *,
        blob_name_ends_with: str = ".complete",
        container_prefixes: Sequence[str] = ("ferry-",),
    ) -> SubscriptionStatus:
        """Announce an account's new blobs to a Functions host, as soon as it consents."""
        wanted = {
            "account": account,
            "targetUrl": target_url,
            "blobNameEndsWith": blob_name_ends_with,
            "containerPrefixes": list(container_prefixes),
        }
        return SubscriptionStatus(**self._call("POST", "/eventgrid/subscriptions", wanted))

    def unsubscribe(self, subscription_id: str) -> None:
        """End a subscription."""
        self._call("DELETE", f"/eventgrid/subscriptions/{subscription_id}")

    def subscriptions(self) -> list[SubscriptionStatus]:
        """All event subscriptions."""
        return [SubscriptionStatus(**shown) for shown in self._call("GET", "/eventgrid/subscriptions")["subscriptions"]]

    def plan_relay_faults(self, *faults: RelayFault) -> None:
        """Let the relay before Azurite spoil requests; the stack must have been started with a relay."""
        self._call("POST", "/relay/faults", {"faults": [asdict(fault) for fault in faults]})

    def configure_relay(self, *, delay_seconds: float | None = None, accepting: bool | None = None) -> None:
        """Delay every storage request; refuse storage connections or accept them again."""
        changes = {"delaySeconds": delay_seconds, "accepting": accepting}
        self._call("PATCH", "/relay", {k: v for k, v in changes.items() if v is not None})

    def clear_relay_faults(self) -> None:
        """Let the relay pass everything at once."""
        self._call("DELETE", "/relay/faults")

    def request_counts(self, since: int = 0) -> list[RequestCount]:
        """How often each storage operation was answered, per account, after the request numbered `since`."""
        return [RequestCount(**count) for count in self._call("GET", f"/requests?since={since}")["counts"]]

    def requests(self, since: int = 0) -> list[StorageRequest]:
        """The answered storage requests themselves."""
        shown = self._call("GET", f"/requests?since={since}&details=true")["requests"]
        return [StorageRequest(**request) for request in shown]

    def last_request_sequence(self) -> int:
        """The number of the newest storage request, to count from."""
        return int(self._call("GET", "/requests")["lastSequence"])

    def clear_requests(self) -> None:
        """Forget the answered storage requests."""
        self._call("DELETE", "/requests")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        with httpx2.Client(timeout=_TIMEOUT_SECONDS, trust_env=False) as client:
            answer = client.request(method, f"{self.url}{path}", json=body, headers={_KEY_HEADER: self.key})
        if not answer.is_success:
            raise AdminError(f"The emulators answered {answer.status_code} to {method} {path}: {answer.text}")
        document: dict[str, Any] = answer.json() if answer.content else {}
        return document
