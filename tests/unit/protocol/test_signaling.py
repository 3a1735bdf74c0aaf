"""Data Plane Signaling: flows and reports survive the wire, and no secret is on it."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.domain.data_address import SourceAddress
from ferry.domain.decision import FlowReport
from ferry.domain.faults import Fault, FaultCode, InvalidInput
from ferry.domain.process import JsonObject
from ferry.domain.states import FlowState
from ferry.domain.transfer_process import Destination
from ferry.protocol.schema import check
from ferry.protocol.signaling import (
    FlowParties,
    callback_path,
    order_message,
    read_reason,
    read_start,
    read_status,
    start_message,
    status_message,
)
from tests.unit.protocol.examples import NOW, data_flow, destinations, faults
from tests.unit.protocol.recordings import signaling_message
from tests.unit.protocol.strict import properties_in

PARTIES = FlowParties("provider", "consumer", "asset-1")

sources = st.sampled_from(
    [
        SourceAddress(account="providerstore", container="src", blob_name="a/b.bin", key_name="alias-1"),
        SourceAddress(account="providerstore", container="src", blob_prefix="", endpoint="https://x.example"),
        SourceAddress(account="providerstore", container="src", blob_prefix="2026/"),
    ]
)
reports = st.builds(
    FlowReport,
    state=st.sampled_from([FlowState.STARTED.value, FlowState.COMPLETED.value]),
    summary=st.dictionaries(st.sampled_from(["blobs", "bytes"]), st.integers(0, 10**15)),
) | st.builds(FlowReport, state=st.sampled_from([FlowState.FAILED.value, FlowState.TERMINATED.value]), fault=faults)


@given(destinations, sources)
def test_flow_survives_the_wire(destination: Destination, source: SourceAddress) -> None:
    flow = data_flow(destination, source)

    message = json.loads(json.dumps(start_message(flow, PARTIES, message_id="m-1")))
    read = read_start(message, now=NOW)

    assert replace(read, history=()) == replace(flow, asset_id="asset-1")
    check("DataFlowStartMessage", message)


def test_start_carries_the_alias_of_the_secret_alone() -> None:
    properties = properties_in(start_message(data_flow(), PARTIES, message_id="m-1"))

    assert properties["keyName"] == "ferry-sas-1"
    assert "secret" not in properties


def test_start_with_a_secret_is_refused_without_showing_it() -> None:
    message = signaling_message("start")
    told = json.loads(json.dumps(message).replace("?sv=stub", "?sv=stub&sig=s3cr3t"))

    with pytest.raises(InvalidInput, match="holds a secret") as refused:
        read_start(told, now=NOW)

    assert "s3cr3t" not in str(refused.value)


@pytest.mark.parametrize("missing", ["processId", "agreementId", "dataAddress", "metadata"])
def test_start_without_what_a_flow_needs_is_refused(missing: str) -> None:
    message = {k: v for k, v in start_message(data_flow(), PARTIES, message_id="m-1").items() if k != missing}

    with pytest.raises(InvalidInput, match=f"{missing}: is required"):
        read_start(message, now=NOW)


def test_start_of_another_type_is_refused() -> None:
    message = start_message(data_flow(), PARTIES, message_id="m-1") | {"transferType": "HttpData-PULL"}

    with pytest.raises(InvalidInput, match="must be AzureStorage-PUSH"):
        read_start(message, now=NOW)


@given(reports)
def test_report_survives_the_wire(report: FlowReport) -> None:
    message = json.loads(json.dumps(status_message("flow-1", report, message_id="m-1")))

    check("DataFlowStatusMessage", message)
    assert read_status(message) == report


@pytest.mark.parametrize(
    ("body", "report"),
    [
        ({"dataFlowId": "f", "state": "STARTING"}, FlowReport("STARTING")),
        ({"dataFlowId": "f", "state": "COMPLETED", "error": ""}, FlowReport("COMPLETED")),
        ({"dataFlowId": "f", "state": "TERMINATED"}, FlowReport("TERMINATED")),
        (
            {"dataFlowId": "f", "state": "TERMINATED", "error": "no"},
            FlowReport("FAILED", fault=Fault(FaultCode.DATA_FLOW_FAILED, "no")),
        ),
    ],
)
def test_status_of_a_foreign_plane_is_read(body: JsonObject, report: FlowReport) -> None:
    assert read_status(body) == report


def test_recorded_status_is_read() -> None:
    assert read_status(signaling_message("status")) == FlowReport("STARTED")


def test_end_is_told_where_it_belongs() -> None:
    assert callback_path("f-1", FlowReport("COMPLETED")) == "/transfers/f-1/dataflow/completed"
    assert callback_path("f-1", FlowReport("FAILED")) == "/transfers/f-1/dataflow/errored"
    assert callback_path("f-1", FlowReport("TERMINATED")) == "/transfers/f-1/dataflow/errored"


def test_reason_of_a_termination_survives_the_wire() -> None:
    assert read_reason(order_message("the consumer ended it", message_id="m-1")) == "the consumer ended it"
    assert read_reason({}) == ""
