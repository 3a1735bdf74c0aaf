"""Checks what we write against the letter of 2025-1, which is narrower than what we read."""

import json
from functools import cache
from pathlib import Path

import jsonschema_rs

from ferry.domain.process import JsonObject
from ferry.protocol.reader import objects_in

HERE = Path(__file__).parent


@cache
def _validator(type_name: str) -> jsonschema_rs.Validator:
    schema = json.loads((HERE / "strict.json").read_text())
    assert type_name in schema["$defs"]
    return jsonschema_rs.validator_for({**schema, "$ref": f"#/$defs/{type_name}"})


def assert_strict(message: JsonObject) -> None:
    """Fail with every fault of a message that we wrote."""
    on_the_wire = json.loads(json.dumps(message))
    faults = [
        f"{error.instance_path}: {error.message}"
        for error in _validator(str(message["@type"])).iter_errors(on_the_wire)
    ]
    assert not faults


def properties_in(message: JsonObject) -> dict[str, str]:
    """The endpoint properties of a message's data address, by name as it is spelled there."""
    address = message["dataAddress"]
    assert isinstance(address, dict)
    return {str(it["name"]): str(it["value"]) for it in objects_in(address["endpointProperties"])}
