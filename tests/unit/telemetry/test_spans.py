"""Spans and metrics: what is recorded, whose child it is, and that nothing is while nobody asks for it."""

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from ferry.control_plane.engine_run import log_news, tell_failure
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.states import TransferState
from ferry.telemetry import child_trace_parent, concerning, meters, spans, trace_parent, traced
from ferry.telemetry.export import configure_telemetry
from ferry.telemetry.otel import OtelMeters, OtelRecorder
from ferry.telemetry.span_file import SpanFile
from ferry.telemetry.spans import Kind, Named, span
from tests.unit.control_plane.processes import NOW, consumer_in, decided, received
from tools.trace.recording import faults_of, read_spans

OUTSIDE = f"00-{'a' * 32}-{'b' * 16}-01"
OTHER = f"00-{'c' * 32}-{'d' * 16}-01"


@pytest.fixture
def exported() -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    spans.record_with(OtelRecorder(exporter, participant_id="consumer", at_once=True))
    yield exporter
    spans.record_with(None)


@pytest.fixture
def measured() -> Iterator[InMemoryMetricReader]:
    reader = InMemoryMetricReader()
    meters.measure_with(OtelMeters(reader, participant_id="consumer"))
    yield reader
    meters.measure_with(None)


def points_of(reader: InMemoryMetricReader, instrument: meters.Instrument) -> list[tuple[dict[str, Any], Any]]:
    """The attributes of each point of a metric, and the point."""
    data = reader.get_metrics_data()
    assert data is not None
    told = data.resource_metrics[0].scope_metrics[0].metrics
    (metric,) = [it for it in told if it.name == instrument.name]
    return [(dict(point.attributes or {}), point) for point in metric.data.data_points]


def ids_of(recorded: ReadableSpan) -> tuple[str, str]:
    """The ids of its trace and its own."""
    context = recorded.get_span_context()
    assert context is not None
    return f"{context.trace_id:032x}", f"{context.span_id:016x}"


def test_span_is_child_of_the_parent_that_came_with_the_request(exported: InMemorySpanExporter) -> None:
    with traced(OUTSIDE, span=Named("GET state", Kind.SERVER)):
        pass
    (only,) = exported.get_finished_spans()
    assert only.parent is not None
    assert (ids_of(only)[0], f"{only.parent.span_id:016x}") == ("a" * 32, "b" * 16)


def test_request_without_parent_is_a_root(exported: InMemorySpanExporter) -> None:
    with traced(None, span=Named("POST transfer", Kind.SERVER)):
        assert trace_parent.get() is not None
    (only,) = exported.get_finished_spans()
    assert only.parent is None


def test_message_names_the_span_that_sends_it(exported: InMemorySpanExporter) -> None:
    with traced(OUTSIDE, span=Named("look")), span(Named("POST request", Kind.CLIENT)):
        sent = child_trace_parent()
    posted, _ = exported.get_finished_spans()
    assert tuple(sent.split("-")[1:3]) == ids_of(posted)


def test_what_a_timer_does_belongs_to_the_trace_of_the_process(exported: InMemorySpanExporter) -> None:
    with traced(None):
        concerning("p-1", OTHER)
        with span(Named("SEND_MESSAGE")):
            pass
    (only,) = exported.get_finished_spans()
    assert only.parent is not None
    assert f"{only.parent.span_id:016x}" == "d" * 16


def test_parent_is_what_it_was_when_a_span_is_over(exported: InMemorySpanExporter) -> None:
    with traced(OUTSIDE):
        with span(Named("one")):
            assert trace_parent.get() != OUTSIDE
        assert trace_parent.get() == OUTSIDE


def test_exception_makes_a_failed_span_that_does_not_quote_it(exported: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="secret"), span(Named("one")):
        raise ValueError("secret")
    (only,) = exported.get_finished_spans()
    assert (only.status.status_code.name, only.status.description) == ("ERROR", "ValueError")
    assert not only.events


def test_failed_effect_tells_its_cause_without_signatures(exported: InMemorySpanExporter) -> None:
    fault = Fault(FaultCode.SAS_REFUSED, "https://x.test/c?sig=abcdef was refused", retryable=False)
    with span(Named("COPY")) as recorded:
        tell_failure(recorded, "DataFlow", Intent("i", IntentKind.COPY), fault)
    (only,) = exported.get_finished_spans()
    attributes = dict(only.attributes or {})
    assert only.status.description == "SAS_REFUSED"
    assert attributes["ferry.fault.message"] == "https://x.test/c?sig=*** was refused"


def test_end_that_a_message_brings_tells_its_cause_in_the_history_of_its_span(exported: InMemorySpanExporter) -> None:
    before = consumer_in(TransferState.STARTED)
    end = received(MessageKind.TRANSFER_TERMINATION, {"code": "SOURCE_KEY_MISSING"}, message_id="end")
    after = decided(before, end)
    with span(Named("POST termination", Kind.SERVER)):
        log_news("TransferProcess", before, after)
    ((event,),) = [only.events for only in exported.get_finished_spans()]
    told = dict(event.attributes or {})
    assert (told["code"], told["state"], told["process"]) == ("SOURCE_KEY_MISSING", "TERMINATED", after.id)


def test_line_of_history_leaves_without_signatures(exported: InMemorySpanExporter) -> None:
    before = consumer_in(TransferState.STARTED)
    said = HistoryEntry(NOW, "STARTED", "https://x.test/c?sig=abcdef was refused")
    with span(Named("look")):
        log_news("TransferProcess", before, replace(before, history=(*before.history, said)))
    (only,) = exported.get_finished_spans()
    assert [event.name for event in only.events] == ["https://x.test/c?sig=*** was refused"]


def test_nothing_is_recorded_and_nothing_changes_while_nobody_asks() -> None:
    with traced(OUTSIDE, span=Named("look")), span(Named("one")) as recorded:
        assert recorded is spans.NO_SPAN
        assert trace_parent.get() == OUTSIDE
        assert child_trace_parent().split("-")[2] != "b" * 16


def test_retry_is_counted_by_its_cause(measured: InMemoryMetricReader) -> None:
    fault = Fault(FaultCode.SOURCE_UNAVAILABLE, "busy", retryable=True)
    for _ in range(2):
        tell_failure(spans.NO_SPAN, "DataFlow", Intent("i", IntentKind.COPY), fault)
    told = {"kind": "DataFlow", "intent": "COPY", "code": "SOURCE_UNAVAILABLE"}
    ((found, point),) = points_of(measured, meters.RETRIES)
    assert (found, point.value) == (told, 2)


def test_answer_of_a_dependency_is_measured_by_system_and_status(measured: InMemoryMetricReader) -> None:
    with meters.duration("vault") as told:
        told["status"] = 200
    with pytest.raises(TimeoutError), meters.duration("table"):
        raise TimeoutError
    found = [told for told, _ in points_of(measured, meters.DEPENDENCY)]
    assert found == [{"system": "vault", "status": 200}, {"system": "table", "status": "none"}]


def test_every_instrument_says_what_it_is() -> None:
    assert all(it.says and it.unit and it.name.startswith("ferry.") for it in meters.INSTRUMENTS)


def test_spans_in_a_file_are_read_back_as_they_were(tmp_path: Path) -> None:
    recorder = OtelRecorder(SpanFile(tmp_path / "s.jsonl"), participant_id="client", at_once=True)
    spans.record_with(recorder)
    with span(Named("root", Kind.CLIENT)), span(Named("child", attributes={"ferry.attempt": 2})) as child:
        child.tell("begun", {"step": 8})
        child.fail("SAS_REFUSED")
    spans.record_with(None)
    recorder.close()
    child_read, root = read_spans(tmp_path / "s.jsonl")
    assert (child_read.parent, child_read.error, child_read.attributes["ferry.attempt"]) == (root.id, "SAS_REFUSED", 2)
    assert child_read.events[0]["name"] == "begun"
    assert faults_of([root, child_read]) == ["nothing of ['consumer', 'provider']"]
    assert "orphans" in faults_of([child_read])[1]


def test_exporter_that_is_not_installed_is_told_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "azure.monitor.opentelemetry.exporter", None)
    monkeypatch.setattr(logging.getLogger("ferry"), "propagate", True)
    configure_telemetry("consumer", "azure-monitor")
    assert not spans.is_recording()
    assert "requirements.txt" in caplog.text


def test_exporter_without_connection_string_is_told_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.delenv("APPLICATIONINSIGHTS_CONNECTION_STRING", raising=False)
    monkeypatch.setattr(logging.getLogger("ferry"), "propagate", True)
    configure_telemetry("consumer", "azure-monitor")
    assert not spans.is_recording()
    assert "settings of the exporter" in caplog.text
