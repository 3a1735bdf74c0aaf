"""Reading a peer's message: tolerant spelling, then the schema of its type, then what `decide` is to be given.

What comes out holds no secret: of a data address only the properties without it. (Design: wire; secrets and trust.)
"""

from collections.abc import Mapping

from ferry.domain.decision import Received
from ferry.domain.faults import InvalidInput
from ferry.domain.message_kind import MessageKind
from ferry.domain.policy import PURPOSE
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.protocol.data_addresses import kept_address
from ferry.protocol.digest import digest
from ferry.protocol.envelope import EVENT_TYPE, type_name
from ferry.protocol.faults import code_text, read_fault, reason_texts
from ferry.protocol.purpose import stated_purpose
from ferry.protocol.reader import read
from ferry.protocol.schema import check
from ferry.protocol.transfer_messages import PeerAddress, TransferRequest, peer_address

ID_LIMIT = 256

_KINDS_BY_TYPE = {type_name(kind): kind for kind in MessageKind if type_name(kind) != EVENT_TYPE}
_COPIED = ("consumerPid", "providerPid", "offer", "agreement", "agreementId", "format")
_STATING = frozenset({MessageKind.CONTRACT_REQUEST, MessageKind.TRANSFER_REQUEST})
_ENDINGS = frozenset(
    {MessageKind.CONTRACT_TERMINATION, MessageKind.TRANSFER_TERMINATION, MessageKind.TRANSFER_SUSPENSION}
)


def parse(body: Json, *expected: MessageKind) -> Received:
    """A message of a peer, of one of these kinds where any are given. Raises InvalidInput with every fault.

    The content has the message's short terms; a request's `destination` in place of its data address; and for an ending
    the fault it tells (`code`, `message`, `retryable`, `step`) beside what it says (`peerCode`, `reasons`).
    """
    message, kind = _checked(body, expected)
    said = digest(message)
    return Received(kind, _message_id(message, said), said, _content(kind, message))


def read_transfer_request(body: Json) -> TransferRequest:
    """A TransferRequestMessage with its secret. Raises InvalidInput with every fault, which never shows the secret."""
    message, _ = _checked(body, (MessageKind.TRANSFER_REQUEST,))
    said = digest(message)
    raw = message.get("dataAddress")
    address = peer_address(raw) if isinstance(raw, Mapping) else PeerAddress({})
    return TransferRequest(
        consumer_pid=str(message["consumerPid"]),
        agreement_id=str(message["agreementId"]),
        format=str(message["format"]),
        callback_address=_base(message["callbackAddress"]),
        message_id=_message_id(message, said),
        digest=said,
        properties=address.properties,
        secret=address.secret,
        secret_expires_at=address.secret_expires_at,
        purpose=stated_purpose(message),
    )


def read_start_address(body: Json) -> Secret | None:
    """The data address that a TransferStartMessage brings; None where it brings none. Raises InvalidInput."""
    message, _ = _checked(body, (MessageKind.TRANSFER_START,))
    return kept_address(message.get("dataAddress"))


def _checked(body: Json, expected: tuple[MessageKind, ...]) -> tuple[JsonObject, MessageKind]:
    message = read(body)
    named = message.get("@type")
    types = {type_name(kind) for kind in expected or MessageKind}
    if not isinstance(named, str) or named not in types:
        raise InvalidInput.at("@type", f"must be {' or '.join(sorted(types))}")
    check(named, message)
    kind = MessageKind(f"{EVENT_TYPE}:{message['eventType']}") if named == EVENT_TYPE else _KINDS_BY_TYPE[named]
    if expected and kind not in expected:
        raise InvalidInput.at("eventType", f"{message['eventType']} is not for this side to receive")
    return message, kind


def _message_id(message: JsonObject, said: str) -> str:
    stated = message.get("@id")
    return stated if isinstance(stated, str) and 0 < len(stated) <= ID_LIMIT else said


def _content(kind: MessageKind, message: JsonObject) -> JsonObject:
    content = {name: message[name] for name in _COPIED if name in message}
    if "callbackAddress" in message:
        content["callbackAddress"] = _base(message["callbackAddress"])
    purpose = stated_purpose(message) if kind in _STATING else None
    if purpose is not None:
        content[PURPOSE] = purpose
    if kind in _ENDINGS:
        content |= _ending(message)
    address = message.get("dataAddress")
    if kind is MessageKind.TRANSFER_REQUEST and isinstance(address, Mapping):
        content["destination"] = dict(peer_address(address).properties)
    if kind is MessageKind.TRANSFER_START:
        content["hasAddress"] = isinstance(address, Mapping)
    return content


def _ending(message: JsonObject) -> JsonObject:
    fault = read_fault(message)
    said = {"code": fault.code, "message": fault.message, "retryable": fault.retryable, "step": fault.step}
    return {**said, "peerCode": code_text(message.get("code")), "reasons": reason_texts(message.get("reason"))}


def _base(address: Json) -> str:
    return str(address).rstrip("/")
