"""The messages of a contract negotiation, written from the negotiation that they speak of."""

from datetime import UTC, datetime

from ferry.domain.contracts import ContractAgreement, ContractNegotiation, policy_of
from ferry.domain.faults import Fault
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Json, JsonObject
from ferry.protocol.envelope import WrittenMessage, type_name, written
from ferry.protocol.faults import fault_parts
from ferry.protocol.purpose import purpose_fields

_RULES = ("permission", "prohibition", "obligation")


def contract_request(
    negotiation: ContractNegotiation, *, message_id: str, callback_address: str | None = None
) -> WrittenMessage:
    """A ContractRequestMessage: the first one with our callback address, a counter-offer without."""
    # The rules as they were offered, word for word: EDC takes nothing else, also where there are none.
    offer = {**_head(negotiation, assigner=negotiation.counter_party_id), **written_policy(negotiation.policy)}
    fields: dict[str, Json] = {"consumerPid": negotiation.consumer_pid, "offer": offer}
    fields |= purpose_fields(negotiation.purpose)
    if callback_address is None:
        fields["providerPid"] = negotiation.provider_pid
    else:
        fields["callbackAddress"] = callback_address.rstrip("/")
    return written(type_name(MessageKind.CONTRACT_REQUEST), fields, message_id=message_id)


def contract_offer(
    negotiation: ContractNegotiation, *, message_id: str, callback_address: str | None = None
) -> WrittenMessage:
    """A ContractOfferMessage: one that begins a negotiation with our callback address, an answer without."""
    told = {**_head(negotiation, assigner=negotiation.participant_id), **offered_policy(negotiation.policy)}
    offer = {**told, "assignee": negotiation.counter_party_id}
    fields: dict[str, Json] = {"providerPid": negotiation.provider_pid, "offer": offer}
    if callback_address is None:
        fields["consumerPid"] = negotiation.consumer_pid
    else:
        fields["callbackAddress"] = callback_address.rstrip("/")
    return written(type_name(MessageKind.CONTRACT_OFFER), fields, message_id=message_id)


def contract_agreement(
    negotiation: ContractNegotiation, agreement: ContractAgreement, *, message_id: str
) -> WrittenMessage:
    """A ContractAgreementMessage."""
    said: dict[str, Json] = {
        "@id": agreement.id,
        "@type": "Agreement",
        "target": agreement.asset_id,
        "assigner": agreement.provider_id,
        "assignee": agreement.consumer_id,
        "timestamp": _timestamp(agreement.signed_at),
        # As it was asked for, also without any rule: EDC refuses an agreement that has one more.
        **written_policy(agreement.policy),
    }
    fields = {**_pids(negotiation), "agreement": said}
    return written(type_name(MessageKind.CONTRACT_AGREEMENT), fields, message_id=message_id)


def contract_verification(negotiation: ContractNegotiation, *, message_id: str) -> WrittenMessage:
    """A ContractAgreementVerificationMessage."""
    return written(type_name(MessageKind.CONTRACT_VERIFICATION), _pids(negotiation), message_id=message_id)


def contract_event(negotiation: ContractNegotiation, kind: MessageKind, *, message_id: str) -> WrittenMessage:
    """A ContractNegotiationEventMessage: CONTRACT_ACCEPTED or CONTRACT_FINALIZED."""
    fields = {**_pids(negotiation), "eventType": kind.value.partition(":")[2]}
    return written(type_name(kind), fields, message_id=message_id)


def contract_termination(negotiation: ContractNegotiation, fault: Fault, *, message_id: str) -> WrittenMessage:
    """A ContractNegotiationTerminationMessage that says why."""
    code, reasons = fault_parts(fault)
    fields = {**_pids(negotiation), "code": code, "reason": reasons}
    return written(type_name(MessageKind.CONTRACT_TERMINATION), fields, message_id=message_id)


def contract_negotiation(negotiation: ContractNegotiation) -> WrittenMessage:
    """A ContractNegotiation: the state that the protocol shows."""
    fields = {**_pids(negotiation), "state": negotiation.dsp_state}
    return written("ContractNegotiation", fields, message_id=negotiation.id)


def written_policy(policy: JsonObject) -> WrittenMessage:
    """The rules of a policy as they stand in an offer or agreement; empty lists of rules are left out."""
    return {key: value for key, value in policy_of(policy).items() if key not in _RULES or value}


def offered_policy(policy: JsonObject) -> WrittenMessage:
    """The rules of a policy that is on offer. 2025-1 wants a rule, so a policy without any permits `use`."""
    said = written_policy(policy)
    return said if "permission" in said or "prohibition" in said else {"permission": [{"action": "use"}], **said}


def _head(negotiation: ContractNegotiation, *, assigner: str) -> WrittenMessage:
    return {"@id": negotiation.offer_id, "@type": "Offer", "target": negotiation.asset_id, "assigner": assigner}


def _pids(negotiation: ContractNegotiation) -> WrittenMessage:
    return {"providerPid": negotiation.provider_pid, "consumerPid": negotiation.consumer_pid}


def _timestamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
