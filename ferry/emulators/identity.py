"""App Service's managed-identity endpoint on loopback: the way by which `DefaultAzureCredential` signs in in Azure."""

import hmac
import secrets
from collections.abc import Mapping

from ferry.emulators.faults import FaultPlan
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.tokens import Identity, TokenIssuer

_PATH = "/msi/token"
_HEADER = "x-identity-header"


class IdentityEndpoint:
    """One endpoint for all participants; the secret header says who asks."""

    def __init__(self, issuer: TokenIssuer, identities: Mapping[str, Identity]) -> None:
        self.faults = FaultPlan()
        self.issuer = issuer
        self._identities = dict(identities)
        self._headers = {participant: secrets.token_hex(16) for participant in identities}
        self._server = LoopbackServer(self._answer)

    def environment(self, participant: str) -> dict[str, str]:
        """The variables that App Service sets for an app with a managed identity."""
        return {
            "IDENTITY_ENDPOINT": f"{self._server.url}{_PATH}",
            "IDENTITY_HEADER": self._headers[participant],
        }

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        identity = self._caller(request)
        if identity is None:
            return _refusal(401, "unauthorized_client", "The X-IDENTITY-HEADER is missing or unknown")
        planned = self.faults.take()
        if planned is not None:
            return planned
        resource = request.query.get("resource")
        if request.path != _PATH or request.method != "GET" or not resource:
            return _refusal(400, "invalid_request", f"Expected GET {_PATH}?resource=...&api-version=2019-08-01")
        token = self.issuer.issue(identity, resource)
        return Response(
            body={
                "access_token": token.value,
                "expires_on": str(token.expires_at),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": identity.client_id,
            }
        )

    def _caller(self, request: Request) -> Identity | None:
        given = request.headers.get(_HEADER, "")
        for participant, header in self._headers.items():
            if hmac.compare_digest(header, given):
                return self._identities[participant]
        return None


def _refusal(status: int, error: str, description: str) -> Response:
    return Response(status, {"error": error, "error_description": description})
