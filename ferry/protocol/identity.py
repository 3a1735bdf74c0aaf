"""Who a peer is and how it knows us: the port, and EDC's mock of it.

The mock is a claim without proof, for tests, demonstrations and the test kit only. Whatever proves an identity by
signature implements the same port. (Design: protocol API.)
"""

import json
from collections.abc import Mapping
from typing import Protocol

from ferry.domain.faults import FerryError
from ferry.domain.process import Json, JsonObject

_BEARER = "bearer "


class Unauthenticated(FerryError):
    """The caller did not show who it is; the message says what was wrong, never the token."""


class Identity(Protocol):
    """How this participant shows who it is, and how it learns who a caller is."""

    def authorization(self, audience: str) -> str:
        """The value of the Authorization header for a message to the participant at that address.

        Raises EffectFailed ADDRESS_FORBIDDEN where nobody that we know answers there.
        """
        ...

    def plane_authorization(self, audience: str) -> str:
        """The same for a message between our own planes, to the one at that address."""
        ...

    def identify(self, authorization: str | None) -> str:
        """The caller's participant id, from its Authorization header; a proof serves once.

        Raises Unauthenticated, and EffectFailed IDENTITY_UNAVAILABLE where it cannot be decided now.
        """
        ...

    def document(self) -> JsonObject | None:
        """What we publish so that others can check our proofs; None where there is nothing to publish."""
        ...


class MockIdentity:
    """EDC's `iam-mock`: the header is JSON with a `clientId`, believed as it stands."""

    def __init__(self, participant_id: str) -> None:
        self._participant_id = participant_id

    def authorization(self, audience: str) -> str:
        """JSON with region, audience and our id, which every version of the mock accepts."""
        return json.dumps({"region": "eu", "audience": audience, "clientId": self._participant_id})

    def plane_authorization(self, audience: str) -> str:
        """The same: the mock knows no difference."""
        return self.authorization(audience)

    def identify(self, authorization: str | None) -> str:
        """The `clientId`; region and audience are not looked at, a scheme or quotes around the JSON do no harm."""
        if authorization is None or not authorization.strip():
            raise Unauthenticated("the request has no Authorization header")
        client_id = _claims(authorization.strip()).get("clientId")
        if not isinstance(client_id, str) or not client_id.strip():
            raise Unauthenticated("the mock token in the Authorization header names no clientId")
        return client_id

    def document(self) -> JsonObject | None:
        """Nothing: there is no proof."""
        return None


def _claims(authorization: str) -> Mapping[str, Json]:
    is_bearer = authorization.lower().startswith(_BEARER)
    token = authorization[len(_BEARER) :].strip() if is_bearer else authorization
    if token.startswith('"{') and token.endswith('}"'):
        token = token[1:-1].replace('\\"', '"')
    try:
        claims: Json = json.loads(token)
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, Mapping):
        raise Unauthenticated("the Authorization header is not a mock token, which is JSON with a clientId")
    return claims
