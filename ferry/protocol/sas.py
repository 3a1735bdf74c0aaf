"""The SAS in a data address: EDC's JSON around it, long or short, or the bare SAS.

Inside Ferry a SAS is bare and without a leading `?`; on the wire it is EDC's long form, which every EDC reads.
(Facts: EDC up to 0.15 writes type and expiry, later versions the SAS alone.)
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import parse_qs

from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json
from ferry.domain.secret import Secret

EDC_TOKEN_TYPE = "dataspaceconnector:azuretoken"  # noqa: S105 - the name of a type


def write_sas(sas: Secret, expires_at: datetime | None) -> Secret:
    """EDC's JSON for a SAS; the expiry in milliseconds since 1970, left out where it is not known."""
    token: dict[str, Json] = {"edctype": EDC_TOKEN_TYPE, "sas": f"?{sas.reveal().removeprefix('?')}"}
    if expires_at is not None:
        token["expiration"] = int(expires_at.timestamp() * 1000)
    return Secret(json.dumps(token, separators=(",", ":")))


def parse_sas(text: str, path: str = "secret") -> tuple[Secret, datetime | None]:
    """The bare SAS and when it expires, as far as the text says so. Raises InvalidInput, which never shows the text."""
    stated: datetime | None = None
    sas = text.strip()
    if sas.startswith("{"):
        token = _token(sas, path)
        sas, stated = _text_of(token, "sas", path).strip(), _stated_expiry(token.get("expiration"))
    sas = sas.removeprefix("?")
    fields = parse_qs(sas, max_num_fields=40)
    if not sas.isascii() or not sas.isprintable() or "sig" not in fields:
        raise InvalidInput.at(path, "is not a SAS: it has no signature")
    return Secret(sas), stated or _signed_expiry(fields.get("se", [""])[0])


def _token(text: str, path: str) -> Mapping[str, Json]:
    try:
        token: Json = json.loads(text)
    except (ValueError, RecursionError):
        raise InvalidInput.at(path, "is neither a SAS nor JSON with one") from None
    if not isinstance(token, Mapping):
        raise InvalidInput.at(path, "is neither a SAS nor JSON with one")
    return token


def _text_of(token: Mapping[str, Json], name: str, path: str) -> str:
    value = token.get(name)
    if not isinstance(value, str):
        raise InvalidInput.at(path, f"has no {name!r} in its JSON")
    return value


def _stated_expiry(expiration: Json) -> datetime | None:
    if isinstance(expiration, bool) or not isinstance(expiration, int | float):
        return None
    try:
        return datetime.fromtimestamp(expiration / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _signed_expiry(expiry: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(expiry)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
