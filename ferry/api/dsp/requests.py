"""From a peer's request to what the control plane is given; every fault of it becomes a refusal with its reason."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ferry.api.http import BODY_LIMIT_BYTES, ApiRequest
from ferry.control_plane import negotiations, transfers
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.domain.contracts import Asset, ContractAgreement
from ferry.domain.data_address import AZURE_STORAGE_PUSH, read_destination
from ferry.domain.decision import Received
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.message_kind import Role
from ferry.domain.policy import PolicyContext, refusal
from ferry.domain.secret import Secret
from ferry.domain.states import NegotiationState
from ferry.protocol.messages import TransferRequest
from ferry.protocol.negotiation_messages import policy_of
from ferry.protocol.reader import load, read
from ferry.protocol.sas import write_sas
from ferry.telemetry import trace_parent

if TYPE_CHECKING:
    from ferry.domain.process import JsonObject

# A negotiation that has just begun is shown as REQUESTED, even where it was refused: the refusal is a message.
NEGOTIATION_BEGUN = NegotiationState.REQUESTED


def contract_order(received: Received, peer_id: str) -> ContractOrder:
    """A ContractRequestMessage that begins a negotiation."""
    offer = received.content.get("offer")
    consumer_pid, callback = received.content.get("consumerPid"), received.content.get("callbackAddress")
    if not isinstance(offer, Mapping) or not isinstance(consumer_pid, str) or not isinstance(callback, str):
        raise InvalidInput.at("callbackAddress", "a request that begins a negotiation has one")
    return ContractOrder(
        process_id=negotiations.provider_pid_of(peer_id, consumer_pid),
        counter_party_id=peer_id,
        counter_party_address=callback,
        offer_id=str(offer.get("@id", "")),
        asset_id=str(offer.get("target") or ""),
        policy=policy_of(offer),
        correlation_id=consumer_pid,
        request_digest=received.digest,
        trace_parent=trace_parent.get(),
    )


def transfer_demand(
    wanted: TransferRequest, peer_id: str, agreement: ContractAgreement | None, asset: Asset | None, now: datetime
) -> TransferDemand:
    """A TransferRequestMessage. Raises InvalidInput, or EffectFailed with the fault that the consumer is to see.

    An unknown agreement and somebody else's are refused in the same words.
    """
    mine = agreement is not None and agreement.role is Role.PROVIDER and agreement.consumer_id == peer_id
    if agreement is None or not mine:
        message = f"agreement {wanted.agreement_id!r} does not exist between us; negotiate a contract first"
        raise EffectFailed.because(FaultCode.AGREEMENT_UNKNOWN, message, step=5)
    if asset is None:
        message = f"asset {agreement.asset_id!r} of agreement {agreement.id!r} is not offered any more"
        raise EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, message, step=6)
    if wanted.format != AZURE_STORAGE_PUSH:
        raise InvalidInput.at("format", f"TransferType {wanted.format} is not supported; use {AZURE_STORAGE_PUSH}")
    reason = refusal(agreement.policy, PolicyContext(peer_id, now))
    if reason is not None:
        raise EffectFailed.because(FaultCode.POLICY_VIOLATED, f"the contract does not allow it: {reason}", step=6)
    destination = read_destination(wanted.properties, "dataAddress")
    if destination.container is None:
        raise InvalidInput.at("dataAddress.container", "is required")
    secret_of(wanted)
    return TransferDemand(
        process_id=transfers.provider_pid_of(peer_id, wanted.consumer_pid),
        consumer_pid=wanted.consumer_pid,
        counter_party_id=peer_id,
        callback_address=wanted.callback_address,
        agreement_id=agreement.id,
        asset_id=asset.id,
        source=asset.address,
        destination=destination,
        request_digest=wanted.digest,
        transfer_type=wanted.format,
        sas_expires_at=wanted.secret_expires_at,
        trace_parent=trace_parent.get(),
    )


def secret_of(wanted: TransferRequest) -> Secret:
    """The SAS in the request, as the vault keeps it. Raises InvalidInput where there is none."""
    if wanted.secret is None:
        raise InvalidInput.at("dataAddress.endpointProperties", "a push needs a 'secret' with a SAS")
    return write_sas(wanted.secret, wanted.secret_expires_at)


def stated_pids(request: ApiRequest, role: Role) -> tuple[str, str]:
    """Consumer's and provider's pid as path and body of a request to that side say them; empty where they do not."""
    message: JsonObject = {}
    with suppress(InvalidInput):
        message = read(load(request.body, limit_bytes=BODY_LIMIT_BYTES))
    consumer_pid, provider_pid = (
        said if isinstance(said := message.get(name), str) else "" for name in ("consumerPid", "providerPid")
    )
    own = request.route.get("pid", "")
    return (own, provider_pid) if role is Role.CONSUMER else (consumer_pid, own)
