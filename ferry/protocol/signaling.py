"""Data Plane Signaling: how a control plane starts, asks about and stops a data flow, and how it is told of its end.

No secret is on this wire. The destination carries the alias of its SAS in the vault that both planes of a participant
share. What the specification has no word for, summary and fault, stands under `ferry`. (Design: step 7 of the flow.)
"""

import uuid
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from urllib.parse import quote

from ferry.domain.data_address import (
    AZURE_STORAGE,
    AZURE_STORAGE_PUSH,
    SourceAddress,
    read_destination,
    read_source,
)
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import Fault, FaultCode, InvalidInput
from ferry.domain.process import HistoryEntry, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.protocol.data_addresses import kept_address
from ferry.protocol.envelope import WrittenMessage
from ferry.protocol.reader import read
from ferry.protocol.schema import check
from ferry.protocol.transfer_messages import destination_properties, peer_address

_NAMES = uuid.UUID("5b0f3f0c-8f0c-5d2d-9a41-6e6f0a2c7b10")
START_PATH = "/start"
EXTENSION = "ferry"

# FAILED is TERMINATED with an error in the specification's words; what is not running yet is on its way to it.
_STATES_READ: dict[str, FlowState] = {
    "INITIALIZED": FlowState.STARTING,
    "PREPARING": FlowState.PREPARING,
    "PREPARED": FlowState.PREPARED,
    "STARTING": FlowState.STARTING,
    "STARTED": FlowState.STARTED,
    "SUSPENDED": FlowState.SUSPENDED,
    "COMPLETED": FlowState.COMPLETED,
    "TERMINATED": FlowState.TERMINATED,
}
_STATES_WRITTEN = {FlowState.FAILED.value: "TERMINATED"}


@dataclass(frozen=True, slots=True)
class FlowParties:
    """Who has the flow run, for whom, and about what; a data flow itself does not need it."""

    participant_id: str
    counter_party_id: str
    dataset_id: str = ""


def flow_path(flow_id: str, what: str) -> str:
    """Where a flow is asked about (`status`) or given an order (`suspend`, …), below the data plane's address."""
    return f"/{quote(flow_id, safe=':')}/{what}"


def callback_path(flow_id: str, report: FlowReport) -> str:
    """Where the end of a flow is told, below its callback address."""
    ends = {FlowState.COMPLETED.value: "completed", FlowState.STARTED.value: "started"}
    return news_path(flow_id, ends.get(report.state, "errored"))


def news_path(flow_id: str, news: str) -> str:
    """Where news of a flow (prepared, started, completed, errored) are told, below its callback address."""
    return f"/transfers/{quote(flow_id, safe=':')}/dataflow/{news}"


def prepare_message(
    process: TransferProcess, participant_id: str, *, callback_address: str, message_id: str
) -> WrittenMessage:
    """A DataFlowPrepareMessage: what the client of a transfer wants its data plane to know, as metadata."""
    said = process.plane_metadata or {}
    return {
        "messageId": message_id,
        "participantId": participant_id,
        "counterPartyId": process.counter_party_id,
        "dataspaceContext": "dataspace-protocol-http:2025-1",
        "processId": process.id,
        "agreementId": process.agreement_id,
        "datasetId": process.asset_id,
        "transferType": process.transfer_type,
        "profile": process.transfer_type,
        "callbackAddress": callback_address,
        "claims": {},
        "labels": said.get("labels", []),
        "metadata": said.get("properties", {}),
    }


def start_message(flow: DataFlow, parties: FlowParties, *, message_id: str) -> WrittenMessage:
    """A DataFlowStartMessage: the source as metadata, a push's destination as data address, no secret in either."""
    message: WrittenMessage = {
        "messageId": message_id,
        "participantId": parties.participant_id,
        "counterPartyId": parties.counter_party_id,
        "dataspaceContext": "dataspace-protocol-http:2025-1",
        "processId": flow.id,
        "agreementId": flow.agreement_id,
        "datasetId": parties.dataset_id or flow.asset_id,
        "transferType": flow.transfer_type,
        "profile": flow.transfer_type,
        "claims": {},
        "labels": [],
        "metadata": {**_source_properties(flow.source), "consumerPid": flow.consumer_pid},
    }
    if flow.destination is not None:
        message["dataAddress"] = _address(flow.destination)
    return message if flow.callback_address is None else {**message, "callbackAddress": flow.callback_address}


def read_start(body: Json, *, now: datetime) -> DataFlow:
    """The flow that a DataFlowStartMessage of ours asks for. Raises InvalidInput with every fault, and for a secret."""
    flow, secret = read_push(body, now=now)
    if secret is not None:
        raise InvalidInput.at("dataAddress", "holds a secret: name its alias in the vault in keyName instead")
    return flow


def read_push(body: Json, *, now: datetime, callback: str = "") -> tuple[DataFlow, Secret | None]:
    """The flow that a DataFlowStartMessage asks for, and its SAS where the message brings it.

    A control plane that shares our vault names the SAS; another one sends it. `callback` is for a message that names
    no address for news. Raises InvalidInput with every fault, also where it is no push.
    """
    message = read(body)
    check("DataFlowStartMessage", message)
    transfer_type = message.get("transferType") or message.get("profile") or AZURE_STORAGE_PUSH
    if transfer_type != AZURE_STORAGE_PUSH:
        raise InvalidInput.at("transferType", f"must be {AZURE_STORAGE_PUSH}", str(transfer_type))
    if "dataAddress" not in message:
        raise InvalidInput.at("dataAddress", "is required: where a push goes")
    metadata, process_id = _object(message["metadata"]), str(message["processId"])
    destination, secret = _destination(_object(message["dataAddress"]), process_id)
    told = message.get("callbackAddress")
    address = (told if isinstance(told, str) else callback).rstrip("/")
    flow = DataFlow(
        id=process_id,
        created_at=now,
        state_at=now,
        state=FlowState.STARTED,
        agreement_id=str(message["agreementId"]),
        participant_id=str(message["participantId"]),
        consumer_pid=str(metadata.get("consumerPid", "")),
        asset_id=str(message.get("datasetId", "")),
        source=read_source({"type": AZURE_STORAGE, **metadata}, "metadata"),
        destination=destination,
        callback_address=address or None,
        owns_secret=secret is not None,
        history=(HistoryEntry(now, FlowState.STARTED.value, "data flow requested by the control plane", 7),),
    )
    return flow, secret


def sas_name(process_id: str) -> str:
    """Our own name in the vault for the SAS that a control plane has sent with a flow: the same one each time."""
    return f"ferry-sas-{uuid.uuid5(_NAMES, process_id)}"


def status_message(flow_id: str, report: FlowReport, *, message_id: str) -> WrittenMessage:
    """A DataFlowStatusMessage: answer to a start or a question, and body of a callback."""
    extension: dict[str, Json] = {"state": report.state, "summary": dict(report.summary)}
    if report.progress is not None:
        extension["progress"] = report.progress
    if report.fault is not None:
        extension["fault"] = asdict(report.fault)
    message: WrittenMessage = {
        "messageId": message_id,
        "dataFlowId": flow_id,
        "state": _STATES_WRITTEN.get(report.state, report.state),
        EXTENSION: extension,
    }
    return {**message, "error": report.fault.message} if report.fault is not None else message


def read_status(body: Json) -> FlowReport:
    """What a DataFlowStatusMessage says. Raises InvalidInput with every fault."""
    message = read(body)
    check("DataFlowStatusMessage", message)
    extension = _object(message.get(EXTENSION))
    fault = _fault(_object(extension.get("fault")), message.get("error"))
    state = _STATES_READ[str(message["state"])]
    if state is FlowState.TERMINATED and fault is not None:
        is_terminated = extension.get("state") == FlowState.TERMINATED.value
        state = FlowState.TERMINATED if is_terminated else FlowState.FAILED
    progress = extension.get("progress")
    return FlowReport(
        state.value,
        _object(extension.get("summary")),
        fault,
        kept_address(message.get("dataAddress")),
        progress=progress if isinstance(progress, Mapping) else None,
    )


def read_callback(body: Json, flow_id: str, state: FlowState) -> FlowReport:
    """What a data plane tells by a callback. Where it sends an empty object, the path alone says the state."""
    said: JsonObject = body if isinstance(body, Mapping) else {}
    implied: dict[str, Json] = {"dataFlowId": flow_id, "state": _STATES_WRITTEN.get(state.value, state.value)}
    report = read_status({**implied, **said})
    is_fault = state is FlowState.FAILED and report.state in (FlowState.TERMINATED.value, FlowState.STARTED.value)
    if not is_fault:
        return report
    fault = report.fault or Fault(FaultCode.DATA_FLOW_FAILED, f"the data plane gave no reason for flow {flow_id}")
    return replace(report, state=FlowState.FAILED.value, fault=fault)


def order_message(reason: str, *, message_id: str) -> WrittenMessage:
    """The order to suspend or to stop a flow."""
    return {"messageId": message_id, "reason": reason}


def read_reason(body: Json) -> str:
    """Why a flow is to be suspended or stopped; empty where nobody says."""
    reason = read(body).get("reason")
    return "; ".join(str(it) for it in reason) if isinstance(reason, list) else ""


def _address(destination: Destination) -> WrittenMessage:
    properties = {**destination_properties(destination), "keyName": destination.secret_name}
    endpoint = destination.endpoint or f"https://{destination.account}.blob.core.windows.net"
    return {
        "@type": "DataAddress",
        "endpointType": AZURE_STORAGE,
        "endpoint": endpoint,
        "endpointProperties": [
            {"@type": "EndpointProperty", "name": name, "value": value} for name, value in properties.items()
        ],
    }


def _destination(address: JsonObject, process_id: str) -> tuple[Destination, Secret | None]:
    """The destination; unlike a peer, our own control plane may name a secret."""
    known = peer_address(address, keep_alias=True)
    properties = dict(known.properties)
    if known.secret is not None:
        properties["keyName"] = sas_name(process_id)
    read_address = read_destination(properties, "dataAddress")
    if read_address.key_name is None or read_address.container is None:
        raise InvalidInput.at("dataAddress", "needs a container, and in keyName the alias of its SAS in the vault")
    destination = Destination(
        account=read_address.account,
        container=read_address.container,
        marker=read_address.marker,
        secret_name=read_address.key_name,
        managed=False,
        folder=read_address.folder,
        blob_name=read_address.blob_name,
        endpoint=read_address.endpoint,
        sas_expires_at=known.secret_expires_at,
    )
    return destination, known.secret


def _source_properties(source: SourceAddress) -> dict[str, str]:
    properties = {
        "account": source.account,
        "container": source.container,
        "blobName": source.blob_name,
        "keyName": source.key_name,
        "endpoint": source.endpoint,
    }
    named = {name: value for name, value in properties.items() if value}
    return named if source.blob_prefix is None else {**named, "blobPrefix": source.blob_prefix}


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, Mapping) else {}


def _fault(said: JsonObject, error: Json) -> Fault | None:
    if not said:
        return Fault(FaultCode.DATA_FLOW_FAILED, error) if isinstance(error, str) and error else None
    step = said.get("step")
    return Fault(
        code=str(said["code"]),
        message=str(said["message"]),
        retryable=said.get("retryable") is True,
        step=step if isinstance(step, int) else None,
    )
