"""The shape of a log line: one JSON object, whatever is in it, and what `extra` and exceptions bring."""

import json
import logging
import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferry.domain.secret import Secret
from ferry.telemetry import JsonFormatter, child_trace_parent, new_trace_parent, redacted, trace_parent, traced

TRACE_PARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")


def text_of(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> str:
    """The line that is logged."""
    exc_info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord("ferry.test", logging.WARNING, "", 0, message, arguments, exc_info)
    record.__dict__.update(extra)
    return JsonFormatter("consumer").format(record)


def line_of(message: str, *arguments: object, error: BaseException | None = None, **extra: object) -> dict[str, Any]:
    line: dict[str, Any] = json.loads(text_of(message, *arguments, error=error, **extra))
    return line


def test_line_says_when_where_who_and_what() -> None:
    before = datetime.now(UTC)
    line = line_of("%s of %d", "one", 3)
    assert line.keys() == {"at", "level", "participant", "logger", "message", "process", "trace"}
    assert (line["level"], line["participant"], line["logger"]) == ("WARNING", "consumer", "ferry.test")
    assert line["message"] == "one of 3"
    assert before <= datetime.fromisoformat(line["at"]) <= datetime.now(UTC)


def test_extra_stands_beside_the_message_and_over_the_context() -> None:
    with traced(None, "context"):
        assert line_of("x", ferry={"step": 13, "blob": "a/b"})["process"] == "context"
        line = line_of("x", ferry={"process": "told", "step": 13})
    assert (line["process"], line["step"]) == ("told", 13)


@pytest.mark.parametrize(
    "message", ["two\nlines", "ünïcode ✓", 'quoted "text"', "back\\slash", "\x00\x1b[31m", "\u2028"]
)
def test_line_is_one_line_of_json_whatever_it_says(message: str) -> None:
    text = text_of(message, ferry={"said": message})
    assert "\n" not in text
    assert json.loads(text)["message"] == json.loads(text)["said"] == message


def test_error_is_told_with_its_trace_and_its_cause_without_signatures() -> None:
    try:
        try:
            raise ConnectionError("https://h/c?sig=TOPSECRET&se=1")
        except ConnectionError as cause:
            raise RuntimeError("cannot copy") from cause
    except RuntimeError as error:
        text = text_of("failed", error=error)
    told = json.loads(text)["error"]
    assert "RuntimeError: cannot copy" in told and "sig=***&se=1" in told
    assert "test_line_shape.py" in told
    assert "TOPSECRET" not in text


def test_values_that_are_no_json_are_written_as_text_and_secrets_as_stars() -> None:
    line = line_of(
        "x", ferry={"at_time": datetime(2026, 1, 1, tzinfo=UTC), "sas": Secret("TOPSECRET"), "many": [Secret("s")]}
    )
    assert (line["at_time"], line["sas"], line["many"]) == ("2026-01-01 00:00:00+00:00", "***", ["***"])


@settings(max_examples=80, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text(), st.text(alphabet="abcXYZ0129%+/=-_.", min_size=1), st.sampled_from(["sig", "AccountKey", "code"]))
def test_line_with_a_signature_anywhere_is_json_without_it(around: str, value: str, name: str) -> None:
    text = text_of("%s", f"{around}?{name}=hid{value}den {around}", ferry={"body": {"sas": f'"?{name}=hid{value}den"'}})
    assert f"hid{value}den" not in text
    assert json.loads(text)["level"] == "WARNING"


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.text())
def test_redaction_of_what_is_redacted_changes_nothing(text: str) -> None:
    assert redacted(redacted(text)) == redacted(text)


def test_trace_is_kept_for_what_leaves_and_its_parent_is_new() -> None:
    parent = new_trace_parent()
    assert TRACE_PARENT.fullmatch(parent)
    with traced(parent):
        children = [child_trace_parent() for _ in range(3)]
        assert trace_parent.get() == parent
    assert {child[:35] for child in children} == {parent[:35]}
    assert len({parent, *children}) == 4
    assert all(TRACE_PARENT.fullmatch(child) for child in children)


def test_without_a_trace_each_message_begins_one() -> None:
    first, second = child_trace_parent(), child_trace_parent()
    assert TRACE_PARENT.fullmatch(first)
    assert first[:35] != second[:35]


@pytest.mark.parametrize(
    "parent", [None, "", "nonsense", f"00-{'A' * 32}-{'b' * 16}-01", f"00-{'a' * 31}-{'b' * 16}-01"]
)
def test_trace_that_is_none_is_replaced_by_one_of_our_own(parent: str | None) -> None:
    with traced(parent):
        made = trace_parent.get()
        assert made is not None and made != parent
        assert TRACE_PARENT.fullmatch(made)
        assert line_of("x")["trace"] == made[3:35]


def test_trace_within_a_trace_ends_with_it() -> None:
    outer, inner = new_trace_parent(), new_trace_parent()
    with traced(outer, "outer"):
        with pytest.raises(KeyError), traced(inner, "inner"):
            raise KeyError
        assert (trace_parent.get(), line_of("x")["process"]) == (outer, "outer")
    assert trace_parent.get() is None
