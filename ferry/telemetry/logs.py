"""Logs as JSON lines, each with process, step and trace."""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime

from ferry.telemetry.context import process_id, trace_id

# The last line of defence: signatures and keys never reach a log, whoever wrote the message.
_NAMED_SECRETS = re.compile(r"(?i)(sig|AccountKey|SharedAccessSignature|code)(=|%3D)[^&\s\"';\\]+")
# A token, and an account key.
_SHAPED_SECRETS = re.compile(r"eyJ[\w-]{8,}\.[\w-]+\.[\w-]+|(?<![A-Za-z0-9+/])[A-Za-z0-9+/]{86}==")
# What may log on our behalf; its lines leave like ours, or they would be neither JSON nor without signatures.
_LIBRARIES = ("azure", "urllib3", "httpx2", "httpcore2")

log = logging.getLogger("ferry")


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
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname,
            "participant": self._participant_id,
            "logger": record.name,
            "message": record.getMessage(),
            "process": process_id.get(),
            "trace": trace_id(),
        }
        extra: dict[str, object] = getattr(record, "ferry", {})
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
