"""What a log line says of process and trace, and what it never says."""

import json
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ferry import telemetry
from ferry.telemetry import JsonFormatter, child_trace_parent, concerning, redacted, traced

OURS, THEIRS = f"00-{'a' * 32}-{'b' * 16}-01", f"00-{'c' * 32}-{'d' * 16}-01"


@pytest.fixture
def loggers() -> Iterator[None]:
    """The loggers that are configured, as they were before."""
    names = ("ferry", "azure", "urllib3", "httpx2", "httpcore2")
    before = {name: (logger.level, logger.propagate) for name in names if (logger := logging.getLogger(name))}
    yield
    for name, (level, propagate) in before.items():
        logger = logging.getLogger(name)
        logger.handlers = [it for it in logger.handlers if not isinstance(it.formatter, JsonFormatter)]
        logger.level, logger.propagate = level, propagate


def line_now(message: str = "said") -> dict[str, object]:
    """What a line that is logged now says."""
    record = logging.LogRecord("ferry.test", logging.INFO, "", 0, message, None, None)
    line: dict[str, object] = json.loads(JsonFormatter("consumer").format(record))
    return line


def test_line_names_the_process_and_the_trace_that_were_given() -> None:
    with traced(OURS, "p-1"):
        assert (line_now()["process"], line_now()["trace"]) == ("p-1", "a" * 32)
        assert child_trace_parent().startswith(f"00-{'a' * 32}-")
    assert line_now()["process"] is None


def test_trace_of_the_process_is_taken_where_none_was_given() -> None:
    with traced(None):
        concerning("p-1", THEIRS)
        assert (line_now()["process"], line_now()["trace"]) == ("p-1", "c" * 32)
        concerning("p-2", OURS)
        assert (line_now()["process"], line_now()["trace"]) == ("p-2", "a" * 32)
    assert (line_now()["process"], line_now()["trace"]) == (None, None)


def test_trace_that_was_given_is_kept_whatever_it_is_about() -> None:
    with traced(OURS):
        concerning("p-1", THEIRS)
        assert (line_now()["process"], line_now()["trace"]) == ("p-1", "a" * 32)


def test_malformed_trace_counts_as_none() -> None:
    with traced("00-x-y-01"):
        concerning("p-1", THEIRS)
        assert line_now()["trace"] == "c" * 32


def test_process_without_a_trace_leaves_the_one_that_was_made_up() -> None:
    with traced(None):
        made_up = line_now()["trace"]
        concerning("p-1", None)
        assert line_now()["trace"] == made_up


def test_nothing_is_remembered_outside_of_an_invocation() -> None:
    concerning("p-1", OURS)
    assert (telemetry.process_id.get(), telemetry.trace_parent.get()) == (None, None)


def test_other_threads_are_about_something_else() -> None:
    with traced(OURS, "p-1"), ThreadPoolExecutor(1) as pool:
        assert pool.submit(line_now).result()["process"] is None


@pytest.mark.parametrize(
    "text",
    [
        "https://h/c/b?sv=1&sig=TOPSECRET%2Fx%3D&sp=r",
        "https%3A%2F%2Fh%3Fsig%3DTOPSECRET",
        "AccountName=a;AccountKey=TOPSECRET/+==;EndpointSuffix=x",
        "SharedAccessSignature=TOPSECRET",
        "POST /runtime/webhooks/blobs?code=TOPSECRET",
        f"the key {'TOPSECRET' * 9}TOPSE== is wrong",
        "Bearer eyJhbGciOiJSUzI1NiJ9.eyJUT1BTRUNSRVQiOjF9.TOPSECRET-x_y",
    ],
)
def test_secret_is_taken_out_of_a_text(text: str) -> None:
    assert "TOPSECRET" not in redacted(text)
    assert "***" in redacted(text)


def test_quoted_json_with_a_signature_leaves_the_line_json() -> None:
    assert line_now('{"sas": "?sig=TOPSECRET"}')["message"] == '{"sas": "?sig=***"}'


def test_text_without_secrets_stays_as_it_is() -> None:
    text = "signed=1 design=x 0123456789abcdef== " + "A" * 85
    assert redacted(text) == text


@pytest.mark.usefixtures("loggers")
def test_libraries_log_json_like_ourselves_from_warnings_on(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.configure_logging("consumer", "INFO")
    telemetry.configure_logging("consumer", "INFO")
    logging.getLogger("azure.storage").warning("https://h/c?sig=TOPSECRET")
    logging.getLogger("urllib3.connectionpool").info("not said")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["logger"], line["message"]) for line in lines] == [("azure.storage", "https://h/c?sig=***")]
