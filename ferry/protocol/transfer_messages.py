"""The messages of a transfer, written from the transfer that they speak of, and the request read.

The request is the one message that carries a secret: the SAS leaves it as a Secret and enters it as one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ferry.domain.data_address import (
    AZURE_STORAGE,
    DEFAULT_MARKER,
    EDC_NAMESPACE,
    RENEWAL_PROPERTY,
    SECRET_PROPERTY,
)
from ferry.domain.faults import Fault, InputFault, InvalidInput
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.protocol.envelope import WrittenMessage, type_name, written
from ferry.protocol.faults import fault_parts
from ferry.protocol.purpose import purpose_fields
from ferry.protocol.reader import child_path, objects_in
from ferry.protocol.sas import parse_sas, write_sas
from ferry.protocol.terms import short_term

# Which secret of ours is meant is never for a peer to say.
_IGNORED_PROPERTIES = frozenset({"keyName", "type"})


@dataclass(frozen=True, slots=True)
class TransferRequest:
    """A TransferRequestMessage. `properties`: the destination's, by short name, with `type` and without any secret.

    `secret` is the bare SAS. `properties` is empty where the message has no data address (a pull).
    """

    consumer_pid: str
    agreement_id: str
    format: str
    callback_address: str
    message_id: str
    digest: str
    properties: Mapping[str, str] = field(default_factory=dict[str, str])
    secret: Secret | None = None
    secret_expires_at: datetime | None = None
    purpose: str | None = None


@dataclass(frozen=True, slots=True)
class PeerAddress:
    """A data address of a peer, taken apart: properties without the secret, and the bare SAS."""

    properties: Mapping[str, str]
    secret: Secret | None = None
    secret_expires_at: datetime | None = None


def transfer_request(
    transfer: TransferProcess,
    *,
    message_id: str,
    callback_address: str,
    sas: Secret | None = None,
    address: JsonObject | None = None,
) -> WrittenMessage:
    """A TransferRequestMessage with the destination, if the transfer has one, and the SAS in clear text.

    `address`: the destination as a data plane in another app has told it.
    """
    fields: dict[str, Json] = {
        "consumerPid": transfer.consumer_pid,
        "agreementId": transfer.agreement_id,
        "format": transfer.transfer_type,
        "callbackAddress": callback_address.rstrip("/"),
        **purpose_fields(transfer.purpose),
    }
    if address is not None:
        fields["dataAddress"] = address
    elif transfer.destination is not None:
        fields["dataAddress"] = data_address(transfer.destination, sas)
    return written(type_name(MessageKind.TRANSFER_REQUEST), fields, message_id=message_id)


def data_address(destination: Destination, sas: Secret | None) -> WrittenMessage:
    """A destination as a DataAddress of the protocol; names of properties are EDC's IRIs, as every EDC reads them."""
    properties = destination_properties(destination)
    if sas is not None:
        properties[SECRET_PROPERTY] = write_sas(sas, destination.sas_expires_at).reveal()
        # Towards peers alone: whoever does not know the property leaves the SAS as it is.
        properties[RENEWAL_PROPERTY] = "true"
    return {
        "@type": "DataAddress",
        "endpointType": AZURE_STORAGE,
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": EDC_NAMESPACE + name, "value": value}
            for name, value in properties.items()
        ],
    }


def destination_properties(destination: Destination) -> dict[str, str]:
    """What a provider has to know of a destination, by short name: no secret and no alias of one."""
    properties = {
        "account": destination.account,
        "container": destination.container,
        "folderName": destination.folder,
        "blobName": destination.blob_name,
        "endpoint": destination.endpoint,
        "completionMarker": None if destination.marker == DEFAULT_MARKER else destination.marker,
    }
    return {name: value for name, value in properties.items() if value}


def transfer_start(transfer: TransferProcess, *, message_id: str, address: JsonObject | None = None) -> WrittenMessage:
    """A TransferStartMessage; the provider of a pull tells the data address with it."""
    fields = {**_pids(transfer), "dataAddress": address}
    return written(type_name(MessageKind.TRANSFER_START), fields, message_id=message_id)


def transfer_completion(transfer: TransferProcess, *, message_id: str) -> WrittenMessage:
    """A TransferCompletionMessage."""
    return written(type_name(MessageKind.TRANSFER_COMPLETION), _pids(transfer), message_id=message_id)


def transfer_suspension(transfer: TransferProcess, fault: Fault, *, message_id: str) -> WrittenMessage:
    """A TransferSuspensionMessage that says why."""
    return _ending(MessageKind.TRANSFER_SUSPENSION, transfer, fault, message_id)


def transfer_termination(transfer: TransferProcess, fault: Fault, *, message_id: str) -> WrittenMessage:
    """A TransferTerminationMessage that says why."""
    return _ending(MessageKind.TRANSFER_TERMINATION, transfer, fault, message_id)


def transfer_process(transfer: TransferProcess) -> WrittenMessage:
    """A TransferProcess: the state that the protocol shows."""
    fields = {**_pids(transfer), "state": transfer.dsp_state}
    return written("TransferProcess", fields, message_id=transfer.id)


def peer_address(address: JsonObject, path: str = "dataAddress", *, keep_alias: bool = False) -> PeerAddress:
    """A data address that the reader made and the schema passed. Raises InvalidInput with every fault.

    `keep_alias`: it comes from our own side, which may say in `keyName` which secret of ours is meant.
    """
    ignored = _IGNORED_PROPERTIES - {"keyName"} if keep_alias else _IGNORED_PROPERTIES
    properties: dict[str, str] = {"type": short_term(str(address["endpointType"]))}
    faults: list[InputFault] = []
    secret_text, secret_path = "", path
    for index, (name, value) in enumerate(_endpoint_properties(address)):
        at = f"{child_path(child_path(path, 'endpointProperties'), index)}.value"
        if name == SECRET_PROPERTY:
            secret_text, secret_path = value, at
        elif name in properties and name not in ignored:
            faults.append(InputFault(at, f"{name} is there twice"))
        elif name not in ignored:
            properties[name] = value
    if faults:
        raise InvalidInput(tuple(faults))
    if not secret_text:
        return PeerAddress(properties)
    return PeerAddress(properties, *parse_sas(secret_text, secret_path))


def _endpoint_properties(address: JsonObject) -> list[tuple[str, str]]:
    items = objects_in(address.get("endpointProperties"))
    return [(short_term(str(item["name"])), str(item["value"])) for item in items]


def _ending(kind: MessageKind, transfer: TransferProcess, fault: Fault, message_id: str) -> WrittenMessage:
    code, reasons = fault_parts(fault)
    return written(type_name(kind), {**_pids(transfer), "code": code, "reason": reasons}, message_id=message_id)


def _pids(transfer: TransferProcess) -> WrittenMessage:
    return {"providerPid": transfer.provider_pid, "consumerPid": transfer.consumer_pid}
