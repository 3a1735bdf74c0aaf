"""Spans and metrics by OpenTelemetry's SDK. Imported only where FERRY_TELEMETRY asks for it."""

from collections.abc import Mapping

from opentelemetry import trace
from opentelemetry.metrics import Counter, Histogram
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter

from ferry.telemetry.meters import INSTRUMENTS, Instrument, Shape
from ferry.telemetry.spans import Attribute, Kind, Named, Span

_KINDS = {
    Kind.SERVER: trace.SpanKind.SERVER,
    Kind.CLIENT: trace.SpanKind.CLIENT,
    Kind.CONSUMER: trace.SpanKind.CONSUMER,
    Kind.INTERNAL: trace.SpanKind.INTERNAL,
}
_EXPORT_MILLISECONDS = 1000.0


class OtelRecorder:
    """Opens the SDK's spans (spans.Recorder). `at_once`: each is exported when it ends, else once a second."""

    def __init__(self, exporter: SpanExporter, *, participant_id: str, at_once: bool = False) -> None:
        self._provider = TracerProvider(resource=_resource(participant_id), shutdown_on_exit=True)
        self._provider.add_span_processor(
            SimpleSpanProcessor(exporter)
            if at_once
            else BatchSpanProcessor(exporter, schedule_delay_millis=_EXPORT_MILLISECONDS)
        )
        self._tracer = self._provider.get_tracer("ferry")

    def open(self, named: Named, parent: str | None) -> Span:
        """Begin a span; a root where there is no parent."""
        above = trace.NonRecordingSpan(_context(parent)) if parent else trace.INVALID_SPAN
        opened = self._tracer.start_span(
            named.name,
            context=trace.set_span_in_context(above),
            kind=_KINDS[named.kind],
            attributes=dict(named.attributes),
        )
        return _OtelSpan(opened)

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


class _OtelSpan:
    def __init__(self, opened: trace.Span) -> None:
        self._span = opened

    @property
    def trace_parent(self) -> str:
        context = self._span.get_span_context()
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    def note(self, **attributes: Attribute) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(f"ferry.{name.replace('_', '.')}", value)

    def tell(self, event: str, attributes: Mapping[str, Attribute]) -> None:
        self._span.add_event(event, dict(attributes))

    def fail(self, code: str) -> None:
        self._span.set_status(trace.Status(trace.StatusCode.ERROR, code))

    def end(self) -> None:
        self._span.end()


class OtelMeters:
    """Keeps values in the SDK's instruments (meters.Meters)."""

    def __init__(self, reader: MetricReader, *, participant_id: str) -> None:
        self._provider = MeterProvider([reader], resource=_resource(participant_id), shutdown_on_exit=True)
        meter = self._provider.get_meter("ferry")
        make = {
            Shape.COUNTER: meter.create_counter,
            Shape.HISTOGRAM: meter.create_histogram,
            Shape.GAUGE: meter.create_gauge,
        }
        self._made = {it.name: make[it.shape](it.name, unit=it.unit, description=it.says) for it in INSTRUMENTS}

    def take(self, instrument: Instrument, value: float, attributes: Mapping[str, Attribute]) -> None:
        """Count, measure or set it."""
        made, told = self._made[instrument.name], dict(attributes)
        if isinstance(made, Counter):
            made.add(value, told)
        elif isinstance(made, Histogram):
            made.record(value, told)
        else:
            made.set(value, told)

    def close(self) -> None:
        """Export what is left."""
        self._provider.shutdown()


def _resource(participant_id: str) -> Resource:
    return Resource.create({"service.name": "ferry", "service.instance.id": participant_id})


def _context(parent: str) -> trace.SpanContext:
    _, trace_id, span_id, _ = parent.split("-")
    return trace.SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=True, trace_flags=trace.TraceFlags(1))
