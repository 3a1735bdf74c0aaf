"""Version 4 of the management API, between its wire and the handlers, which speak version 3.

Version 4 asks for its context and the type of each body, knows `profile` beside `protocol`, and tells where data lies
as `dataplaneMetadata`; its policies stand in bare ODRL terms. Nothing else differs, so nothing else knows of it.
"""

import json
from collections.abc import Mapping
from dataclasses import replace

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.body import as_items, is_list, load_body, members, plain, short_name
from ferry.api.management.shapes import CONTEXT
from ferry.domain.data_address import AZURE_STORAGE
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json, JsonObject
from ferry.protocol.terms import short_term

CONTEXT_URL = "https://w3id.org/edc/connector/management/v2"

_METADATA = "dataplaneMetadata"
# Where version 3 tells what version 4 tells as metadata of a data plane.
_ADDRESS_OF = {"Asset": "dataAddress", "TransferRequest": "dataDestination", "TransferProcess": "dataDestination"}
_RULES = ("permission", "prohibition", "obligation")


def from_v4(request: ApiRequest, body_type: str) -> ApiRequest:
    """The request as version 3 has it. Raises InvalidInput where the body is not of that type under the context."""
    if not body_type or not request.body.strip():
        return request
    body = load_body(request)
    _check_head(body, body_type)
    changed = dict(members(body))
    if "profile" in changed:
        changed.setdefault("protocol", changed["profile"])
    address = _ADDRESS_OF.get(body_type)
    if address is not None and _METADATA in changed and address not in changed:
        changed[address] = _address_of(changed[_METADATA])
    return replace(request, body=json.dumps(changed).encode())


def to_v4(answer: ApiAnswer) -> ApiAnswer:
    """The answer as version 4 has it; errors and catalogs are the same in both."""
    return answer if answer.status >= 400 else replace(answer, body=_shown(answer.body))


def _check_head(body: JsonObject, body_type: str) -> None:
    faults: list[InputFault] = []
    if CONTEXT_URL not in as_items(body.get("@context")):
        faults.append(InputFault("@context", f"must be or contain {CONTEXT_URL}"))
    stated = plain(body.get("@type"))
    if not isinstance(stated, str) or short_name(stated) != body_type:
        shown = stated if isinstance(stated, str) else None
        faults.append(InputFault("@type", f"must be {body_type}", shown))
    if faults:
        raise InvalidInput(tuple(faults))


def _address_of(metadata: Json) -> Json:
    items = as_items(metadata)
    told = items[0] if len(items) == 1 else None
    if not isinstance(told, Mapping):
        raise InvalidInput.at(_METADATA, "must be an object")
    properties = members(told).get("properties")
    if properties is not None and not isinstance(properties, Mapping):
        raise InvalidInput.at(f"{_METADATA}.properties", "must be an object")
    return {"@type": "DataAddress", "type": AZURE_STORAGE, **(properties or {})}


def _shown(value: Json) -> Json:
    if is_list(value):
        return [_shown(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    shown = {name: _shown_policy(it) if name == "policy" else it for name, it in value.items()}
    if shown.get("@context") == CONTEXT:
        shown["@context"] = [CONTEXT_URL]
    if "protocol" in shown and shown.get("@type") == "ContractNegotiation":
        shown["profile"] = shown["protocol"]
    address = shown.pop(_ADDRESS_OF.get(str(shown.get("@type")), ""), None)
    if isinstance(address, Mapping):
        said = {name: it for name, it in address.items() if name not in ("@type", "type")}
        shown[_METADATA] = {"@type": "DataplaneMetadata", "properties": said}
    return shown


def _shown_policy(policy: Json) -> Json:
    """A policy in bare terms; lists without a rule are left out."""
    bare = _bare(policy)
    if not isinstance(bare, Mapping):
        return bare
    return {name: value for name, value in bare.items() if name not in _RULES or value}


def _bare(value: Json) -> Json:
    if is_list(value):
        return [_bare(item) for item in value]
    if not isinstance(value, Mapping):
        return value
    if len(value) == 1 and isinstance(reference := value.get("@id"), str):
        return short_term(reference)
    return {short_term(name): _bare_member(name, inner) for name, inner in value.items()}


def _bare_member(name: str, value: Json) -> Json:
    return short_term(value) if name == "@type" and isinstance(value, str) else _bare(value)
