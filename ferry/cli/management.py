"""A small client of the management API: what demo and end-to-end tests ask a participant for, in EDC's v3 shapes."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ferry.cli.api_client import CONTEXT, ApiClient, JsonObject, ManagementError, json_objects

__all__ = [
    "CONTEXT",
    "PROTOCOL",
    "TRANSFER_TYPE",
    "HistoryLine",
    "JsonObject",
    "ManagementClient",
    "ManagementError",
    "NegotiationView",
    "Offer",
    "ProcessError",
    "TransferView",
    "read_offers",
    "read_transfer",
]

PROTOCOL = "dataspace-protocol-http:2025-1"
TRANSFER_TYPE = "AzureStorage-PUSH"


@dataclass(frozen=True, slots=True)
class Offer:
    """An offer of a catalog; `policy` is what is sent back to negotiate."""

    asset_id: str
    provider_id: str
    policy: JsonObject


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What happened to a process when; `step` is that of the decision record, where it is one."""

    at: datetime
    state: str
    what: str
    step: int | None


@dataclass(frozen=True, slots=True)
class ProcessError:
    """Why a process has failed."""

    code: str
    message: str
    retryable: bool
    step: int | None

    def __str__(self) -> str:
        at_step = f" at step {self.step}" if self.step else ""
        again = "trying again may help" if self.retryable else "trying again does not help"
        return f"{self.code}{at_step}: {self.message} ({again})"


@dataclass(frozen=True, slots=True)
class NegotiationView:
    """A contract negotiation as the API shows it."""

    id: str
    state: str
    agreement_id: str | None
    error: ProcessError | None


@dataclass(frozen=True, slots=True)
class TransferView:
    """A transfer process as the API shows it; `raw` is all of it."""

    id: str
    state: str
    correlation_id: str | None
    history: tuple[HistoryLine, ...]
    error: ProcessError | None
    destination: JsonObject
    progress: JsonObject
    delivered: JsonObject
    verification: str | None
    raw: JsonObject


class ManagementClient(ApiClient):
    """What a client does with one participant. Methods raise ManagementError."""

    def create_asset(self, asset_id: str, address: Mapping[str, Any], properties: Mapping[str, Any]) -> str:
        """Offer blobs under an id; `address` holds the properties of a DataAddress without its type."""
        data_address = {"@type": "DataAddress", "type": "AzureStorage", **address}
        body = {"@context": CONTEXT, "@id": asset_id, "properties": dict(properties), "dataAddress": data_address}
        return _id(self.ask("POST", "/assets", body))

    def create_policy(self, policy_id: str, policy: Mapping[str, Any] | None = None) -> str:
        """Define a policy; without one: everybody may use it."""
        allowed = {"@type": "Set", "permission": [{"action": "use"}]}
        body = {
            "@context": [CONTEXT, "http://www.w3.org/ns/odrl.jsonld"],
            "@id": policy_id,
            "policy": policy or allowed,
        }
        return _id(self.ask("POST", "/policydefinitions", body))

    def create_contract_definition(
        self, definition_id: str, policy_id: str, asset_id: str, *, access_policy_id: str | None = None
    ) -> str:
        """Offer one asset under one policy; `access_policy_id`: who sees the offer, where that is another one."""
        selector = {
            "@type": "Criterion",
            "operandLeft": "https://w3id.org/edc/v0.0.1/ns/id",
            "operator": "=",
            "operandRight": asset_id,
        }
        body = {
            "@context": CONTEXT,
            "@id": definition_id,
            "accessPolicyId": access_policy_id or policy_id,
            "contractPolicyId": policy_id,
            "assetsSelector": [selector],
        }
        return _id(self.ask("POST", "/contractdefinitions", body))

    def catalog(self, protocol_url: str, *, limit: int = 50) -> list[Offer]:
        """The offers of a provider at that DSP base."""
        body = {
            "@context": CONTEXT,
            "counterPartyAddress": protocol_url,
            "protocol": PROTOCOL,
            "querySpec": {"limit": limit},
        }
        return read_offers(self.ask("POST", "/catalog/request", body))

    def negotiate(self, protocol_url: str, offer: Offer) -> str:
        """Begin a contract negotiation; its id."""
        policy = {**offer.policy, "assigner": offer.provider_id, "target": offer.asset_id}
        body = {
            "@context": [CONTEXT, "http://www.w3.org/ns/odrl.jsonld"],
            "counterPartyAddress": protocol_url,
            "protocol": PROTOCOL,
            "policy": policy,
        }
        return _id(self.ask("POST", "/contractnegotiations", body))

    def negotiation(self, negotiation_id: str) -> NegotiationView:
        """How a negotiation stands."""
        shown = self.ask("GET", f"/contractnegotiations/{negotiation_id}")
        return NegotiationView(negotiation_id, shown["state"], shown.get("contractAgreementId"), _error(shown))

    def start_transfer(
        self,
        protocol_url: str,
        *,
        asset_id: str,
        contract_id: str,
        managed: bool = True,
        destination: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Start a transfer (step 1); its id. `destination`: properties of its DataAddress; `extra`: more members."""
        body: JsonObject = {
            "@context": CONTEXT,
            "counterPartyAddress": protocol_url,
            "protocol": PROTOCOL,
            "transferType": TRANSFER_TYPE,
            "assetId": asset_id,
            "contractId": contract_id,
            "managedResources": managed,
            **(extra or {}),
        }
        if destination is not None:
            body["dataDestination"] = {"@type": "DataAddress", "type": "AzureStorage", **destination}
        return _id(self.ask("POST", "/transferprocesses", body))

    def transfer(self, transfer_id: str) -> TransferView:
        """How a transfer stands."""
        return read_transfer(self.ask("GET", f"/transferprocesses/{transfer_id}"))

    def transfer_state(self, transfer_id: str) -> str:
        """The state alone (step 14)."""
        return self.ask("GET", f"/transferprocesses/{transfer_id}/state")["state"]

    def terminate_transfer(self, transfer_id: str, reason: str) -> None:
        """End it."""
        self.call("POST", f"/transferprocesses/{transfer_id}/terminate", {"@context": CONTEXT, "reason": reason})

    def deprovision(self, transfer_id: str) -> None:
        """Have taken away what was created for it (step 16)."""
        self.call("POST", f"/transferprocesses/{transfer_id}/deprovision")


def read_transfer(shown: JsonObject) -> TransferView:
    """A transfer from what the API shows of it."""
    return TransferView(
        id=str(shown["@id"]),
        state=shown["state"],
        correlation_id=shown.get("correlationId"),
        history=tuple(_line(line) for line in shown.get("history", ())),
        error=_error(shown),
        destination=shown.get("dataDestination", {}),
        progress=shown.get("progress", {}),
        delivered=shown.get("delivered", {}),
        verification=shown.get("verification"),
        raw=shown,
    )


def read_offers(catalog: JsonObject) -> list[Offer]:
    """The offers in a catalog, one for each policy of each dataset."""
    provider_id = str(catalog.get("participantId", ""))
    found: list[Offer] = []
    for dataset in json_objects(catalog.get("dataset")):
        found.extend(
            Offer(str(dataset["@id"]), provider_id, policy) for policy in json_objects(dataset.get("hasPolicy"))
        )
    return found


def _id(answer: JsonObject) -> str:
    return str(answer["@id"])


def _line(line: JsonObject) -> HistoryLine:
    return HistoryLine(datetime.fromisoformat(line["at"]), line["state"], line["what"], line.get("step"))


def _error(shown: JsonObject) -> ProcessError | None:
    error = shown.get("error")
    if error is None:
        return None
    return ProcessError(error["code"], error["message"], bool(error.get("retryable")), error.get("step"))
