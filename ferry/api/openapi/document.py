"""Builds the OpenAPI document: every endpoint that is served, with its entry, and the components that they refer to."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ferry.api.management.routes import MANAGEMENT_ROUTES, ApiVersion
from ferry.api.management.version4 import CONTEXT_URL
from ferry.api.openapi.definitions import DEFINITIONS
from ferry.api.openapi.entry import Entry, Many, Shape, key_of
from ferry.api.openapi.peers import DSP, PEERS
from ferry.api.openapi.planes import PLANES
from ferry.api.openapi.processes import PROCESSES
from ferry.api.openapi.refusals import ERRORS
from ferry.domain.process import Json, JsonObject
from ferry.protocol import schema as protocol

ENTRIES: Mapping[str, Entry] = {**DEFINITIONS, **PROCESSES, **PEERS, **PLANES}
VERSION = "1.0.0"

_COMPONENTS = Path(__file__).parent / "components"
_TAGS = (
    ("management", "Management API (EDC's, versions 3 and 4): x-api-key, a function key, or a token of Entra ID"),
    ("dsp", "Dataspace Protocol 2025-1: called by other participants, who show who they are"),
    ("signaling", "Data Plane Signaling between the planes of this participant"),
    ("data", "What consumers read over HTTP: opened by the tokens of a flow"),
    ("public", "Open to all"),
)
_BODY_TYPE = {route.name: route.body_type for route in MANAGEMENT_ROUTES if route.version is ApiVersion.V4}
_RELATIVE = re.compile(r"(\w+)\.json(?:#/\$defs/(\w+))?")

type Written = dict[str, Json]


@dataclass(frozen=True, slots=True)
class Described:
    """A served endpoint: the name of its function, its method, its route below the host's prefix."""

    name: str
    method: str
    route: str


def document(endpoints: Iterable[Described], *, title: str, server: str) -> JsonObject:
    """The description of these endpoints. Raises KeyError where one has no entry. `server`: the URL of the prefix."""
    paths: dict[str, Written] = {}
    for it in sorted(endpoints, key=lambda it: (it.route, it.method)):
        paths.setdefault("/" + it.route.replace("{*", "{"), {})[it.method.lower()] = _operation(it)
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS],
        "paths": paths,
        "components": {"schemas": _used(paths), "securitySchemes": _SECURITY},
    }


_SECURITY: Written = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"},
    "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"},
    "entra": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
    "participant": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "A token of the participant, as FERRY_IDENTITY says",
    },
    "flow": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "The access token of a flow; to get a new one, a proof of who the consumer is",
    },
}


def _operation(it: Described) -> Written:
    entry = ENTRIES[key_of(it.method, it.route)]
    tag = _tag(it.route)
    written: Written = {
        "operationId": it.name,
        "summary": entry.summary,
        "tags": [tag],
        "security": _security(tag),
        "responses": {str(status): _response(status, shape) for status, shape in sorted(entry.answers.items())},
    }
    named = [*(_header(name) for name in entry.parameters), *(_query(name) for name in entry.queries)]
    parameters = [*_path_parameters(it.route), *named]
    if parameters:
        written["parameters"] = parameters
    body = _body(entry, _BODY_TYPE.get(it.name, ""))
    if body is not None:
        written["requestBody"] = {"required": not entry.optional, "content": {"application/json": body}}
    return written


def _body(entry: Entry, body_type: str) -> Written | None:
    """The request's media type; version 4 asks for its context and the type as well."""
    if entry.request is None:
        return None
    described = _schema(entry.request)
    if not body_type or not isinstance(entry.request, str):
        return {"schema": described}
    head: Written = {
        "type": "object",
        "required": ["@context", "@type"],
        "properties": {
            "@type": {"const": body_type},
            "@context": {"type": "array", "contains": {"const": CONTEXT_URL}},
        },
    }
    examples = _as_list(components()[entry.request].get("examples"))
    spoken = [{**it, "@context": [CONTEXT_URL], "@type": body_type} for it in examples if isinstance(it, Mapping)]
    return {"schema": {"allOf": [described, head], "examples": spoken}}


def _response(status: int, shape: Shape) -> Written:
    written: Written = {"description": _MEANINGS[status]}
    if shape is not None:
        written["content"] = {"application/json": {"schema": _schema(shape)}}
    if shape == ERRORS:
        written["headers"] = {"Link": {"description": "The page that explains it", "schema": {"type": "string"}}}
    return written


_MEANINGS: dict[int, str] = {
    200: "Done",
    201: "Begun",
    202: "On its way; news of it are told to the callback address",
    204: "Done; there is nothing to say",
    206: "A part of it",
    400: "The request has faults; every one of them is told",
    401: "The caller did not show who it is",
    403: "The caller may not do this",
    404: "There is no such thing, or none that this caller may see",
    409: "It is taken, or not allowed in this state",
    413: "The body is too large",
    416: "The blob has no such range",
    501: "Not offered, with the reason",
    502: "The other side did not answer, or not as it should",
    503: "Storage, vault or another service is away for now; try again",
}


def _schema(shape: Shape) -> Written:
    if isinstance(shape, Many):
        return {"type": "array", "items": _reference(shape.component)}
    return _reference(str(shape))


def _reference(component: str) -> Written:
    return {"$ref": f"#/components/schemas/{component}"}


def _path_parameters(route: str) -> list[Json]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{\*?(\w+)\}", route)
    ]


def _header(name: str) -> Written:
    described: Written = {"type": "string", "minLength": 1, "maxLength": 256, "pattern": "^[!-~]+$"}
    return {"name": name, "in": "header", "required": False, "schema": described}


def _query(name: str) -> Written:
    return {"name": name, "in": "query", "required": False, "schema": {"type": "string", "minLength": 1}}


def _tag(route: str) -> str:
    if route.startswith(("management/", "v1/data/")):
        return "management"
    if route.startswith("dsp/2025-1/"):
        return "dsp"
    if route.startswith("data/"):
        return "data"
    return "signaling" if route.startswith(("dataflows/", "control/", "v1/dataflows")) else "public"


def _security(tag: str) -> list[Json]:
    if tag == "management":
        return [{"apiKey": []}, {"functionKey": []}, {"entra": []}]
    if tag == "data":
        return [{"flow": []}]
    return [] if tag == "public" else [{"participant": []}]


# --- components -----------------------------------------------------------------------------------------------------


@cache
def components() -> Mapping[str, JsonObject]:
    """All components by name: the management API's, and the protocol's schemas under `dsp.`."""
    found: dict[str, JsonObject] = {}
    for path in sorted(_COMPONENTS.glob("*.json")):
        found.update(json.loads(path.read_text(encoding="utf-8")))
    for name in protocol.schema_names():
        loaded = dict(protocol.schema(name))
        parts = loaded.pop("$defs", {})
        for part, described in parts.items() if isinstance(parts, Mapping) else ():
            found[f"{DSP}{name}.{part}"] = _moved(described, name)
        found[DSP + name] = _moved({key: it for key, it in loaded.items() if key not in ("$schema", "$id")}, name)
    return found


def _moved(described: Json, schema_name: str) -> Written:
    """A schema of the protocol with its references leading to the components."""
    text = json.dumps(described)
    local = text.replace('"#/$defs/', f'"#/components/schemas/{DSP}{schema_name}.')
    moved = _RELATIVE.sub(lambda it: f"#/components/schemas/{DSP}{it[1]}" + (f".{it[2]}" if it[2] else ""), local)
    written: Written = json.loads(moved)
    return written


def _used(paths: Mapping[str, Written]) -> Written:
    """The components that the paths refer to, and those that these refer to."""
    wanted, found = _references(paths), dict[str, Json]()
    while wanted:
        name = wanted.pop()
        found[name] = components()[name]
        wanted |= _references(found[name]) - found.keys()
    return dict(sorted(found.items()))


def _references(value: Json) -> set[str]:
    return set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(value)))


def _as_list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []
