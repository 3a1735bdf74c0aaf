"""What a JSON-LD context of a client's own makes of EDC's and ODRL's names, without processing JSON-LD.

A context may give the two namespaces prefixes of its choice, and make ODRL the vocabulary of a policy. Names under such
a prefix become those under `edc:` and `odrl:`, which every reader here knows; all other names stay as they were sent.
"""

from collections.abc import Iterator, Mapping, Sequence

from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.process import Json, JsonObject
from ferry.protocol.terms import ODRL_NAMESPACE

_KNOWN = {EDC_NAMESPACE: "edc", ODRL_NAMESPACE: "odrl"}


def with_known_prefixes(body: JsonObject) -> JsonObject:
    """The body with names under prefixes of the client's own as `edc:` and `odrl:` have them."""
    renamed = dict(_own_prefixes(body.get("@context")))
    return _renamed(body, renamed) if renamed else body


def _own_prefixes(context: Json) -> Iterator[tuple[str, str]]:
    """Prefix -> known prefix, for each that is not the known one already."""
    if isinstance(context, Mapping):
        for prefix, term in context.items():
            namespace = term.get("@id") if isinstance(term, Mapping) else term
            known = _KNOWN.get(namespace) if isinstance(namespace, str) else None
            if known is not None and prefix not in (known, "@vocab"):
                yield f"{prefix}:", f"{known}:"
    elif isinstance(context, Sequence) and not isinstance(context, str):
        for part in context:
            yield from _own_prefixes(part)


def _renamed(body: JsonObject, prefixes: Mapping[str, str]) -> dict[str, Json]:
    return {_name(name, prefixes): _renamed_value(name, value, prefixes) for name, value in body.items()}


def _renamed_value(name: str, value: Json, prefixes: Mapping[str, str]) -> Json:
    """A member's value; of texts only types and references are names."""
    if name == "@context":
        return value
    if isinstance(value, str):
        return _name(value, prefixes) if name in ("@type", "@id") else value
    if isinstance(value, Mapping):
        return _renamed(value, prefixes)
    return [_renamed_value(name, item, prefixes) for item in value] if isinstance(value, Sequence) else value


def _name(name: str, prefixes: Mapping[str, str]) -> str:
    for own, known in prefixes.items():
        if name.startswith(own):
            return known + name.removeprefix(own)
    return name
