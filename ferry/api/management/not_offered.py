"""What EDC's management API has beside versions 3 and 4 and Ferry has not: answered with 501 and the reason."""

from dataclasses import dataclass

from ferry.api.http import ApiAnswer, ApiRequest
from ferry.api.management.help import help_header

ANOTHER_APP = "one app is one participant: run another app for another participant"
BY_SETTINGS = "a participant is configured by the settings of its app"
NO_CREDENTIALS = (
    "peers are identified by FERRY_IDENTITY, which knows no credentials of the Decentralized Claims Protocol"
)

# By the resource that is asked for; below `participants/{id}` those of a participant count.
REASONS: dict[str, str] = {
    "participants": ANOTHER_APP,
    "config": BY_SETTINGS,
    "profiles": "one protocol is spoken, dataspace-protocol-http:2025-1, and cannot be configured",
    "dataspaceprofiles": "one protocol is spoken, dataspace-protocol-http:2025-1, and cannot be configured",
    "celexpressions": "constraints are evaluated by their left operands; there are no expressions to define",
    "discover": "a peer's endpoints are given by counterPartyAddress; there is no directory to ask",
    "dcpscopes": NO_CREDENTIALS,
    "cacheddocuments": "no JSON-LD document is loaded, so none is cached",
    "schemavalidators": "bodies are checked by the handlers; schemas cannot be registered",
}
OTHERWISE = "version 5 speaks for many participants; use management/v3 or management/v4"


@dataclass(frozen=True, slots=True)
class NotOfferedApi:
    """`/management/v5beta`."""

    def answer(self, request: ApiRequest) -> ApiAnswer:
        """Any call: 501."""
        asked = [part for part in request.route.get("rest", "").split("/") if part]
        of_participant = asked[2] if len(asked) > 2 and asked[0] == "participants" else ""
        resource = of_participant or (asked[0] if asked else "")
        reason = REASONS.get(resource.lower(), OTHERWISE)
        return ApiAnswer(
            501,
            [{"message": reason, "type": "NotImplemented", "path": None, "invalidValue": None}],
            help_header("NotImplemented"),
        )
