"""Health and version: alive without asking anybody, ready when storage and vault answer."""

from collections.abc import Callable

import azure.functions as func

from ferry.services import health, health_endpoints


def register_health(blueprint: func.Blueprint) -> None:
    """Add the endpoints."""
    for name, route in health_endpoints().items():
        blueprint.route(route=route, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)(_function(name))


def _function(name: str) -> Callable[..., func.HttpResponse]:
    def run(req: func.HttpRequest) -> func.HttpResponse:
        del req
        status, body = health(name)
        return func.HttpResponse(body, status_code=status, mimetype="application/json")

    run.__name__ = name
    return run
