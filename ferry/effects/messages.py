"""Sends the messages of transfers and negotiations (steps 5, 7, 12 and the failure row).

The SAS of a TransferRequestMessage is taken from the vault here, at use. A message is sent again on lost connections,
404, 408, 409, 429 and 5xx, under the same `@id`; any other refusal is final.
"""

import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from ferry.control_plane import steps
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.faults import AlreadyExists, EffectFailed, Fault, FaultCode, InvalidInput, NotFound
from ferry.domain.message_kind import MessageKind, Role
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.peer import Peer, PeerAnswer
from ferry.ports.stores import Definitions
from ferry.ports.vault import Vault
from ferry.protocol import negotiation_messages as negotiation
from ferry.protocol import transfer_messages as transfer
from ferry.protocol.data_addresses import told_address
from ferry.protocol.envelope import read_error, read_process
from ferry.protocol.paths import TRANSFER, message_url, url
from ferry.protocol.sas import parse_sas

RETRY_STATUS = frozenset({404, 408, 409, 425, 429})

type Written = dict[str, Json]

_FAULT = re.compile(r"fault: ([A-Z_]{3,64})")
# What a process may begin with: under the pid of the other side, once it is known, the same is an answer.
_BEGINNINGS = frozenset({MessageKind.CONTRACT_REQUEST, MessageKind.CONTRACT_OFFER})
_STEP: dict[MessageKind, int] = {
    MessageKind.TRANSFER_REQUEST: 5,
    MessageKind.TRANSFER_START: 7,
    MessageKind.TRANSFER_COMPLETION: 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSender:
    """Sends what SEND_MESSAGE intents say.

    `callback_url` is the consumer's side of this participant, `dsp_url` its provider's, for an offer that begins.
    """

    peer: Peer
    vault: Vault
    callback_url: str
    dsp_url: str = ""
    timeout_seconds: float = 10.0

    def send_for_transfer(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Send a transfer's message; the answer to a request tells the provider's pid."""
        kind, message_id = _kind_and_id(intent)
        return self._send(kind, process, self._transfer_message(process, kind, intent, message_id))

    def send_for_negotiation(self, process: ContractNegotiation, intent: Intent) -> JsonObject:
        """Send a negotiation's message; the answer to a request tells the provider's pid."""
        kind, message_id = _kind_and_id(intent)
        return self._send(kind, process, self._negotiation_message(process, kind, intent, message_id))

    def ask_about_transfer(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """How the other side sees a transfer, as `state`; an empty result where it does not say."""
        del intent
        base = process.counter_party_address
        answer = self.peer.get(
            url(base, TRANSFER, process.correlation_id), audience=base, timeout_seconds=self.timeout_seconds
        )
        if answer.status >= 500:
            message = f"{process.counter_party_id} answered {answer.status} when asked about transfer {process.id}"
            raise EffectFailed.because(FaultCode.PEER_UNREACHABLE, f"{message}; it is asked again", retryable=True)
        try:
            return {"state": read_process(answer.body).state} if answer.status == 200 else {}
        except InvalidInput:
            return {}

    def _send(self, kind: MessageKind, process: TransferProcess | ContractNegotiation, body: Written) -> JsonObject:
        base = process.counter_party_address
        begins = kind is MessageKind.TRANSFER_REQUEST or (kind in _BEGINNINGS and not process.correlation_id)
        address = message_url(base, kind, None if begins else process.correlation_id)
        answer = self.peer.post(address, body, audience=base, timeout_seconds=self.timeout_seconds)
        if not 200 <= answer.status < 300:
            raise EffectFailed(refusal(kind, process.counter_party_id, answer))
        return _pid_of_peer(kind, process.counter_party_id, answer) if begins else {}

    def _transfer_message(
        self, process: TransferProcess, kind: MessageKind, intent: Intent, message_id: str
    ) -> Written:
        match kind:
            case MessageKind.TRANSFER_REQUEST:
                sas, address = self._sas_of(process), self._prepared_address(process)
                return transfer.transfer_request(
                    process, message_id=message_id, callback_address=self.callback_url, sas=sas, address=address
                )
            case MessageKind.TRANSFER_START:
                address = self._address_of(process)
                return transfer.transfer_start(process, message_id=message_id, address=address)
            case MessageKind.TRANSFER_COMPLETION:
                return transfer.transfer_completion(process, message_id=message_id)
            case MessageKind.TRANSFER_SUSPENSION:
                return transfer.transfer_suspension(process, _fault_in(intent), message_id=message_id)
            case _:
                return transfer.transfer_termination(process, _fault_in(intent), message_id=message_id)

    def _negotiation_message(
        self, process: ContractNegotiation, kind: MessageKind, intent: Intent, message_id: str
    ) -> Written:
        begins = not process.correlation_id
        match kind:
            case MessageKind.CONTRACT_REQUEST:
                callback = self.callback_url if begins else None
                return negotiation.contract_request(process, message_id=message_id, callback_address=callback)
            case MessageKind.CONTRACT_OFFER:
                callback = self.dsp_url if begins else None
                return negotiation.contract_offer(process, message_id=message_id, callback_address=callback)
            case MessageKind.CONTRACT_AGREEMENT if process.agreement is not None:
                return negotiation.contract_agreement(process, process.agreement, message_id=message_id)
            case MessageKind.CONTRACT_VERIFICATION:
                return negotiation.contract_verification(process, message_id=message_id)
            case MessageKind.CONTRACT_ACCEPTED | MessageKind.CONTRACT_FINALIZED:
                return negotiation.contract_event(process, kind, message_id=message_id)
            case _:
                return negotiation.contract_termination(process, _fault_in(intent), message_id=message_id)

    def _address_of(self, process: TransferProcess) -> JsonObject | None:
        """The data address of a pull, which its provider tells; from the vault, at use."""
        if process.role is Role.CONSUMER or process.address_secret is None:
            return None
        stored = self.vault.get(process.address_secret)
        return told_address(stored) if stored is not None else None

    def _prepared_address(self, process: TransferProcess) -> JsonObject | None:
        """Where a push goes that a data plane in another app has prepared."""
        if process.is_pull or process.data_plane is None or process.address_secret is None:
            return None
        stored = self.vault.get(process.address_secret)
        if stored is None:
            message = f"the data address of transfer {process.id} is not in the vault; start the transfer again"
            raise EffectFailed.because(FaultCode.SAS_MISSING, message, step=5)
        return told_address(stored)

    def _sas_of(self, process: TransferProcess) -> Secret | None:
        destination = process.destination
        if destination is None:
            return None
        stored = self.vault.get(destination.secret_name)
        if stored is None:
            message = f"the SAS of transfer {process.id} is not in the vault under {destination.secret_name!r}"
            raise EffectFailed.because(FaultCode.SAS_MISSING, f"{message}; start the transfer again", step=5)
        return parse_sas(stored.reveal())[0]


@dataclass(frozen=True, slots=True)
class AgreementKeeper:
    """Keeps the agreement that a negotiation has led to."""

    agreements: Definitions[ContractAgreement]

    def store(self, process: ContractNegotiation, intent: Intent) -> JsonObject:
        """Store it under its id; the same one again is fine. Raises EffectFailed PEER_REFUSED where the id is taken."""
        del intent
        if process.agreement is None:
            return {}
        try:
            self.agreements.create(process.agreement.id, process.agreement)
        except AlreadyExists as error:
            message = f"{process.counter_party_id} gave the id of another agreement, {process.agreement.id!r}"
            raise EffectFailed.because(FaultCode.PEER_REFUSED, f"{message}; negotiate again") from error
        return {}

    def drop(self, process: ContractNegotiation, intent: Intent) -> JsonObject:
        """Remove it where it was stored; another one under its id stays."""
        del intent
        stored = self.agreements.get(process.agreement.id) if process.agreement else None
        if stored is not None and stored.negotiation_id == process.id:
            with suppress(NotFound):
                self.agreements.delete(stored.id)
        return {}


def refusal(kind: MessageKind, peer_id: str, answer: PeerAnswer) -> Fault:
    """Why a peer has not taken a message, from its answer."""
    error = read_error(answer.body) if answer.body is not None else None
    reasons = list(error.reasons) if error else []
    code = next((match[1] for text in reasons if (match := _FAULT.fullmatch(text))), FaultCode.PEER_REFUSED.value)
    words = "; ".join(text for text in reasons if not _FAULT.fullmatch(text)) or "it gave no reason"
    retryable = answer.status in RETRY_STATUS or answer.status >= 500
    hint = "sent again shortly" if retryable else "sending it again will not help"
    message = f"{peer_id} answered {answer.status} to {kind.value.partition(':')[0]}: {words} ({hint})"
    return Fault(code, message, retryable, _STEP.get(kind))


def _pid_of_peer(kind: MessageKind, peer_id: str, answer: PeerAnswer) -> JsonObject:
    try:
        process = read_process(answer.body)
    except InvalidInput as error:
        message = f"{peer_id} took {kind.value} but answered with no readable process: {error}"
        raise EffectFailed.because(FaultCode.PEER_REFUSED, message, retryable=True, step=_STEP.get(kind)) from error
    is_offer = kind is MessageKind.CONTRACT_OFFER
    return {"consumerPid": process.consumer_pid} if is_offer else {"providerPid": process.provider_pid}


def _kind_and_id(intent: Intent) -> tuple[MessageKind, str]:
    return MessageKind(steps.message_of(intent)), str(intent.detail.get("messageId"))


def _fault_in(intent: Intent) -> Fault:
    content = intent.detail.get("content")
    return steps.content_fault(content if isinstance(content, Mapping) else {}, FaultCode.UNEXPECTED.value)
