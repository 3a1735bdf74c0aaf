"""What the connector tells of itself: log lines, traces, metrics; none of it holds a secret."""

from ferry.telemetry.context import (
    child_trace_parent,
    concerning,
    new_trace_parent,
    process_id,
    trace_id,
    trace_parent,
    traced,
)
from ferry.telemetry.logs import JsonFormatter, configure_logging, redacted

__all__ = [
    "JsonFormatter",
    "child_trace_parent",
    "concerning",
    "configure_logging",
    "new_trace_parent",
    "process_id",
    "redacted",
    "trace_id",
    "trace_parent",
    "traced",
]
