"""docs/reference/api.md: every route of every surface, from the tables that the app registers its functions from."""

from collections.abc import Iterable, Iterator

from ferry.api.health import HEALTH_ROUTES
from ferry.api.management.routes import BASES, OPERATIONS, ApiVersion, Operation
from ferry.api.openapi.document import ENTRIES
from ferry.api.openapi.entry import Many, Shape, key_of
from ferry.services import Endpoint, Surface, endpoints
from tools.reference.markdown import code, page, table

_INTRO = """Everything that an app answers, below the host's prefix `/api`. The description with bodies, answers and
examples is served by each app at `/api/openapi.json`, and can be tried out at `/api/docs`.
[docs/http/ferry.http](../http/ferry.http) has a request for each operation of the management API. Bodies of the
management API may be plain JSON or JSON-LD; how errors look stands in [errors](errors.md), what differs from EDC in
[a table of its own](../edc-differences.md)."""

_MANAGEMENT = """Called by the participant's own clients, with `x-api-key`, a function key or a token of Entra ID
(`FERRY_MANAGEMENT_AUTH`). Versions 3 and 4 have the same operations, but where one stands alone. *Role* is the one
that an app needs to have the route; *any* is either of consumer and provider."""
_RECORD = "Short paths for the way of a transfer, at `/api/v1/data`."
_DSP = """Called by other participants, who show who they are (`FERRY_IDENTITY`). The consumer's callback address is
`/api/dsp/2025-1/consumer`."""
_SIGNALING = """Data Plane Signaling between the planes of one participant (`FERRY_SIGNALING_ACCESS`).
`v1/dataflows` is the older dialect that EDC speaks."""

_BODIES = ("method", "path", "what", "body")
_PAGES = (
    ("GET", "docs", "The description of the API, to look at and to try out"),
    ("GET", "docs/errors.html", "Every error: what it means and what to do"),
    ("GET", "docs/{file}", "What those pages load"),
    ("GET", "dashboard", "The dashboard"),
    ("GET", "dashboard/{file}", "What it loads"),
)


def api_page() -> str:
    """The page."""
    return page("HTTP API", _INTRO, _lines())


def _lines() -> Iterator[str]:
    yield from _headed("Management API", _MANAGEMENT)
    offered = [it for it in OPERATIONS if ApiVersion.RECORD not in it.versions]
    yield from table(("method", "path", "versions", "role", "what", "body"), [_managed(it) for it in offered])
    yield from _headed("The decision record's own paths", _RECORD)
    own = [it for it in OPERATIONS if ApiVersion.RECORD in it.versions]
    yield from table(_BODIES, [_row(it.method, f"{BASES[ApiVersion.RECORD]}/{it.path}") for it in own])
    yield "`management/v5beta/…` answers 501 with the reason."
    yield ""
    yield from _headed("Dataspace Protocol", _DSP)
    for title, surface in (
        ("The provider's side", Surface.PROVIDER_DSP),
        ("The consumer's side", Surface.CONSUMER_DSP),
        ("Of either side", Surface.SHARED_DSP),
    ):
        yield from _headed(title, "", level=3)
        yield from table(_BODIES, _rows(endpoints(surface)))
    yield from _headed("Signaling", _SIGNALING)
    for title, surface in (("The data plane", Surface.DATA_PLANE), ("The control plane", Surface.CONTROL)):
        yield from _headed(title, "", level=3)
        yield from table(_BODIES, _rows(endpoints(surface)))
    yield from _headed("Open to all", "Nothing of it is secret, and nobody is asked who they are.")
    public = [*_rows(endpoints(Surface.PUBLIC)), *(_row("GET", it.path) for it in HEALTH_ROUTES)]
    pages = [(method, code(path), what, "") for method, path, what in _PAGES]
    yield from table(_BODIES, [*public, _row("GET", "openapi.json"), *pages])


def _headed(title: str, text: str, *, level: int = 2) -> Iterator[str]:
    yield f"{'#' * level} {title}"
    yield ""
    if text:
        yield text
        yield ""


def _managed(operation: Operation) -> tuple[str, ...]:
    version = operation.versions[0]
    method, _, what, body = _row(operation.method, f"{BASES[version]}/{operation.path}")
    role = "any" if operation.group.value == "shared" else operation.group.value
    return method, code(operation.path), ", ".join(it.value for it in operation.versions), role, what, body


def _rows(found: Iterable[Endpoint]) -> list[tuple[str, str, str, str]]:
    return [_row(it.method, it.route) for it in found]


def _row(method: str, route: str) -> tuple[str, str, str, str]:
    entry = ENTRIES[key_of(method, route)]
    body = _name(entry.request)
    return method, code(route), entry.summary, f"{body} (optional)" if body and entry.optional else body


def _name(shape: Shape) -> str:
    return code(shape.component if isinstance(shape, Many) else (shape or "").removeprefix("dsp."))
