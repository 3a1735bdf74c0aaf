"""The queue's message as text: JSON whose keys are none of the host's own (it would take those for its metadata)."""

import json
import math
from collections.abc import Mapping
from typing import cast

from ferry.domain.faults import InvalidInput
from ferry.ports.work import Lane, LookMessage

_LONGEST_DELAY_SECONDS = 7 * 86400


def whole_delay_seconds(delay_seconds: float) -> int:
    """A delay as the service takes it: whole seconds, rounded up, at most seven days."""
    return min(max(0, math.ceil(delay_seconds)), _LONGEST_DELAY_SECONDS)


def encode_look(message: LookMessage) -> str:
    """The text of a message."""
    fields = {
        "lane": message.lane.value,
        "process": message.process_id,
        "epoch": message.epoch,
        "trace": message.trace_parent,
    }
    return json.dumps({name: value for name, value in fields.items() if value is not None}, separators=(",", ":"))


def parse_look(text: str | bytes) -> LookMessage:
    """The message of a text. Raises InvalidInput."""
    try:
        fields: object = json.loads(text)
    except ValueError as error:
        raise InvalidInput.at("$", "a look message is a JSON object; this is no JSON") from error
    if not isinstance(fields, Mapping):
        raise InvalidInput.at("$", "a look message is a JSON object")
    content = cast("Mapping[str, object]", fields)
    return LookMessage(_lane(content), _process_id(content), _epoch(content), _trace(content))


def _lane(content: Mapping[str, object]) -> Lane:
    try:
        return Lane(str(content.get("lane")))
    except ValueError as error:
        raise InvalidInput.at("$.lane", f"must be one of {', '.join(Lane)}") from error


def _process_id(content: Mapping[str, object]) -> str:
    value = content.get("process")
    if not isinstance(value, str) or not value:
        raise InvalidInput.at("$.process", "must be the id of a process")
    return value


def _epoch(content: Mapping[str, object]) -> int | None:
    value = content.get("epoch")
    if value is not None and type(value) is not int:
        raise InvalidInput.at("$.epoch", "must be a whole number or absent")
    return value


def _trace(content: Mapping[str, object]) -> str | None:
    value = content.get("trace")
    if value is not None and not isinstance(value, str):
        raise InvalidInput.at("$.trace", "must be a string or absent")
    return value
