"""Cross-origin requests, as the host answers them for its functions: only origins that it was told are let in.

In Azure `az functionapp cors add` tells them, here CORS_ALLOWED_ORIGINS, a JSON array. The app itself knows nothing of
it. A preflight of an origin that is not on the list goes to the functions, as any other request.
"""

from __future__ import annotations

import json
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from ferry.devhost.errors import SettingsError
from ferry.devhost.http_messages import Response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from ferry.devhost.http_messages import Request

    type Handle = Callable[[Request], Awaitable[Response]]

ORIGINS_SETTING = "CORS_ALLOWED_ORIGINS"


def allowed_origins(environ: Mapping[str, str]) -> frozenset[str]:
    """The origins in the setting; none where it is not there. Raises SettingsError."""
    text = environ.get(ORIGINS_SETTING, "").strip()
    try:
        told: object = json.loads(text) if text else []
    except ValueError:
        told = None
    items = cast("list[object]", told) if isinstance(told, list) else None
    if items is None or not all(isinstance(item, str) for item in items):
        raise SettingsError(f'{ORIGINS_SETTING} is no JSON array of origins such as ["https://example.org"]')
    return frozenset(str(item) for item in items)


def with_cors(handle: Handle, origins: frozenset[str]) -> Handle:
    """`handle` behind the list of origins; itself where the list is empty."""
    if not origins:
        return handle

    async def answer(request: Request) -> Response:
        origin = request.headers.get("origin", "")
        if origin not in origins:
            return await handle(request)
        allowed = (("access-control-allow-origin", origin), ("vary", "Origin"))
        wanted = request.headers.get("access-control-request-method")
        if request.method == "OPTIONS" and wanted:
            asked = request.headers.get("access-control-request-headers", "")
            more = (("access-control-allow-methods", wanted), ("access-control-allow-headers", asked))
            return Response(HTTPStatus.NO_CONTENT, b"", (*allowed, *more))
        response = await handle(request)
        return replace(response, headers=(*response.headers, *allowed))

    return answer
