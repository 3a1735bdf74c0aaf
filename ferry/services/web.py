"""The API's description and the pages that show it: files that ship with the app, under a strict content policy."""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from ferry.api.health import HEALTH_ROUTES
from ferry.api.openapi.document import Described, document
from ferry.services import Surface, WebPage, endpoints
from ferry.settings import Settings

DESCRIPTION = "openapi.json"
PREFIX = "/api"

_FOLDER = Path(__file__).parents[2] / "web"
_INDEX = "index.html"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}
# What a role brings; what any role but a lone data plane's brings beside it.
_SURFACES = {
    "consumer": (Surface.CONSUMER_MANAGEMENT, Surface.CONSUMER_DSP),
    "provider": (Surface.PROVIDER_MANAGEMENT, Surface.PROVIDER_DSP, Surface.CONTROL),
    "dataplane": (Surface.DATA_PLANE,),
}
_SHARED = (Surface.SHARED_MANAGEMENT, Surface.SHARED_DSP, Surface.PUBLIC)


def page(name: str, settings: Settings) -> WebPage:
    """The description, or a file; 404 for any other name. The empty name is the first page."""
    if name == DESCRIPTION:
        content = _description(settings.participant_id, settings.roles)
        return WebPage(200, content, {**_HEADERS, "Content-Type": "application/json; charset=utf-8"})
    wanted = name or _INDEX
    path = _files().get(wanted)
    if path is None:
        return WebPage(404, b"", _HEADERS)
    return WebPage(200, path.read_bytes(), {**_HEADERS, "Content-Type": _TYPES[path.suffix]})


def described(roles: Iterable[str]) -> tuple[Described, ...]:
    """Every endpoint of an app with these roles, but the pages themselves."""
    chosen = frozenset(roles)
    surfaces = [surface for role, own in _SURFACES.items() if role in chosen for surface in own]
    if chosen & {"consumer", "provider"}:
        surfaces += _SHARED
    return (
        *(Described(it.name, it.method, it.route) for surface in surfaces for it in endpoints(surface)),
        *(Described(it.name, "GET", it.path) for it in HEALTH_ROUTES),
        Described("openapi", "GET", DESCRIPTION),
    )


@cache
def _description(participant_id: str, roles: frozenset[str]) -> bytes:
    told = document(described(roles), title=f"Ferry, participant {participant_id}", server=PREFIX)
    return json.dumps(told, separators=(",", ":")).encode()


@cache
def _files() -> dict[str, Path]:
    """The files by name; nothing else on the disk can be named."""
    return {path.name: path for path in _FOLDER.rglob("*") if path.suffix in _TYPES}
