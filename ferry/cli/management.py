"""A small client of the management API: what demo and end-to-end tests ask a participant for, in EDC's v3 shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self, cast

import httpx2

PROTOCOL = "dataspace-protocol-http:2025-1"
TRANSFER_TYPE = "AzureStorage-PUSH"
CONTEXT = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/", "odrl": "http://www.w3.org/ns/odrl/2/"}
_TIMEOUT_SECONDS = 30.0
_KEEP_ALIVE_SECONDS = 5.0

type JsonObject = dict[str, Any]


class ManagementError(Exception):
    """The management API refused, or did not answer; `status` is None where there was no answer."""

    def __init__(self, what: str, status: int | None = None, faults: Sequence[str] = ()) -> None:
        reasons = "; ".join(faults)
        super().__init__(f"{what}: {reasons}" if reasons else what)
        self.status = status
        self.faults = tuple(faults)


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


class ManagementClient:
    """Speaks to one participant. Methods raise ManagementError."""

    def __init__(self, management_url: str, api_key: str) -> None:
        self.url = management_url
        self._http = httpx2.Client(
            headers={"x-api-key": api_key},
            timeout=_TIMEOUT_SECONDS,
            trust_env=False,
            limits=httpx2.Limits(keepalive_expiry=_KEEP_ALIVE_SECONDS),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

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

    def create_contract_definition(self, definition_id: str, policy_id: str, asset_id: str) -> str:
        """Offer one asset under one policy."""
        selector = {
            "@type": "Criterion",
            "operandLeft": "https://w3id.org/edc/v0.0.1/ns/id",
            "operator": "=",
            "operandRight": asset_id,
        }
        body = {
            "@context": CONTEXT,
            "@id": definition_id,
            "accessPolicyId": policy_id,
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
        shown = self.ask("GET", f"/transferprocesses/{transfer_id}")
        return TransferView(
            id=transfer_id,
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

    def transfer_state(self, transfer_id: str) -> str:
        """The state alone (step 14)."""
        return self.ask("GET", f"/transferprocesses/{transfer_id}/state")["state"]

    def terminate_transfer(self, transfer_id: str, reason: str) -> None:
        """End it."""
        self.call("POST", f"/transferprocesses/{transfer_id}/terminate", {"@context": CONTEXT, "reason": reason})

    def deprovision(self, transfer_id: str) -> None:
        """Have taken away what was created for it (step 16)."""
        self.call("POST", f"/transferprocesses/{transfer_id}/deprovision")

    def call(self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None) -> object:
        """One request below the base (or to a whole URL), and the JSON of its answer."""
        url = path if path.startswith("http") else f"{self.url}{path}"
        try:
            answer = self._http.request(method, url, json=body, headers=dict(headers or {}))
        except httpx2.HTTPError as error:
            raise ManagementError(f"{method} {url} was not answered: {error or type(error).__name__}") from error
        if not answer.is_success:
            raise ManagementError(
                f"{method} {url} was answered {answer.status_code}", answer.status_code, _faults(answer)
            )
        return answer.json() if answer.content else None

    def ask(self, method: str, path: str, body: object = None) -> JsonObject:
        """One request that must be answered with a JSON object."""
        answer = self.call(method, path, body)
        if not isinstance(answer, dict):
            raise ManagementError(f"{method} {self.url}{path} was not answered with a JSON object")
        return cast("JsonObject", answer)


def read_offers(catalog: JsonObject) -> list[Offer]:
    """The offers in a catalog, one for each policy of each dataset."""
    provider_id = str(catalog.get("participantId", ""))
    found: list[Offer] = []
    for dataset in _list(catalog.get("dataset")):
        found.extend(Offer(str(dataset["@id"]), provider_id, policy) for policy in _list(dataset.get("hasPolicy")))
    return found


def _list(value: object) -> list[JsonObject]:
    if value is None:
        return []
    return cast("list[JsonObject]", value if isinstance(value, list) else [value])


def _id(answer: JsonObject) -> str:
    return str(answer["@id"])


def _line(line: JsonObject) -> HistoryLine:
    return HistoryLine(datetime.fromisoformat(line["at"]), line["state"], line["what"], line.get("step"))


def _error(shown: JsonObject) -> ProcessError | None:
    error = shown.get("error")
    if error is None:
        return None
    return ProcessError(error["code"], error["message"], bool(error.get("retryable")), error.get("step"))


def _faults(answer: httpx2.Response) -> list[str]:
    try:
        document: Any = answer.json()
    except ValueError:
        return [answer.text[:500]] if answer.text else []
    return [str(fault.get("message", fault)) for fault in _list(document)]
