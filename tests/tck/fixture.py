"""Stands beside the participant under test, on a port of its own: what the kit and the participant call there.

The kit's two hooks start a negotiation and a transfer by the management API; the participant posts its events here and
finds its data plane here. Nothing of it is in the app.
"""

import sys
from dataclasses import dataclass

from ferry.cli.management import CONTEXT, PROTOCOL, JsonObject, ManagementClient, ManagementError
from ferry.emulators.loopback_server import Request, Response
from tests.tck.pilot import Pilot
from tests.tck.plane import PullPlane

HOOKS, EVENTS, PLANE = "/tck", "/events", "/plane/dataflows"


@dataclass(frozen=True, slots=True)
class Fixture:
    """Answers for all of it; `answer` is what a LoopbackServer serves."""

    management: ManagementClient
    pilot: Pilot
    plane: PullPlane

    def answer(self, request: Request) -> Response:
        """One request. What the participant refuses is told, and the kit's hook answers 502."""
        if request.path.startswith(PLANE):
            return self.plane.answer(request, request.path.removeprefix(PLANE).strip("/"))
        takers = {
            EVENTS: self.pilot.hear,
            f"{HOOKS}/negotiations": self._negotiate,
            f"{HOOKS}/transfers": self._transfer,
        }
        take = takers.get(request.path)
        if take is None:
            return Response(404)
        try:
            take(request.json())
        except ManagementError as error:
            print(f"fixture: {request.path}: {error}", file=sys.stderr, flush=True)
            return Response(502)
        return Response(204)

    def _negotiate(self, wanted: JsonObject) -> None:
        offer = {
            "@type": "Offer",
            "@id": wanted["offerId"],
            "assigner": wanted["providerId"],
            "target": wanted["datasetId"],
            "permission": [{"action": "use"}],
        }
        body = {
            "@context": [CONTEXT, "http://www.w3.org/ns/odrl.jsonld"],
            "counterPartyAddress": wanted["connectorAddress"],
            "protocol": PROTOCOL,
            "policy": offer,
        }
        self.management.ask("POST", "/contractnegotiations", body)

    def _transfer(self, wanted: JsonObject) -> None:
        body = {
            "@context": CONTEXT,
            "counterPartyAddress": wanted["connectorAddress"],
            "protocol": PROTOCOL,
            "contractId": wanted["agreementId"],
            "transferType": wanted["format"],
        }
        self.management.ask("POST", "/transferprocesses", body)
