"""Checks messages against the JSON Schemas in this package, and says everything that is wrong with one.

A schema describes a message as the reader leaves it. What is shown of a fault never holds a value of the message, for
an address has a secret in it. (Design: one set of JSON Schemas.)
"""

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import JsonObject
from ferry.protocol.reader import FAULT_LIMIT, child_path

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError, Validator

_FOLDER = Path(__file__).parent / "schemas"
_BASE = "https://ferry.invalid/schemas/"


def check(schema_name: str, message: JsonObject) -> None:
    """Raise InvalidInput with every fault of the message, if it has any."""
    errors = _validator(schema_name).iter_errors(dict(message))
    faults = tuple(dict.fromkeys(_fault(error) for error in errors))
    if faults:
        raise InvalidInput(faults[:FAULT_LIMIT])


@cache
def schema(schema_name: str) -> JsonObject:
    """The schema of that name; the name is the `@type` of its message."""
    loaded: JsonObject = json.loads((_FOLDER / f"{schema_name}.json").read_text(encoding="utf-8"))
    return loaded


def schema_names() -> tuple[str, ...]:
    """The names of all schemas."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.json")))


@cache
def _validator(schema_name: str) -> "Validator":
    import jsonschema_rs

    registry = jsonschema_rs.Registry([(f"{_BASE}common.json", dict(schema("common")))])
    return jsonschema_rs.validator_for(dict(schema(schema_name)), registry=registry, mask="the value", offline=True)


def _fault(error: "ValidationError") -> InputFault:
    from jsonschema_rs import ValidationErrorKind

    path = ""
    for key in error.instance_path:
        path = child_path(path, key)
    if isinstance(error.kind, ValidationErrorKind.Required):
        return InputFault(child_path(path, str(error.kind.property)), "is required")
    return InputFault(path or "$", error.message)
