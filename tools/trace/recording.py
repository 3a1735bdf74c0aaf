"""Records the spans of one transfer: a client's root span, and what two participants did for it."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from ferry.telemetry import spans, trace_parent
from ferry.telemetry.otel import OtelRecorder
from ferry.telemetry.span_file import SpanFile

_BLOBS = {f"reports/{number:02}.csv": b"a,b\n" * 256 for number in range(12)}
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class RecordedSpan:
    """One line of a span file. Times are nanoseconds since 1970; `parent` None: a root."""

    trace: str
    id: str
    parent: str | None
    name: str
    participant: str
    started_ns: int
    ended_ns: int
    error: str | None
    attributes: Mapping[str, Any]
    events: tuple[Mapping[str, Any], ...]


def record_transfer(folder: Path) -> list[RecordedSpan]:
    """Run one transfer from request to DEPROVISIONED; the spans of its trace, by their start."""
    names = (CONSUMER, PROVIDER)
    environment = {name: {"FERRY_TELEMETRY": f"file:{folder}/{name}.jsonl"} for name in names}
    recorder = OtelRecorder(SpanFile(folder / "client.jsonl"), participant_id="client", at_once=True)
    with LocalStack.start(StackOptions(environment=environment)) as stack:
        order = _agreed(stack)
        spans.record_with(recorder)
        try:
            with spans.span(spans.Named("transfer", spans.Kind.CLIENT)) as root:
                trace = root.trace_parent.split("-")[1]
                _move(stack, order)
        finally:
            spans.record_with(None)
            recorder.close()
    found = [span for path in sorted(folder.glob("*.jsonl")) for span in read_spans(path) if span.trace == trace]
    return sorted(found, key=lambda span: span.started_ns)


def read_spans(path: Path) -> list[RecordedSpan]:
    """The spans of a file."""
    lines = (json.loads(line) for line in path.read_text().splitlines())
    return [
        RecordedSpan(
            trace=line["trace"],
            id=line["span"],
            parent=line["parent"],
            name=line["name"],
            participant=line["participant"],
            started_ns=line["started_ns"],
            ended_ns=line["ended_ns"],
            error=line["error"],
            attributes=line["attributes"],
            events=tuple(line["events"]),
        )
        for line in lines
    ]


def faults_of(found: list[RecordedSpan]) -> list[str]:
    """What is wrong with a trace: more than one root, a parent that nobody recorded, a side that is missing."""
    known = {span.id for span in found}
    roots = [span.name for span in found if span.parent is None]
    orphans = [f"{it.participant}: {it.name}" for it in found if it.parent is not None and it.parent not in known]
    missing = {"client", CONSUMER, PROVIDER} - {span.participant for span in found}
    return [
        *([f"{len(roots)} roots: {roots}"] if len(roots) != 1 else []),
        *([f"orphans: {orphans}"] if orphans else []),
        *([f"nothing of {sorted(missing)}"] if missing else []),
    ]


def _agreed(stack: LocalStack) -> dict[str, str]:
    """An asset of some blobs, and the agreement over it."""
    source = f"src-{uuid.uuid4().hex}"
    with stack.blobs(PROVIDER) as outbox, outbox.create_container(source) as container:
        for name, content in _BLOBS.items():
            container.upload_blob(name, content)
    with _client(stack, PROVIDER) as provider:
        account = stack.resources(PROVIDER).data_storage.name
        provider.create_asset("reports", {"account": account, "container": source, "blobPrefix": ""}, {})
        provider.create_policy("everybody")
        provider.create_contract_definition("offer", "everybody", "reports")
    with _client(stack, CONSUMER) as consumer:
        offer = consumer.catalog(stack.provider.protocol_url)[0]
        negotiation = consumer.negotiate(stack.provider.protocol_url, offer)
        until = time.monotonic() + _PATIENCE_SECONDS
        while (view := consumer.negotiation(negotiation)).agreement_id is None:
            if time.monotonic() > until:
                raise TimeoutError(f"the negotiation stands at {view.state}")
            time.sleep(0.1)
        return {"asset_id": offer.asset_id, "contract_id": view.agreement_id}


def _move(stack: LocalStack, order: Mapping[str, str]) -> None:
    """Start, wait, deprovision; only the two orders carry the trace, for asking how it stands is nobody's work."""
    parent = {"traceparent": trace_parent.get() or ""}
    with _client(stack, CONSUMER, parent) as orders, _client(stack, CONSUMER) as asking:
        process_id = orders.start_transfer(
            stack.provider.protocol_url, asset_id=order["asset_id"], contract_id=order["contract_id"]
        )
        _until_settled(asking, process_id, "COMPLETED")
        orders.deprovision(process_id)
        _until_settled(asking, process_id, "DEPROVISIONED")


def _until_settled(client: ManagementClient, process_id: str, wanted: str) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while (state := client.transfer_state(process_id)) != wanted:
        if time.monotonic() > until or state == "TERMINATED":
            raise TimeoutError(f"transfer {process_id} stands at {state}, not {wanted}")
        time.sleep(0.05)


def _client(stack: LocalStack, name: str, headers: Mapping[str, str] | None = None) -> ManagementClient:
    participant = stack.participant(name)
    return ManagementClient(participant.management_url, participant.api_key, headers=headers)
