"""What the management API answers with, in the shapes of EDC's version 3: ids, assets, contracts, states.

Terms stand bare under EDC's vocabulary; times are milliseconds since 1970, but for the signing date, which is seconds.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from ferry.api.management.callbacks import shown_callbacks
from ferry.api.management.help import help_of
from ferry.api.management.odrl import shown_policy
from ferry.domain.contracts import (
    Asset,
    ContractAgreement,
    ContractDefinition,
    ContractNegotiation,
    Criterion,
    PolicyDefinition,
)
from ferry.domain.data_address import AZURE_STORAGE, EDC_NAMESPACE, SourceAddress
from ferry.domain.faults import Fault
from ferry.domain.process import HistoryEntry, Json, JsonObject
from ferry.protocol.terms import ODRL_NAMESPACE

CONTEXT: JsonObject = {"@vocab": EDC_NAMESPACE, "edc": EDC_NAMESPACE, "odrl": ODRL_NAMESPACE}

type Shown = dict[str, Json]


def millis(at: datetime) -> int:
    """Milliseconds since 1970."""
    return int(at.timestamp() * 1000)


def iso(at: datetime | None) -> str | None:
    """The time in UTC as ISO 8601, as documents have it."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")


def id_response(of_id: str, created_at: datetime) -> Shown:
    """What a POST that created something is answered with."""
    return {"@type": "IdResponse", "@id": of_id, "createdAt": millis(created_at), "@context": CONTEXT}


def shown_state(type_name: str, state: str) -> Shown:
    """A NegotiationState or TransferState."""
    return {"@type": type_name, "state": state, "@context": CONTEXT}


def shown_asset(asset: Asset) -> Shown:
    """An Asset."""
    private: Shown = {"privateProperties": asset.private_properties} if asset.private_properties else {}
    return {
        "@id": asset.id,
        "@type": "Asset",
        "properties": {**asset.properties, "id": asset.id},
        **private,
        "dataAddress": shown_source(asset.address),
        "createdAt": millis(asset.created_at),
        "@context": CONTEXT,
    }


def shown_source(address: SourceAddress) -> Shown:
    """A source as a DataAddress."""
    return data_address(
        {
            "account": address.account,
            "container": address.container,
            "blobName": address.blob_name,
            "keyName": address.key_name,
            "endpoint": address.endpoint,
        }
    ) | ({} if address.blob_prefix is None else {"blobPrefix": address.blob_prefix})


def data_address(properties: JsonObject) -> Shown:
    """A DataAddress of those properties that have a value."""
    said = {name: value for name, value in properties.items() if value not in (None, "")}
    return {"@type": "DataAddress", "type": AZURE_STORAGE, **said}


def shown_policy_definition(definition: PolicyDefinition) -> Shown:
    """A PolicyDefinition."""
    private: Shown = {"privateProperties": definition.private_properties} if definition.private_properties else {}
    return {
        "@id": definition.id,
        "@type": "PolicyDefinition",
        "createdAt": millis(definition.created_at),
        "policy": shown_policy(definition.policy),
        **private,
        "@context": CONTEXT,
    }


def shown_contract_definition(definition: ContractDefinition) -> Shown:
    """A ContractDefinition."""
    private: Shown = {"privateProperties": definition.private_properties} if definition.private_properties else {}
    return {
        "@id": definition.id,
        "@type": "ContractDefinition",
        "accessPolicyId": definition.access_policy_id,
        "contractPolicyId": definition.contract_policy_id,
        "assetsSelector": [shown_criterion(criterion) for criterion in definition.assets_selector],
        **private,
        "createdAt": millis(definition.created_at),
        "@context": CONTEXT,
    }


def shown_criterion(criterion: Criterion) -> Shown:
    """A Criterion."""
    return {
        "@type": "Criterion",
        "operandLeft": criterion.operand_left,
        "operator": criterion.operator,
        "operandRight": criterion.operand_right,
    }


def shown_agreement(agreement: ContractAgreement) -> Shown:
    """A ContractAgreement. `agreementId` is the id on the wire, which is the same here."""
    policy: Shown = {
        **shown_policy({**agreement.policy, "@type": "Agreement"}),
        "odrl:assignee": agreement.consumer_id,
        "odrl:assigner": agreement.provider_id,
        "odrl:target": {"@id": agreement.asset_id},
    }
    return {
        "@type": "ContractAgreement",
        "@id": agreement.id,
        "assetId": agreement.asset_id,
        "agreementId": agreement.id,
        "policy": policy,
        "contractSigningDate": int(agreement.signed_at.timestamp()),
        "consumerId": agreement.consumer_id,
        "providerId": agreement.provider_id,
        "@context": CONTEXT,
    }


def shown_negotiation(negotiation: ContractNegotiation, *, moved_history: Sequence[JsonObject] | None = None) -> Shown:
    """A ContractNegotiation, and beside EDC's members its fault and deadline; in full also terms and history.

    `moved_history`: its lines that have left the document; None leaves terms and history out.
    """
    in_full: Shown = {}
    if moved_history is not None:
        in_full = {**_terms(negotiation), "history": shown_history(moved_history, negotiation.history)}
    optional: Shown = {
        "contractAgreementId": negotiation.agreement.id if negotiation.agreement else None,
        "correlationId": negotiation.correlation_id,
        "errorDetail": negotiation.error.message if negotiation.error else None,
        "error": shown_fault(negotiation.error),
        "deadlineAt": iso(negotiation.deadline_at),
    }
    return {
        "@type": "ContractNegotiation",
        "@id": negotiation.id,
        "type": negotiation.role.value,
        "protocol": negotiation.protocol,
        "state": negotiation.state.value,
        "stateTimestamp": millis(negotiation.state_at),
        "counterPartyId": negotiation.counter_party_id,
        "counterPartyAddress": negotiation.counter_party_address,
        "callbackAddresses": shown_callbacks(negotiation.callbacks),
        "createdAt": millis(negotiation.created_at),
        "assetId": negotiation.asset_id,
        **{name: value for name, value in optional.items() if value is not None},
        **in_full,
        "@context": CONTEXT,
    }


def _terms(negotiation: ContractNegotiation) -> Shown:
    """What we stand for, and what the other side has put in its place."""
    told: Shown = {"offer": _offer(negotiation.offer_id, negotiation.policy)}
    theirs = negotiation.counter_offer
    return told if theirs is None else {**told, "counterOffer": _offer(theirs.id, theirs.policy)}


def _offer(offer_id: str, policy: JsonObject) -> Shown:
    return shown_policy({**policy, "@id": offer_id, "@type": "Offer"})


def shown_fault(fault: Fault | None) -> Shown | None:
    """Why a process has failed, and where that is explained."""
    if fault is None:
        return None
    told: Shown = {"code": fault.code, "message": fault.message, "retryable": fault.retryable, "step": fault.step}
    return {**told, "help": help_of(fault.code)}


def shown_history(moved: Sequence[JsonObject], kept: Sequence[HistoryEntry]) -> list[Json]:
    """All lines of a history, oldest first: those that have left the document, and its own."""
    lines: list[Json] = [{name: line.get(name) for name in ("at", "state", "what", "step")} for line in moved]
    lines.extend({"at": iso(it.at), "state": it.state, "what": it.what, "step": it.step} for it in kept)
    return lines
