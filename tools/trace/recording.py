"""Records the spans of one transfer: a client's root span, and what two participants did for it."""

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from ferry.telemetry import spans, trace_parent
from ferry.telemetry.otel import OtelRecorder
from ferry.telemetry.span_file import SpanFile
from tools.agreed import Agreed, agree, client_of

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
        order = agree(stack)
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


def _move(stack: LocalStack, order: Agreed) -> None:
    """Start, wait, deprovision; only the two orders carry the trace, for asking how it stands is nobody's work."""
    parent = {"traceparent": trace_parent.get() or ""}
    with client_of(stack, CONSUMER, parent) as orders, client_of(stack, CONSUMER) as asking:
        process_id = orders.start_transfer(
            stack.provider.protocol_url, asset_id=order.asset_id, contract_id=order.agreement_id
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
