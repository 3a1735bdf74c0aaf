"""`did:web`: the identity of a participant as the place where it publishes its keys.

`did:web:host%3A8443:api` is published at `https://host:8443/api/did.json`, without a path at
`https://host/.well-known/did.json`. (Design: secrets and trust; decision record 9.)
"""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json, JsonObject

_DID = re.compile(r"did:web:(?P<host>[A-Za-z0-9.-]+)(?:%3[Aa](?P<port>[0-9]{1,5}))?(?P<path>(?::[A-Za-z0-9._~-]+)*)")
_CONTEXT = ("https://www.w3.org/ns/did/v1", "https://w3id.org/security/suites/jws-2020/v1")
_LOOPBACK = frozenset({"localhost", "127.0.0.1"})


def did_of(url: str) -> str:
    """The DID whose document is served at `<url>/did.json`, for a URL with a path."""
    parts = urlsplit(url)
    port = f"%3A{parts.port}" if parts.port else ""
    path = "".join(f":{segment}" for segment in parts.path.split("/") if segment)
    return f"did:web:{parts.hostname}{port}{path}"


def base_of(did: str, *, local_http: bool = False) -> str:
    """The URL below which the owner of a DID answers. Raises InvalidInput.

    `local_http`: plain http where the host is this machine, which a local profile allows.
    """
    parts = _DID.fullmatch(did)
    if parts is None or (parts["port"] and not 0 < int(parts["port"]) < 65536):
        raise InvalidInput.at("did", "is not of the form did:web:host, did:web:host%3Aport or did:web:host:path", did)
    scheme = "http" if local_http and parts["host"].lower() in _LOOPBACK else "https"
    port = f":{parts['port']}" if parts["port"] else ""
    return f"{scheme}://{parts['host'].lower()}{port}{parts['path'].replace(':', '/')}"


def document_url(did: str, *, local_http: bool = False) -> str:
    """Where the document of a DID is served. Raises InvalidInput."""
    base = base_of(did, local_http=local_http)
    has_path = ":" in did.removeprefix("did:web:")
    return f"{base}/did.json" if has_path else f"{base}/.well-known/did.json"


def document(did: str, keys: Sequence[JsonObject], *, service_url: str) -> dict[str, Json]:
    """The document that publishes these keys (JWKs with `kid`), and where the protocol's versions are told."""
    ids = [f"{did}#{key['kid']}" for key in keys]
    methods: list[Json] = [
        {"id": key_id, "type": "JsonWebKey2020", "controller": did, "publicKeyJwk": dict(key)}
        for key_id, key in zip(ids, keys, strict=True)
    ]
    return {
        "@context": list(_CONTEXT),
        "id": did,
        "verificationMethod": methods,
        "authentication": list(ids),
        "assertionMethod": list(ids),
        "service": [{"id": f"{did}#dsp", "type": "DataService", "serviceEndpoint": service_url}],
    }


def key_in(found: JsonObject, did: str, key_id: str) -> JsonObject | None:
    """The key (JWK) of that id in the document of that DID; None where there is none that may authenticate."""
    if found.get("id") != did or not key_id.startswith(f"{did}#"):
        return None
    names = (key_id, key_id.removeprefix(did))
    if not _may_authenticate(found, names):
        return None
    for method in _objects(found.get("verificationMethod")):
        key = method.get("publicKeyJwk")
        if method.get("id") in names and method.get("controller", did) == did and isinstance(key, Mapping):
            return key
    return None


def _may_authenticate(found: JsonObject, names: Sequence[str]) -> bool:
    """Whether the document lists the key for authentication; one without such a list lets every key do it."""
    listed = found.get("authentication")
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        return listed is None or listed == [] or listed in names
    return any((it.get("id") if isinstance(it, Mapping) else it) in names for it in listed)


def _objects(value: Json) -> list[JsonObject]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        return []
    return [it for it in value if isinstance(it, Mapping)]
