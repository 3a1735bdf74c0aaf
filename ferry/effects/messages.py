"""Sends the messages of transfers and negotiations (steps 5, 7, 12 and the failure row).

The SAS of a TransferRequestMessage is taken from the vault here, at use. A message is sent again on lost connections,
404, 408, 409, 429 and 5xx, under the same `@id`; any other refusal is final.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ferry.control_plane import steps
from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.faults import AlreadyExists, EffectFailed, Fault, FaultCode, InvalidInput
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports import Peer, PeerAnswer, Vault
from ferry.protocol import negotiation_messages as negotiation
from ferry.protocol import transfer_messages as transfer
from ferry.protocol.envelope import read_error, read_process
from ferry.protocol.paths import TRANSFER, message_url, url
from ferry.protocol.sas import parse_sas

RETRY_STATUS = frozenset({404, 408, 409, 425, 429})

type Written = dict[str, Json]

_FAULT = re.compile(r"fault: ([A-Z_]{3,64})")
_BEGINS = frozenset({MessageKind.CONTRACT_REQUEST, MessageKind.TRANSFER_REQUEST})
_STEP: dict[MessageKind, int] = {
    MessageKind.TRANSFER_REQUEST: 5,
    MessageKind.TRANSFER_START: 7,
    MessageKind.TRANSFER_COMPLETION: 12,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageSender:
    """Sends what SEND_MESSAGE intents say. `callback_url` is the consumer's side of this participant."""

    peer: Peer
    vault: Vault
    callback_url: str
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
        address = message_url(base, kind, None if kind in _BEGINS else process.correlation_id)
        answer = self.peer.post(address, body, audience=base, timeout_seconds=self.timeout_seconds)
        if not 200 <= answer.status < 300:
            raise EffectFailed(refusal(kind, process.counter_party_id, answer))
        return {"providerPid": _provider_pid(kind, process.counter_party_id, answer)} if kind in _BEGINS else {}

    def _transfer_message(
        self, process: TransferProcess, kind: MessageKind, intent: Intent, message_id: str
    ) -> Written:
        match kind:
            case MessageKind.TRANSFER_REQUEST:
                sas = self._sas_of(process)
                return transfer.transfer_request(
                    process, message_id=message_id, callback_address=self.callback_url, sas=sas
                )
            case MessageKind.TRANSFER_START:
                return transfer.transfer_start(process, message_id=message_id)
            case MessageKind.TRANSFER_COMPLETION:
                return transfer.transfer_completion(process, message_id=message_id)
            case _:
                return transfer.transfer_termination(process, _fault_in(intent), message_id=message_id)

    def _negotiation_message(
        self, process: ContractNegotiation, kind: MessageKind, intent: Intent, message_id: str
    ) -> Written:
        match kind:
            case MessageKind.CONTRACT_REQUEST:
                return negotiation.contract_request(process, message_id=message_id, callback_address=self.callback_url)
            case MessageKind.CONTRACT_AGREEMENT if process.agreement is not None:
                return negotiation.contract_agreement(process, process.agreement, message_id=message_id)
            case MessageKind.CONTRACT_VERIFICATION:
                return negotiation.contract_verification(process, message_id=message_id)
            case MessageKind.CONTRACT_FINALIZED:
                return negotiation.contract_event(process, kind, message_id=message_id)
            case _:
                return negotiation.contract_termination(process, _fault_in(intent), message_id=message_id)

    def _sas_of(self, process: TransferProcess) -> Secret | None:
        destination = process.destination
        if destination is None:
            return None
        stored = self.vault.get(destination.secret_name)
        if stored is None:
            message = f"the SAS of transfer {process.id} is not in the vault under {destination.secret_name!r}"
            raise EffectFailed.because(FaultCode.SAS_MISSING, f"{message}; start the transfer again", step=5)
        return parse_sas(stored.reveal())[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementKeeper:
    """Keeps the agreement that a negotiation has led to."""

    create: Callable[[str, ContractAgreement], None]

    def store(self, process: ContractNegotiation, intent: Intent) -> JsonObject:
        """Store it under its id; the same one again is fine. Raises EffectFailed PEER_REFUSED where the id is taken."""
        del intent
        if process.agreement is None:
            return {}
        try:
            self.create(process.agreement.id, process.agreement)
        except AlreadyExists as error:
            message = f"{process.counter_party_id} gave the id of another agreement, {process.agreement.id!r}"
            raise EffectFailed.because(FaultCode.PEER_REFUSED, f"{message}; negotiate again") from error
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


def _provider_pid(kind: MessageKind, peer_id: str, answer: PeerAnswer) -> str:
    try:
        return read_process(answer.body).provider_pid
    except InvalidInput as error:
        message = f"{peer_id} took {kind.value} but answered with no readable process: {error}"
        raise EffectFailed.because(FaultCode.PEER_REFUSED, message, retryable=True, step=_STEP.get(kind)) from error


def _kind_and_id(intent: Intent) -> tuple[MessageKind, str]:
    return MessageKind(steps.message_of(intent)), str(intent.detail.get("messageId"))


def _fault_in(intent: Intent) -> Fault:
    content = intent.detail.get("content")
    return steps.content_fault(content if isinstance(content, Mapping) else {}, FaultCode.UNEXPECTED.value)
