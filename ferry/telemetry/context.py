"""Which process and which trace the current call is about (W3C traceparent), in context variables.

It is taken from a request or a queue message and sent on with the next one. What is begun without one (by a timer, a
blob, a client that has none) belongs to the trace of the process that it is about.
"""

import re
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from ferry.telemetry import spans

_TRACE_PARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")

trace_parent = spans.trace_parent
process_id: ContextVar[str | None] = ContextVar("process_id", default=None)
# None: outside of `traced`.
_trace_is_made_up: ContextVar[bool | None] = ContextVar("trace_is_made_up", default=None)


def trace_id() -> str | None:
    """The current trace; None where there is none."""
    current = _TRACE_PARENT.fullmatch(trace_parent.get() or "")
    return current.group(1) if current else None


def new_trace_parent() -> str:
    """A trace of its own."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def child_trace_parent() -> str:
    """What a message that leaves now says of its trace: the span that sends it, or a parent id of its own."""
    if spans.is_recording():
        return trace_parent.get() or new_trace_parent()
    current = trace_id()
    return f"00-{current}-{secrets.token_hex(8)}-01" if current else new_trace_parent()


@contextmanager
def traced(parent: str | None, process: str | None = None, *, span: spans.Named | None = None) -> Generator[None]:
    """Everything logged and sent inside belongs to this trace and this process; `span` records the call itself."""
    is_given = parent is not None and _TRACE_PARENT.fullmatch(parent) is not None
    trace_token = trace_parent.set(parent if is_given else None if span else new_trace_parent())
    process_token, made_up_token = process_id.set(process), _trace_is_made_up.set(not is_given)
    try:
        with spans.span(span) if span else spans.nothing():
            if trace_parent.get() is None:
                trace_parent.set(new_trace_parent())
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
