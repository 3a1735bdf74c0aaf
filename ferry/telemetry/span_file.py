"""Spans as JSON lines in a file: what a local run and the documentation's picture of a trace are made of."""

import json
from collections.abc import Sequence
from pathlib import Path

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult


class SpanFile(SpanExporter):
    """Appends a line for each span: ids, parent, name, kind, times in nanoseconds, status, attributes, events."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In one write each, so that lines of several threads and processes never mix.
        self._file = path.open("ab", buffering=0)

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Write them."""
        for span in spans:
            self._file.write(json.dumps(_told(span)).encode() + b"\n")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """There is nothing to wait for."""
        return True


def _told(span: ReadableSpan) -> dict[str, object]:
    context, parent = span.get_span_context(), span.parent
    return {
        "trace": f"{context.trace_id:032x}" if context else None,
        "span": f"{context.span_id:016x}" if context else None,
        "parent": f"{parent.span_id:016x}" if parent else None,
        "name": span.name,
        "kind": span.kind.name.lower(),
        "participant": span.resource.attributes.get("service.instance.id"),
        "started_ns": span.start_time,
        "ended_ns": span.end_time,
        "error": span.status.description if span.status.status_code.name == "ERROR" else None,
        "attributes": dict(span.attributes or {}),
        "events": [{"name": it.name, "at_ns": it.timestamp, **dict(it.attributes or {})} for it in span.events],
    }
