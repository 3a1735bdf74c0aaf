"""Tells callbacks of events: EDC's envelope and payload, with a header whose value is taken from the vault at use.

A payload holds no secret and no data address: who may read one asks for it. What is not taken is sent again, as long as
the notice lasts; only what the guard forbids is not.
"""

from dataclasses import dataclass

from ferry.control_plane.progress_events import RESULT
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.events import shown_callback
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.callbacks import Callbacks
from ferry.ports.vault import Vault
from ferry.telemetry import redacted

TIMEOUT_SECONDS = 5.0

# What a header is for, though a log must not show it.
_TOKENS = ("Bearer ", "bearer ", "eyJ")

type Told = dict[str, Json]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallbackSender:
    """Performs NOTIFY_CALLBACK."""

    callbacks: Callbacks
    vault: Vault
    participant_id: str

    def tell_of_transfer(self, process: TransferProcess, notice: Intent) -> JsonObject:
        """Tell of a state of a transfer."""
        own: Told = {
            "transferProcessId": process.id,
            "assetId": process.asset_id,
            "contractId": process.agreement_id,
            "type": process.role.value,
        }
        return self._tell(process, notice, own)

    def tell_of_negotiation(self, process: ContractNegotiation, notice: Intent) -> JsonObject:
        """Tell of a state of a negotiation; the last one brings the agreement."""
        offer: Told = {"id": process.offer_id, "assetId": process.asset_id, "policy": process.policy}
        own: Told = {
            "contractNegotiationId": process.id,
            "counterPartyId": process.counter_party_id,
            "counterPartyAddress": process.counter_party_address,
            "contractOffers": [offer],
            "type": process.role.value,
        }
        if str(notice.detail.get("event")).endswith(".finalized"):
            own["contractAgreement"] = _agreement(process)
        return self._tell(process, notice, own)

    def _tell(self, process: PeerProcess, notice: Intent, own: Told) -> JsonObject:
        said = notice.detail
        payload: Told = {
            **own,
            "callbackAddresses": [shown_callback(address) for address in process.callbacks],
            "participantContextId": self.participant_id,
            "protocol": process.protocol,
        }
        if "reason" in said:
            payload["reason"] = said["reason"]
        if isinstance(progress := said.get(RESULT), dict):
            payload |= progress
        envelope: Told = {"id": said.get("eventId"), "at": said.get("at"), "type": said.get("type"), "payload": payload}
        status = self.callbacks.deliver(
            str(said.get("uri")), envelope, headers=self._header(said), timeout_seconds=TIMEOUT_SECONDS
        )
        if not 200 <= status < 300:
            message = f"the callback answered {status} to {said.get('event')}; it is told again"
            raise EffectFailed.because(FaultCode.PEER_REFUSED, message, retryable=True)
        return {}

    def _header(self, said: JsonObject) -> dict[str, Secret]:
        name, alias = said.get("authKey"), said.get("authCodeId")
        if not isinstance(name, str) or not isinstance(alias, str):
            return {}
        value = self.vault.get(alias)
        if value is None:
            message = f"the vault has no secret {alias!r} for the callback's header {name}; store it"
            raise EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, message, retryable=True)
        _check(alias, value.reveal())
        return {name: value}


def _check(alias: str, value: str) -> None:
    """Raises EffectFailed ADDRESS_INVALID where the value is not for a header of a callback.

    A client may name any secret of the vault; those that open a storage account are not sent anywhere.
    """
    if not value.isascii() or not value.isprintable():
        why = "holds what no header can"
    elif redacted(value) != value and not value.startswith(_TOKENS):
        why = "opens a storage account"
    else:
        return
    message = f"the secret {alias!r} {why}, so it is sent to no callback; name another one"
    raise EffectFailed.because(FaultCode.ADDRESS_INVALID, message)


def _agreement(process: ContractNegotiation) -> Json:
    agreement = process.agreement
    if agreement is None:
        return None
    return {
        "id": agreement.id,
        "providerId": agreement.provider_id,
        "consumerId": agreement.consumer_id,
        "contractSigningDate": int(agreement.signed_at.timestamp()),
        "assetId": agreement.asset_id,
        "policy": agreement.policy,
    }
