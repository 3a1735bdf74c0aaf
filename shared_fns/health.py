"""Health: alive without asking anybody, ready when storage and vault answer."""

import json

import azure.functions as func

from ferry.services import connector, settings


def register_health(blueprint: func.Blueprint) -> None:
    """Add the two endpoints."""

    def health_live(req: func.HttpRequest) -> func.HttpResponse:
        del req
        told = {"status": "live", "participantId": settings().participant_id, "roles": sorted(settings().roles)}
        return func.HttpResponse(json.dumps(told), mimetype="application/json")

    def health_ready(req: func.HttpRequest) -> func.HttpResponse:
        del req
        faults = connector().faults()
        told = {"status": "not ready" if faults else "ready", "faults": faults}
        return func.HttpResponse(json.dumps(told), status_code=503 if faults else 200, mimetype="application/json")

    for route, function in (("health/live", health_live), ("health/ready", health_ready)):
        blueprint.route(route=route, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)(function)
