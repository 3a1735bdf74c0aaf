"""EDC's own signaling, before Data Plane Signaling 1.0: what control planes of EDC up to 0.18 say to a data plane.

The same orders in other words, as JSON-LD under EDC's vocabulary: addresses look like those of protocol 0.8, a start of
a flow that stands still resumes it, and news go to `…/transferprocess/{id}/complete`, `/fail` and `/provisioned`. A SAS
is named by its alias in the vault that both share (up to 0.15), or sent along (0.16 to 0.18).
"""

import re
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import quote

from ferry.domain.data_address import (
    AZURE_STORAGE,
    EDC_NAMESPACE,
    SECRET_PROPERTY,
    DestinationAddress,
    SourceAddress,
    read_destination,
    read_source,
)
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import Fault, InputFault, InvalidInput
from ferry.domain.plane_flow import EDC_DIALECT
from ferry.domain.process import HistoryEntry, Json, JsonObject
from ferry.domain.secret import Secret
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import Destination
from ferry.protocol.envelope import WrittenMessage
from ferry.protocol.reader import objects_in, read
from ferry.protocol.sas import parse_sas
from ferry.protocol.schema import check
from ferry.protocol.signaling import sas_name
from ferry.protocol.signaling_flows import AZURE_STORAGE_PULL, AZURE_STORAGE_PUSH, FlowOrder
from ferry.protocol.terms import short_term

DIALECT = EDC_DIALECT
CONTEXT: JsonObject = {"@vocab": EDC_NAMESPACE, "edc": EDC_NAMESPACE}

_DSPACE = "https://w3id.org/dspace/v0.8/"
_NEWS = {"prepared": "provisioned", "completed": "complete", "errored": "fail"}
_NO_NAME = re.compile(r"[^a-zA-Z0-9-]")
# EDC's states of a flow, where they have other words.
_STATES = {"STARTING": "RECEIVED", "PREPARING": "PROVISIONING", "PREPARED": "PROVISIONED"}


def read_order(body: Json, *, callback: str, path: str) -> FlowOrder:
    """A DataFlowStartMessage, or the DataFlowProvisionMessage of a consumer's plane, without its addresses.

    `path`: under which member the address that becomes `metadata` stands. Raises InvalidInput with every fault.
    """
    message = read(body)
    check("EdcDataFlowMessage", message)
    kind = _transfer_type(message)
    told = message.get("callbackAddress")
    address = (told if isinstance(told, str) else callback).rstrip("/")
    faults: list[InputFault] = []
    if kind not in (AZURE_STORAGE_PUSH, AZURE_STORAGE_PULL):
        what = f"must be {AZURE_STORAGE_PUSH} or {AZURE_STORAGE_PULL}"
        faults.append(InputFault("transferType", what, kind))
    if not address:
        faults.append(InputFault("callbackAddress", "is required: where news of the flow are told"))
    if path not in message:
        faults.append(InputFault(path, "is required"))
    if faults:
        raise InvalidInput(tuple(faults))
    return FlowOrder(
        process_id=str(message["processId"]),
        participant_id=str(message.get("participantId", "")),
        counter_party_id="",
        agreement_id=str(message.get("agreementId", "")),
        asset_id=str(message.get("datasetId") or message.get("assetId") or ""),
        transfer_type=kind,
        callback_address=address,
        metadata=_properties(message[path]),
        consumer_pid="",
    )


def read_push(body: Json, order: FlowOrder, *, now: datetime) -> tuple[DataFlow, Secret | None]:
    """The flow of a push, and its SAS where the message brings it. Raises InvalidInput."""
    message = read(body)
    if "destinationDataAddress" not in message:
        raise InvalidInput.at("destinationDataAddress", "is required: where a push goes")
    destination, secret = _destination(_properties(message["destinationDataAddress"]), order.process_id)
    flow = DataFlow(
        id=order.process_id,
        created_at=now,
        state_at=now,
        state=FlowState.STARTED,
        agreement_id=order.agreement_id,
        participant_id=order.participant_id,
        consumer_pid="",
        asset_id=order.asset_id,
        source=read_served(order),
        destination=destination,
        callback_address=order.callback_address,
        dialect=DIALECT,
        owns_secret=secret is not None,
        history=(HistoryEntry(now, FlowState.STARTED.value, "data flow requested by the control plane", 7),),
    )
    return flow, secret


def read_served(order: FlowOrder) -> SourceAddress:
    """What is read: the source address of the order. Raises InvalidInput."""
    return read_source({"type": AZURE_STORAGE, **order.metadata}, "sourceDataAddress")


def read_wanted(order: FlowOrder) -> tuple[DestinationAddress, bool]:
    """Where a consumer wants data, and that the container is ours to make. Raises InvalidInput."""
    wanted = read_destination({"type": AZURE_STORAGE, **order.metadata}, "destination")
    return wanted, True


def is_resumption(known: DataFlow | None) -> bool:
    """Whether a start is one of a flow that stands still."""
    return known is not None and known.state is FlowState.SUSPENDED


def response_message(*, provisioning: bool, address: JsonObject | None = None) -> WrittenMessage:
    """A DataFlowResponseMessage; the address as EDC reads it there, like the protocol of version 0.8."""
    message: WrittenMessage = {
        "@context": CONTEXT,
        "@type": "DataFlowResponseMessage",
        "provisioning": provisioning,
    }
    return message if address is None else {**message, "dataAddress": _told_address(address)}


def _told_address(address: JsonObject) -> dict[str, Json]:
    items = [
        {"@type": f"{_DSPACE}EndpointProperty", f"{_DSPACE}name": item["name"], f"{_DSPACE}value": item["value"]}
        for item in objects_in(address.get("endpointProperties"))
    ]
    return {
        "@type": f"{_DSPACE}DataAddress",
        f"{_DSPACE}endpointType": address.get("endpointType"),
        f"{_DSPACE}endpointProperties": list(items),
    }


def state_message(state: str) -> WrittenMessage:
    """How a flow stands, in EDC's words."""
    return {"@context": CONTEXT, "@type": "DataFlowState", "state": _STATES.get(state, state)}


def flat_address(address: JsonObject) -> dict[str, Json]:
    """A protocol's data address as EDC keeps one: properties beside each other."""
    flat: dict[str, Json] = {"@type": "DataAddress", "type": address.get("endpointType")}
    if address.get("endpoint"):
        flat["endpoint"] = address["endpoint"]
    for item in objects_in(address.get("endpointProperties")):
        flat[short_term(str(item["name"]))] = item["value"]
    return flat


def news_path(flow_id: str, news: str) -> str:
    """Where news of a flow are told, below its callback address."""
    return f"/transferprocess/{quote(flow_id, safe=':')}/{_NEWS.get(news, news)}"


def news_body(news: str, fault: Fault | None, address: JsonObject | None = None) -> dict[str, Json]:
    """What is told: the cause of a failure, or the address that was provisioned."""
    if news == "errored":
        return {"@context": CONTEXT, "errorMessage": fault.message if fault else "the data plane gave no reason"}
    return {} if address is None else {"@context": CONTEXT, **flat_address(address)}


def _transfer_type(message: JsonObject) -> str:
    """`AzureStorage-PUSH`, as one text or in its parts."""
    whole, flow, destination = (message.get(it) for it in ("transferType", "flowType", "transferTypeDestination"))
    if isinstance(whole, str) and whole.endswith(("-PUSH", "-PULL")):
        return whole
    kind = destination if isinstance(destination, str) else AZURE_STORAGE
    return f"{kind}-{flow if isinstance(flow, str) else 'PUSH'}"


def _destination(properties: Mapping[str, Json], process_id: str) -> tuple[Destination, Secret | None]:
    secret, ends_at = None, None
    told = properties.get(SECRET_PROPERTY)
    if isinstance(told, str) and told:
        secret, ends_at = parse_sas(told, "destinationDataAddress.secret")
    known = {name: value for name, value in properties.items() if name != SECRET_PROPERTY}
    wanted = read_destination({"type": AZURE_STORAGE, **known}, "destinationDataAddress")
    name = sas_name(process_id) if secret is not None else vault_name(wanted.key_name or "")
    if wanted.container is None or not name:
        message = "needs a container, and its SAS in secret, or in keyName its alias in the vault"
        raise InvalidInput.at("destinationDataAddress", message)
    destination = Destination(
        account=wanted.account,
        container=wanted.container,
        marker=wanted.marker,
        secret_name=name,
        managed=False,
        folder=wanted.folder,
        blob_name=wanted.blob_name,
        endpoint=wanted.endpoint,
        sas_expires_at=ends_at,
    )
    return destination, secret


def vault_name(alias: str) -> str:
    """The name under which EDC's Azure vault keeps what it knows by that alias; empty for an empty one."""
    name = _NO_NAME.sub("-", alias)
    return name if not name or name[0].isalpha() else f"x-{name}"


def _properties(address: Json) -> JsonObject:
    """The properties of an address, as EDC sends it (like the protocol, version 0.8) or as it keeps it (flat)."""
    if not isinstance(address, Mapping):
        return {}
    if "endpointType" in address:
        items = objects_in(address.get("endpointProperties"))
        named = {short_term(str(item.get("name"))): item.get("value") for item in items}
        return {**named, "type": address["endpointType"]}
    inner = address.get("properties")
    told = {**(inner if isinstance(inner, Mapping) else {}), **address}
    return {short_term(name): value for name, value in told.items() if name not in ("@type", "@id", "properties")}
