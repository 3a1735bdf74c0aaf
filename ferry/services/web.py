"""The pages that ship with the app, under strict content policies: the API's description and viewer, the dashboard."""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from ferry.api.health import HEALTH_ROUTES
from ferry.api.management.help import PAGE_NAME as ERRORS
from ferry.api.openapi.document import Described, document
from ferry.services import Surface, WebPage, endpoints
from ferry.services.error_page import error_page
from ferry.settings import Settings

DESCRIPTION = "openapi.json"
CONFIG = "config.json"
PREFIX = "/api"

_WEB = Path(__file__).parents[2] / "web"
_INDEX = "index.html"
_JSON = "application/json; charset=utf-8"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src {images}; connect-src {asked}; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'{more}"
)
# No text can become markup there, not even by a defect of our own.
_TRUSTED_TYPES = "; require-trusted-types-for 'script'; trusted-types 'none'"
# What a role brings; what any role but a lone data plane's brings beside it.
_SURFACES = {
    "consumer": (Surface.CONSUMER_MANAGEMENT, Surface.CONSUMER_DSP),
    "provider": (Surface.PROVIDER_MANAGEMENT, Surface.PROVIDER_DSP),
    "dataplane": (Surface.DATA_PLANE,),
}
_SHARED = (Surface.SHARED_MANAGEMENT, Surface.SHARED_DSP, Surface.CONTROL, Surface.PUBLIC)
_MANAGING = frozenset({"consumer", "provider"})

type Made = Callable[[Settings], bytes]
type Policy = Callable[[Settings], str]


@dataclass(frozen=True, slots=True)
class _Site:
    """Pages that belong together: the folders of their files, what is made for them, their content policy."""

    folders: tuple[Path, ...]
    made: Mapping[str, Made]
    policy: Policy


def page(name: str, settings: Settings, *, site: str = "docs", known_tag: str = "") -> WebPage:
    """A file of a site, or what is made for it; 404 for any other name, 304 for what the caller has already.

    The empty name is the first page. `known_tag`: what came in `If-None-Match`.
    """
    found = _SITES[site]
    headers = {**_HEADERS, "Content-Security-Policy": found.policy(settings)}
    body, content_type = _content(found, name or _INDEX, settings)
    if not content_type:
        return WebPage(404, b"", headers)
    headers["ETag"] = _tag(body)
    if headers["ETag"] in known_tag.replace("W/", "").replace(" ", "").split(","):
        return WebPage(304, b"", headers)
    return WebPage(200, body, {**headers, "Content-Type": content_type})


def described(roles: Iterable[str]) -> tuple[Described, ...]:
    """Every endpoint of an app with these roles, but the pages themselves."""
    chosen = frozenset(roles)
    surfaces = [surface for role, own in _SURFACES.items() if role in chosen for surface in own]
    if chosen & _MANAGING:
        surfaces += _SHARED
    return (
        *(Described(it.name, it.method, it.route) for surface in surfaces for it in endpoints(surface)),
        *(Described(it.name, "GET", it.path) for it in HEALTH_ROUTES),
        Described("openapi", "GET", DESCRIPTION),
    )


def _content(site: _Site, name: str, settings: Settings) -> tuple[bytes, str]:
    """Body and content type; the type is empty where there is nothing of that name."""
    made = site.made.get(name)
    if made is not None:
        return made(settings), _TYPES.get(Path(name).suffix, _JSON)
    path = _files(site.folders).get(name)
    return (b"", "") if path is None else (path.read_bytes(), _TYPES[path.suffix])


def _tag(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _description(settings: Settings) -> bytes:
    return _described_to(settings.participant_id, settings.roles)


@cache
def _described_to(participant_id: str, roles: frozenset[str]) -> bytes:
    told = document(described(roles), title=f"Ferry, participant {participant_id}", server=PREFIX)
    return json.dumps(told, separators=(",", ":")).encode()


def _config(settings: Settings) -> bytes:
    """What the dashboard has to know before anybody has signed in; all of it is public, none of it secret."""
    told = {
        "participantId": settings.participant_id,
        "roles": sorted(settings.roles),
        "hasManagement": bool(settings.roles & _MANAGING),
        "managementAuth": settings.management_auth,
        "partners": list(settings.dashboard_partners),
    }
    return json.dumps(told).encode()


def _errors(settings: Settings) -> bytes:
    del settings
    return error_page()


def _docs_policy(settings: Settings) -> str:
    del settings
    return _POLICY.format(images="'self' data:", asked="'self'", more="")


def _dashboard_policy(settings: Settings) -> str:
    """The page may ask its own app, and the partners that the settings name."""
    asked = " ".join(("'self'", *settings.dashboard_partners))
    return _POLICY.format(images="'self'", asked=asked, more=_TRUSTED_TYPES)


_SITES = {
    "docs": _Site((_WEB, _WEB / "swagger-ui"), {DESCRIPTION: _description, ERRORS: _errors}, _docs_policy),
    "dashboard": _Site((_WEB / "dashboard",), {CONFIG: _config}, _dashboard_policy),
}


@cache
def _files(folders: tuple[Path, ...]) -> dict[str, Path]:
    """The files by name; nothing else on the disk can be named."""
    return {path.name: path for folder in folders for path in folder.glob("*") if path.suffix in _TYPES}
