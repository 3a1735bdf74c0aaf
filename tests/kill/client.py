"""A client that does not give up: it repeats what was not answered, under the same Idempotency-Key."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from ferry.cli.management import CONTEXT, PROTOCOL, TRANSFER_TYPE, ManagementClient, ManagementError, TransferView
from tests.kill.offers import Offered

# Fifty that ask too often take the time from those who start again.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.25, 2.0
_PATIENCE_SECONDS = 180.0
# No answer at all, and a host that says that it or what it needs is away.
_REPEATED = frozenset({None, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Order:
    """One transfer that is asked for. `container` is one that exists already; empty: one is made for it."""

    key: str
    offered: Offered
    container: str = ""
    account: str = ""


@dataclass(slots=True)
class StubbornClient:
    """One participant's management API through all its lives; `repeated` counts the requests without an answer."""

    management: ManagementClient
    repeated: int = 0

    def start(self, order: Order, provider_url: str) -> str:
        """Start the transfer; its id."""
        body: dict[str, Any] = {
            "@context": CONTEXT,
            "counterPartyAddress": provider_url,
            "protocol": PROTOCOL,
            "transferType": TRANSFER_TYPE,
            "assetId": order.offered.asset_id,
            "contractId": order.offered.agreement_id,
            "managedResources": not order.container,
        }
        if order.container:
            address = {"@type": "DataAddress", "type": "AzureStorage", "account": order.account}
            body["dataDestination"] = {**address, "container": order.container}
        answer = self._insist(lambda: self._post("/transferprocesses", body, {"Idempotency-Key": order.key}))
        return str(cast("Mapping[str, object]", answer)["@id"])

    def state(self, transfer_id: str) -> str:
        """The state alone."""
        return self._insist(lambda: self.management.transfer_state(transfer_id))

    def transfer(self, transfer_id: str) -> TransferView:
        """All of it."""
        return self._insist(lambda: self.management.transfer(transfer_id))

    def transfer_ids(self) -> list[str]:
        """The ids of all transfers that the participant knows."""
        answer = self._insist(lambda: self._post("/transferprocesses/request", {"@context": CONTEXT, "limit": 1000}))
        return [str(shown["@id"]) for shown in cast("list[Mapping[str, object]]", answer)]

    def _post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> object:
        return self.management.call("POST", path, body, headers)

    def _insist[T](self, call: Callable[[], T]) -> T:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            try:
                return call()
            except ManagementError as error:
                if error.status not in _REPEATED or time.monotonic() > deadline:
                    raise
            self.repeated += 1
            time.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
