"""Logs as JSON lines, each with process, step and trace; the trace goes with every message between participants.

A `traceparent` (W3C) is kept in a context variable: taken from a request or a queue message, sent on with the next one.
What is begun without one (by a timer, a blob, a client that has none) belongs to the trace of the process it is about.
"""

import json
import logging
import re
import secrets
import sys
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
# The last line of defence: signatures and keys never reach a log, whoever wrote the message.
_NAMED_SECRETS = re.compile(r"(?i)(sig|AccountKey|SharedAccessSignature|code)(=|%3D)[^&\s\"';\\]+")
# A token, and an account key.
_SHAPED_SECRETS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==")
# What may log on our behalf; its lines leave like ours, or they would be neither JSON nor without signatures.
_LIBRARIES = ("azure", "urllib3", "httpx2", "httpcore2")

trace_parent: ContextVar[str | None] = ContextVar("trace_parent", default=None)
process_id: ContextVar[str | None] = ContextVar("process_id", default=None)
# None: outside of `traced`.
_trace_is_made_up: ContextVar[bool | None] = ContextVar("trace_is_made_up", default=None)

log = logging.getLogger("ferry")


def new_trace_parent() -> str:
    """A trace of its own."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_trace_parent() -> str:
    """The current trace with a new parent id, for a message that leaves now."""
    current = _TRACE_PARENT.fullmatch(trace_parent.get() or "")
    return f"00-{current.group(1)}-{secrets.token_hex(8)}-01" if current else new_trace_parent()


@contextmanager
def traced(parent: str | None, process: str | None = None) -> Generator[None]:
    """Everything logged and sent inside belongs to this trace and this process."""
    is_given = parent is not None and _TRACE_PARENT.fullmatch(parent) is not None
    trace_token = trace_parent.set(parent if is_given else new_trace_parent())
    process_token, made_up_token = process_id.set(process), _trace_is_made_up.set(not is_given)
    try:
        yield
    finally:
        trace_parent.reset(trace_token)
        process_id.reset(process_token)
        _trace_is_made_up.reset(made_up_token)


def concerning(process: str, parent: str | None) -> None:
    """From here on to the end of `traced` it is about this process, and in its trace where none was given."""
    is_made_up = _trace_is_made_up.get()
    if is_made_up is None:
        return
    process_id.set(process)
    if is_made_up and parent is not None:
        trace_parent.set(parent)


def redacted(text: str) -> str:
    """The text without signatures, keys and tokens."""
    return _SHAPED_SECRETS.sub("***", _NAMED_SECRETS.sub(r"\1\2***", text))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, message, process, trace, and what `extra` brings under `ferry`."""

    def __init__(self, participant_id: str) -> None:
        super().__init__()
        self._participant_id = participant_id

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        current = _TRACE_PARENT.fullmatch(trace_parent.get() or "")
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "participant": self._participant_id,
            "logger": record.name,
            "message": record.getMessage(),
            "process": process_id.get(),
            "trace": current.group(1) if current else None,
        }
        extra: Mapping[str, object] = getattr(record, "ferry", {})
        line.update(extra)
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = "".join(traceback.format_exception(record.exc_info[1]))
        return redacted(json.dumps(line, default=str, ensure_ascii=False))


def configure_logging(participant_id: str, level: str) -> None:
    """Let the log lines of the connector and of its libraries leave as JSON on standard error, once."""
    if any(isinstance(handler.formatter, JsonFormatter) for handler in log.handlers):
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(participant_id))
    for logger in (log, *map(logging.getLogger, _LIBRARIES)):
        logger.addHandler(handler)
        logger.setLevel(level if logger is log else logging.WARNING)
        logger.propagate = False
