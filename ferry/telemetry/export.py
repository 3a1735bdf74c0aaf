"""Where spans and metrics go, by the setting FERRY_TELEMETRY."""

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ferry.telemetry import meters, redacted, spans

if TYPE_CHECKING:
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.trace.export import SpanExporter

log = logging.getLogger("ferry.telemetry")

FILE = "file:"
OTLP, AZURE_MONITOR = "otlp", "azure-monitor"
METRIC_SECONDS = 60.0


def configure_telemetry(participant_id: str, target: str) -> None:
    """Let spans and metrics leave: `otlp`, `azure-monitor`, `file:PATH` (spans alone), or nothing where it is empty.

    Called once, at the start. What cannot be had is told in the log: the connector itself works without.
    """
    if not target or spans.is_recording():
        return
    try:
        _configure(participant_id, target)
    except ImportError as error:
        _say_that_nothing_leaves(target, f"package {error.name} is not installed; add it to requirements.txt")
    except (ValueError, OSError) as error:
        # A connection string that is missing or wrong; its text is not for the log.
        _say_that_nothing_leaves(target, f"{type(error).__name__}; look at the settings of the exporter")


def _say_that_nothing_leaves(target: str, why: str) -> None:
    log.error("FERRY_TELEMETRY=%s: neither traces nor metrics leave this app: %s", redacted(target), why)


def _configure(participant_id: str, target: str) -> None:
    from ferry.telemetry.otel import OtelMeters, OtelRecorder

    if target.startswith(FILE):
        from ferry.telemetry.span_file import SpanFile

        # Several workers of one app must not share a file.
        path = Path(target.removeprefix(FILE).replace("{pid}", str(os.getpid())))
        spans.record_with(OtelRecorder(SpanFile(path), participant_id=participant_id, at_once=True))
        return
    from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader

    span_exporter, metric_exporter = _otlp() if target == OTLP else _azure_monitor()
    spans.record_with(OtelRecorder(span_exporter, participant_id=participant_id))
    reader = PeriodicExportingMetricReader(metric_exporter, export_interval_millis=METRIC_SECONDS * 1000)
    meters.measure_with(OtelMeters(reader, participant_id=participant_id))


def _otlp() -> "tuple[SpanExporter, MetricExporter]":
    """To where OpenTelemetry's own OTEL_EXPORTER_OTLP_* settings say."""
    from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(), OTLPMetricExporter()


def _azure_monitor() -> "tuple[SpanExporter, MetricExporter]":
    """To where APPLICATIONINSIGHTS_CONNECTION_STRING says."""
    from azure.monitor.opentelemetry.exporter import AzureMonitorMetricExporter, AzureMonitorTraceExporter

    return AzureMonitorTraceExporter(), AzureMonitorMetricExporter()
