"""SAS of the in-memory storage: strings with Azure's parameters, signed, and really checked when they are used."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qsl, urlencode

from ferry.domain.secret import Secret
from ferry.ports.storage import SasScope


@dataclass(frozen=True, slots=True)
class MemoryPolicy:
    """A stored access policy: what a SAS that names it may do, and when."""

    permissions: str
    starts_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SasUse:
    """What a request wants to do with a SAS: any one of `letters` on this blob, over `scheme`, now."""

    account: str
    container: str
    blob_name: str
    letters: str
    scheme: str
    now: datetime


def sign(account: str, scope: SasScope, signing_key: Secret, *, https_only: bool) -> Secret:
    """A SAS for the scope. One that hangs on a policy repeats nothing of what the policy says."""
    parameters = {"sv": "memory", "sr": "c" if scope.blob_name is None else "b"}
    if scope.policy_id is not None:
        parameters["si"] = scope.policy_id
    else:
        parameters |= {
            "sp": scope.permissions,
            "st": scope.starts_at.isoformat(),
            "se": scope.expires_at.isoformat(),
        }
    if https_only:
        parameters["spr"] = "https"
    resource = _resource(account, scope.container, scope.blob_name)
    return Secret(urlencode({**parameters, "sig": _signature(signing_key, resource, parameters)}))


def refusal(
    sas: Secret, use: SasUse, signing_keys: tuple[Secret, ...], policies: Mapping[str, MemoryPolicy]
) -> str | None:
    """Why the SAS does not allow this use, as Azure's error code; None where it does."""
    parameters = dict(parse_qsl(sas.reveal()))
    signature = parameters.pop("sig", "")
    resource = _resource(use.account, use.container, use.blob_name if parameters.get("sr") == "b" else None)
    if not any(hmac.compare_digest(signature, _signature(key, resource, parameters)) for key in signing_keys):
        return "AuthenticationFailed"
    if parameters.get("spr") == "https" and use.scheme != "https":
        return "AuthorizationProtocolMismatch"
    allowed = _allowed(parameters, policies)
    if allowed is None or not allowed.starts_at <= use.now < allowed.expires_at:
        return "AuthenticationFailed"
    return None if set(use.letters) & set(allowed.permissions) else "AuthorizationPermissionMismatch"


def _allowed(parameters: Mapping[str, str], policies: Mapping[str, MemoryPolicy]) -> MemoryPolicy | None:
    if "si" in parameters:
        return policies.get(parameters["si"])
    return MemoryPolicy(
        parameters["sp"], datetime.fromisoformat(parameters["st"]), datetime.fromisoformat(parameters["se"])
    )


def _resource(account: str, container: str, blob_name: str | None) -> str:
    return f"/blob/{account}/{container}" + (f"/{blob_name}" if blob_name is not None else "")


def _signature(key: Secret, resource: str, parameters: Mapping[str, str]) -> str:
    signed = "\n".join([resource, *(f"{name}={value}" for name, value in sorted(parameters.items()))])
    digest = hmac.digest(key.reveal().encode(), signed.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()
