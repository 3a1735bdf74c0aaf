"""From a peer's request to what the control plane is given; every fault of it becomes a refusal with its reason."""

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from ferry.api.http import BODY_LIMIT_BYTES, ApiRequest
from ferry.control_plane import negotiations, transfers
from ferry.control_plane.agreement_end import agreement_end, transfer_context
from ferry.control_plane.negotiation_steps import ContractOrder
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.domain.contracts import Asset, ContractAgreement
from ferry.domain.data_address import DestinationAddress, is_pull, read_destination
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.decision import Received
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.message_kind import Role
from ferry.domain.policy import PURPOSE, refusal
from ferry.domain.secret import Secret
from ferry.protocol.messages import TransferRequest
from ferry.protocol.negotiation_messages import policy_of
from ferry.protocol.reader import load, read
from ferry.protocol.sas import write_sas
from ferry.telemetry import trace_parent

if TYPE_CHECKING:
    from ferry.domain.process import Json, JsonObject

# As the schemas of the messages have it.
_PID = re.compile(r"[^\s\x00-\x1f/\\?#\ufeff]{1,256}")


def contract_order(received: Received, peer_id: str) -> ContractOrder:
    """A ContractRequestMessage that begins a negotiation."""
    offer = received.content.get("offer")
    consumer_pid, callback = received.content.get("consumerPid"), received.content.get("callbackAddress")
    purpose = received.content.get(PURPOSE)
    if not isinstance(offer, Mapping) or not isinstance(consumer_pid, str) or not isinstance(callback, str):
        raise InvalidInput.at("callbackAddress", "a request that begins a negotiation has one")
    if "providerPid" in received.content:
        raise InvalidInput.at("providerPid", "a request that begins a negotiation has none")
    return ContractOrder(
        process_id=negotiations.provider_pid_of(peer_id, consumer_pid),
        counter_party_id=peer_id,
        counter_party_address=callback,
        offer_id=str(offer.get("@id", "")),
        asset_id=str(offer.get("target") or ""),
        policy=policy_of(offer),
        purpose=purpose if isinstance(purpose, str) else None,
        correlation_id=consumer_pid,
        request_digest=received.digest,
        message_id=received.message_id,
        trace_parent=trace_parent.get(),
    )


def check_parties(received: Received, *, assigner: Collection[str], assignee: Collection[str]) -> None:
    """Raise InvalidInput where the offer of a message names another party; both may be left out."""
    offer = received.content.get("offer")
    parties = {"assigner": assigner, "assignee": assignee}
    for name, known_as in parties.items():
        said = offer.get(name) if isinstance(offer, Mapping) else None
        if said not in (None, "", *known_as):
            who = " or ".join(repr(it) for it in sorted(known_as))
            raise InvalidInput.at(f"offer.{name}", f"is none of the two that negotiate here: it must be {who}")


def offered_order(received: Received, peer_id: str) -> ContractOrder:
    """A ContractOfferMessage that begins a negotiation."""
    offer = received.content.get("offer")
    provider_pid, callback = received.content.get("providerPid"), received.content.get("callbackAddress")
    if not isinstance(offer, Mapping) or not isinstance(provider_pid, str) or not isinstance(callback, str):
        raise InvalidInput.at("callbackAddress", "an offer that begins a negotiation has one")
    if "consumerPid" in received.content:
        raise InvalidInput.at("consumerPid", "an offer that begins a negotiation has none")
    if offer.get("assigner") not in (None, "", peer_id):
        raise InvalidInput.at("offer.assigner", f"is not who offers, {peer_id!r}")
    return ContractOrder(
        process_id=negotiations.consumer_pid_of(peer_id, provider_pid),
        counter_party_id=peer_id,
        counter_party_address=callback,
        offer_id=str(offer.get("@id", "")),
        asset_id=str(offer.get("target") or ""),
        policy=policy_of(offer),
        correlation_id=provider_pid,
        request_digest=received.digest,
        message_id=received.message_id,
        trace_parent=trace_parent.get(),
    )


def transfer_demand(
    wanted: TransferRequest,
    peer_id: str,
    agreement: ContractAgreement | None,
    asset: Asset | None,
    now: datetime,
    *,
    plane_for: Callable[[str], DataPlaneInstance],
) -> TransferDemand:
    """A TransferRequestMessage. Raises InvalidInput, or EffectFailed with the fault that the consumer is to see.

    An unknown agreement and somebody else's are refused in the same words. `plane_for` gives the data plane that serves
    a transfer type, or raises InvalidInput.
    """
    mine = agreement is not None and agreement.role is Role.PROVIDER and agreement.consumer_id == peer_id
    if agreement is None or not mine:
        message = f"agreement {wanted.agreement_id!r} does not exist between us; negotiate a contract first"
        raise EffectFailed.because(FaultCode.AGREEMENT_UNKNOWN, message, step=5)
    if asset is None:
        message = f"asset {agreement.asset_id!r} of agreement {agreement.id!r} is not offered any more"
        raise EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, message, step=6)
    plane = plane_for(wanted.format)
    reason = refusal(agreement.policy, transfer_context(agreement, peer_id, wanted.purpose, now))
    if reason is not None:
        raise EffectFailed.because(FaultCode.POLICY_VIOLATED, f"the contract does not allow it: {reason}", step=6)
    return TransferDemand(
        process_id=transfers.provider_pid_of(peer_id, wanted.consumer_pid),
        consumer_pid=wanted.consumer_pid,
        counter_party_id=peer_id,
        callback_address=wanted.callback_address,
        agreement_id=agreement.id,
        asset_id=asset.id,
        source=asset.address,
        destination=None if is_pull(wanted.format) else _destination(wanted),
        request_digest=wanted.digest,
        message_id=wanted.message_id,
        transfer_type=wanted.format,
        sas_expires_at=wanted.secret_expires_at,
        data_plane=plane.id,
        agreement_ends_at=agreement_end(agreement, peer_id, wanted.purpose, now),
        trace_parent=trace_parent.get(),
    )


def _destination(wanted: TransferRequest) -> DestinationAddress:
    destination = read_destination(wanted.properties, "dataAddress")
    if destination.container is None:
        raise InvalidInput.at("dataAddress.container", "is required")
    secret_of(wanted)
    return destination


def secret_of(wanted: TransferRequest) -> Secret | None:
    """The SAS in the request, as the vault keeps it; a pull has none. Raises InvalidInput where a push has none."""
    if is_pull(wanted.format):
        return None
    if wanted.secret is None:
        raise InvalidInput.at("dataAddress.endpointProperties", "a push needs a 'secret' with a SAS")
    return write_sas(wanted.secret, wanted.secret_expires_at)


def stated_pids(request: ApiRequest, role: Role) -> tuple[str, str]:
    """Consumer's and provider's pid as path and body of a request to that side say them; empty where they do not.

    What can be no pid is not told again: an error is a message, too.
    """
    message: JsonObject = {}
    with suppress(InvalidInput):
        message = read(load(request.body, limit_bytes=BODY_LIMIT_BYTES))
    consumer_pid, provider_pid = (_as_pid(message.get(name)) for name in ("consumerPid", "providerPid"))
    own = _as_pid(request.route.get("pid"))
    return (own, provider_pid) if role is Role.CONSUMER else (consumer_pid, own)


def _as_pid(said: "Json") -> str:
    return said if isinstance(said, str) and _PID.fullmatch(said) else ""
