"""Data Plane Signaling, version 1: what a control plane asks of a plane that prepares, fetches or serves.

Transfer types are told as `transferType`, or by later versions as `profile`. Where a message names no callback address,
the plane's own setting does. (Facts: EDC 0.18 sends the former, the specification's text names the latter.)
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ferry.domain.data_address import (
    AZURE_STORAGE,
    DestinationAddress,
    SourceAddress,
    is_pull,
    read_destination,
    read_source,
)
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import Destination
from ferry.protocol.data_addresses import kept_address
from ferry.protocol.envelope import WrittenMessage
from ferry.protocol.pull_tokens import HTTP_PULL, RENEWAL_PROPERTIES
from ferry.protocol.reader import objects_in, read
from ferry.protocol.schema import check
from ferry.protocol.terms import short_term
from ferry.protocol.transfer_messages import data_address, peer_address

AZURE_STORAGE_PUSH = f"{AZURE_STORAGE}-PUSH"
AZURE_STORAGE_PULL = f"{AZURE_STORAGE}-PULL"
SUPPORTED = (AZURE_STORAGE_PUSH, AZURE_STORAGE_PULL, HTTP_PULL)


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowOrder:
    """A DataFlowPrepareMessage or DataFlowStartMessage, taken apart; `metadata` is what a plane is to know."""

    process_id: str
    participant_id: str
    counter_party_id: str
    agreement_id: str
    asset_id: str
    transfer_type: str
    callback_address: str
    metadata: JsonObject
    consumer_pid: str

    @property
    def is_pull(self) -> bool:
        """Whether the consumer reads."""
        return is_pull(self.transfer_type)


@dataclass(frozen=True, slots=True)
class ToldAddress:
    """A provider's address for a pull: where the blobs are, if it is one that we can copy from, and all of it."""

    source: SourceAddress | None
    kept: Secret


def transfer_type_of(message: JsonObject) -> str:
    """What moves how, in the words of either version; without any, what Ferry has always moved."""
    said = message.get("transferType") or message.get("profile") or AZURE_STORAGE_PUSH
    return said if isinstance(said, str) else ""


def read_order(body: Json, *, callback: str) -> FlowOrder:
    """The order of a prepare, or of a start of a pull. `callback` is for one that names none. Raises InvalidInput."""
    message = read(body)
    check("DataFlowPrepareMessage", message)
    faults: list[InputFault] = []
    transfer_type = transfer_type_of(message)
    if transfer_type not in SUPPORTED:
        what = f"must be one of {', '.join(SUPPORTED)}"
        faults.append(InputFault("transferType" if "transferType" in message else "profile", what, transfer_type))
    told = message.get("callbackAddress")
    address = (told if isinstance(told, str) else callback).rstrip("/")
    if not address:
        faults.append(InputFault("callbackAddress", "is required: where news of the flow are told"))
    if faults:
        raise InvalidInput(tuple(faults))
    metadata = message.get("metadata")
    known: JsonObject = metadata if isinstance(metadata, Mapping) else {}
    return FlowOrder(
        process_id=str(message["processId"]),
        participant_id=str(message["participantId"]),
        counter_party_id=str(message.get("counterPartyId", "")),
        agreement_id=str(message["agreementId"]),
        asset_id=str(message.get("datasetId", "")),
        transfer_type=transfer_type,
        callback_address=address,
        metadata=known,
        consumer_pid=str(known.get("consumerPid", "")),
    )


def read_wanted(order: FlowOrder, *, account: str) -> tuple[DestinationAddress, bool] | None:
    """Where data are to go, and whether the container is to be made by us. `account`: where metadata name none.

    None for a pull that is not to be fetched: its metadata say nothing of a place. Raises InvalidInput.
    """
    told = {name: value for name, value in order.metadata.items() if name not in ("consumerPid", "managedResources")}
    if order.is_pull and not any(name in told for name in ("account", "container")):
        return None
    if order.transfer_type == HTTP_PULL:
        message = "of this profile nothing is fetched: the consumer's client reads; name no account and no container"
        raise InvalidInput.at("metadata", message)
    wanted = read_destination({"type": AZURE_STORAGE, "account": account, **told}, "metadata")
    managed = order.metadata.get("managedResources", True)
    if not isinstance(managed, bool):
        raise InvalidInput.at("metadata.managedResources", "must be true or false")
    if not managed and wanted.container is None:
        raise InvalidInput.at("metadata.container", "is required where managedResources is false")
    return wanted, managed


def read_served(order: FlowOrder) -> SourceAddress:
    """What is to be served, from the metadata of the asset. Raises InvalidInput."""
    return read_source({"type": AZURE_STORAGE, **order.metadata}, "metadata")


def read_started(body: Json, transfer_type: str) -> ToldAddress | None:
    """The provider's address in the news that it has started; None where it tells none. Raises InvalidInput."""
    message = read(body)
    if "dataAddress" not in message:
        if is_pull(transfer_type):
            return _no_address(transfer_type)
        return None
    check("DataFlowStartedMessage", message)
    address = message["dataAddress"]
    kept = kept_address(address)
    if not isinstance(address, Mapping) or kept is None or not is_pull(transfer_type):
        return None
    if transfer_type == HTTP_PULL:
        _check_renewable(address)
        return ToldAddress(None, kept)
    return _told_blobs(address)


def destination_message(destination: Destination, sas: Secret | None, endpoint: str) -> WrittenMessage:
    """What a provider is told of a destination; EDC takes no address whose `endpoint` is null."""
    return {**data_address(destination, sas), "endpoint": endpoint}


def source_message(source: SourceAddress, sas: Secret, endpoint: str) -> WrittenMessage:
    """What a consumer is told of blobs that it may read; `sas` is EDC's JSON."""
    properties = {
        "account": source.account,
        "container": source.container,
        "blobName": source.blob_name,
        "blobPrefix": source.blob_prefix,
        "secret": sas.reveal(),
    }
    return {
        "@type": "DataAddress",
        "endpointType": AZURE_STORAGE,
        "endpoint": endpoint,
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": name, "value": value}
            for name, value in properties.items()
            if value is not None
        ],
    }


def _no_address(transfer_type: str) -> None:
    if transfer_type == HTTP_PULL:
        raise InvalidInput.at("dataAddress", "is required: where the data are read")


def _check_renewable(address: JsonObject) -> None:
    named = {short_term(str(it["name"])): str(it["value"]) for it in objects_in(address.get("endpointProperties"))}
    path = "dataAddress.endpointProperties"
    faults = [InputFault(path, f"{name} is required") for name in RENEWAL_PROPERTIES if not named.get(name)]
    if address.get("endpointType") != HTTP_PULL:
        faults.append(InputFault("dataAddress.endpointType", f"must be {HTTP_PULL}"))
    if not str(address.get("endpoint", "")).startswith(("http://", "https://")):
        faults.append(InputFault("dataAddress.endpoint", "is required: an http(s) URL"))
    if faults:
        raise InvalidInput(tuple(faults))


def _told_blobs(address: JsonObject) -> ToldAddress:
    """Blobs that a SAS opens. The SAS goes to the vault; where the blobs are stands in the document."""
    endpoint = address.get("endpoint")
    known = peer_address(address)
    if known.secret is None:
        raise InvalidInput.at("dataAddress", "holds no SAS in its property secret")
    properties: dict[str, Json] = {**known.properties}
    if isinstance(endpoint, str) and endpoint:
        properties.setdefault("endpoint", endpoint)
    return ToldAddress(read_source(properties, "dataAddress"), known.secret)
