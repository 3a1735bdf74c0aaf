"""The data address of a pull: as the vault keeps it, as a start tells it, as the management API shows it.

All of it is secret, for the token is in it. In the vault it is the protocol's own JSON.
"""

import json
from collections.abc import Mapping

from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.protocol.reader import objects_in
from ferry.protocol.terms import short_term

# Key Vault takes 25,000 bytes.
ADDRESS_LIMIT_BYTES = 24_000


def kept_address(address: Json, path: str = "dataAddress") -> Secret | None:
    """An address that the reader made and the schema passed, as the vault keeps it; None where there is none.

    Raises InvalidInput, which never shows it, where it is too long for the vault.
    """
    if not isinstance(address, Mapping):
        return None
    said: dict[str, Json] = {"@type": "DataAddress", "endpointType": address.get("endpointType")}
    if address.get("endpoint"):
        said["endpoint"] = address["endpoint"]
    properties: list[Json] = [
        {"@type": "EndpointProperty", "name": item["name"], "value": item["value"]}
        for item in objects_in(address.get("endpointProperties"))
    ]
    if properties:
        said["endpointProperties"] = properties
    text = json.dumps(said, separators=(",", ":"))
    if len(text.encode()) > ADDRESS_LIMIT_BYTES:
        raise InvalidInput.at(path, f"has more than {ADDRESS_LIMIT_BYTES} bytes")
    return Secret(text)


def told_address(kept: Secret) -> JsonObject:
    """The address as a TransferStartMessage tells it."""
    told: JsonObject = json.loads(kept.reveal())
    return told


def shown_address(kept: Secret) -> dict[str, Json]:
    """The address as EDC shows it: properties by name beside each other."""
    told = told_address(kept)
    shown: dict[str, Json] = {"type": told.get("endpointType"), "endpointType": told.get("endpointType")}
    if "endpoint" in told:
        shown["endpoint"] = told["endpoint"]
    for item in objects_in(told.get("endpointProperties")):
        shown.setdefault(short_term(str(item["name"])).removeprefix(EDC_NAMESPACE), item["value"])
    return shown
