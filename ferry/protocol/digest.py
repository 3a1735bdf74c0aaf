"""The digest of a message: what tells a repeated message from another one under the same id.

It is taken over what the message says, not over how: `@id` and context are left out, and a secret takes part by its
hash alone. (Design: duplicates from outside.)
"""

import hashlib
import json
from collections.abc import Mapping, Sequence

from ferry.domain.data_address import SECRET_PROPERTY
from ferry.domain.process import Json, JsonObject
from ferry.protocol.terms import short_term


def digest(message: JsonObject) -> str:
    """SHA-256 of a message that the reader made, in hexadecimal."""
    said = {key: _without_secrets(value) for key, value in message.items() if key != "@id"}
    return _sha256(json.dumps(said, sort_keys=True, separators=(",", ":")))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _without_secrets(value: Json) -> Json:
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return {key: _without_secrets(member) for key, member in _hashed_secret(value).items()}
    if isinstance(value, Sequence):
        return [_without_secrets(item) for item in value]
    return value


def _hashed_secret(value: JsonObject) -> JsonObject:
    name = value.get("name")
    if not isinstance(name, str) or short_term(name) != SECRET_PROPERTY or "value" not in value:
        return value
    return {**value, "value": f"sha256:{_sha256(json.dumps(value['value'], sort_keys=True))}"}
