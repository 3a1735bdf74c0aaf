"""The pages that the app serves: the description of its HTTP API with a viewer, and the dashboard."""

from collections.abc import Callable, Mapping
from typing import cast

import azure.functions as func

from ferry.services import web_page


def register_docs(blueprint: func.Blueprint) -> None:
    """Add the endpoints."""
    for name, route, site, page in (
        ("openapi", "openapi.json", "docs", "openapi.json"),
        ("docs", "docs", "docs", ""),
        ("docs_file", "docs/{file}", "docs", None),
        ("dashboard", "dashboard", "dashboard", ""),
        ("dashboard_file", "dashboard/{file}", "dashboard", None),
    ):
        routed = blueprint.route(route=route, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
        routed(_function(name, site, page))


def _function(name: str, site: str, page: str | None) -> Callable[..., func.HttpResponse]:
    """A function for one page, or for the one that the route names."""

    def run(req: func.HttpRequest) -> func.HttpResponse:
        wanted = req.route_params["file"] if page is None else page
        headers = cast("Mapping[str, str]", req.headers)
        found = web_page(wanted, site=site, known_tag=headers.get("if-none-match", ""))
        return func.HttpResponse(found.body, status_code=found.status, headers=dict(found.headers))

    run.__name__ = name
    return run
