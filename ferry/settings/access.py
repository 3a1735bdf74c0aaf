"""Who is let in, as the settings tell it: partners with their DIDs, and the issuer of management clients' tokens."""

from collections.abc import Mapping
from dataclasses import dataclass

from ferry.domain.faults import InvalidInput
from ferry.domain.json_value import Json
from ferry.settings.reader import SettingReader

_MEMBERS = ("did", "address")
_LOGIN = "https://login.microsoftonline.com"


@dataclass(frozen=True, slots=True)
class KnownPartner:
    """What the settings say of a partner: its DID, and its address where it does not answer below that."""

    did: str
    address: str | None = None


@dataclass(frozen=True, slots=True)
class EntraAccess:
    """Whose tokens management clients show, for whom they are issued, and where their keys are published."""

    issuer: str
    audience: str
    jwks_url: str


def read_partners(reader: SettingReader, name: str) -> dict[str, KnownPartner]:
    """Partners by participant id: a DID each, or an object with DID and address."""
    found = {partner_id: _partner(reader, name, partner_id, told) for partner_id, told in reader.json(name).items()}
    dids = [partner.did for partner in found.values()]
    for did in sorted({did for did in dids if did and dids.count(did) > 1}):
        reader.fault(name, f"gives {did!r} to several partners")
    return found


def read_did(reader: SettingReader, name: str) -> str:
    """Our own DID; empty: the one that the app's public URL makes."""
    value = reader.text(name)
    if value and not _is_did(value):
        reader.fault(name, f"is no did:web: {value!r}")
    return value


def read_entra(reader: SettingReader) -> EntraAccess:
    """Entra ID's issuer and keys, from the tenant where they are not told."""
    tenant, audience = reader.text("FERRY_ENTRA_TENANT"), reader.text("FERRY_ENTRA_AUDIENCE")
    issuer, jwks_url = reader.text("FERRY_ENTRA_ISSUER"), reader.url("FERRY_ENTRA_JWKS_URL")
    if tenant:
        issuer = issuer or f"{_LOGIN}/{tenant}/v2.0"
        jwks_url = jwks_url or f"{_LOGIN}/{tenant}/discovery/v2.0/keys"
    return EntraAccess(issuer, audience, jwks_url)


def read_telemetry(reader: SettingReader) -> str:
    """Where traces and metrics go."""
    target = reader.text("FERRY_TELEMETRY")
    is_file = target.startswith("file:") and len(target) > len("file:")
    if target and not is_file and target not in ("otlp", "azure-monitor"):
        reader.fault("FERRY_TELEMETRY", f"is none of otlp, azure-monitor and file:PATH: {target!r}")
    return target


def _partner(reader: SettingReader, name: str, partner_id: str, told: Json) -> KnownPartner:
    said: Mapping[str, Json] = {"did": told} if isinstance(told, str) else told if isinstance(told, Mapping) else {}
    texts = {key: text for key, text in said.items() if key in _MEMBERS and isinstance(text, str)}
    did, address = texts.get("did", ""), texts.get("address", "")
    if not partner_id or not said or texts.keys() != said.keys():
        reader.fault(name, f"has for {partner_id!r} neither a DID nor an object of {', '.join(_MEMBERS)} as text")
    elif not _is_did(did):
        reader.fault(name, f"has for {partner_id!r} what is no did:web: {did!r}")
    elif address and not address.startswith(("http://", "https://")):
        reader.fault(name, f"has for {partner_id!r} an address that is no URL: {address!r}")
    return KnownPartner(did, address.rstrip("/") or None)


def _is_did(text: str) -> bool:
    # Only who tells DIDs pays for their syntax while the app starts.
    from ferry.protocol.did import document_url

    try:
        return bool(document_url(text))
    except InvalidInput:
        return False
