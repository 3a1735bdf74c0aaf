"""The description of the HTTP API, and the page that shows it."""

from collections.abc import Callable

import azure.functions as func

from ferry.services import web_page


def register_docs(blueprint: func.Blueprint) -> None:
    """Add the endpoints."""
    for name, route, page in (
        ("openapi", "openapi.json", "openapi.json"),
        ("docs", "docs", ""),
        ("docs_file", "docs/{file}", None),
    ):
        blueprint.route(route=route, methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)(_function(name, page))


def _function(name: str, page: str | None) -> Callable[..., func.HttpResponse]:
    """A function for one page, or for the one that the route names."""

    def run(req: func.HttpRequest) -> func.HttpResponse:
        found = web_page(req.route_params["file"] if page is None else page)
        return func.HttpResponse(found.body, status_code=found.status, headers=dict(found.headers))

    run.__name__ = name
    return run
