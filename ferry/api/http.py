"""A request and an answer, free of Azure Functions and of HTTP libraries."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.faults import FerryError
from ferry.domain.process import Json
from ferry.ports.work import LookMessage

BODY_LIMIT_BYTES = 64 * 1024
SEARCH_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """What came in. Header names are lower-case; `route` holds the parameters of the route.

    `search_limit`: how many documents may be looked at to answer it.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    route: Mapping[str, str] = field(default_factory=dict[str, str])
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    search_limit: int = SEARCH_LIMIT


@dataclass(frozen=True, slots=True)
class ApiAnswer:
    """What goes out: status, JSON (None: no body), headers, and looks that leave by the output binding.

    `content` are bytes that go out instead of JSON, under the type that the headers name.
    """

    status: int
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    looks: tuple[LookMessage, ...] = ()
    content: bytes | None = None


class BodyTooLarge(FerryError):
    """The body is larger than is read (HTTP 413)."""

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"the body has {size_bytes} bytes; at most {BODY_LIMIT_BYTES} are read")


class Forbidden(FerryError):
    """The caller has not shown that it may do this (HTTP 401)."""


def check_size(request: ApiRequest) -> None:
    """Raises BodyTooLarge."""
    if len(request.body) > BODY_LIMIT_BYTES:
        raise BodyTooLarge(len(request.body))


def check_api_key(request: ApiRequest, api_key: str) -> None:
    """Raises Forbidden unless `x-api-key` holds the key."""
    given = request.headers.get("x-api-key", "")
    if not hmac.compare_digest(given.encode(), api_key.encode()):
        raise Forbidden("the x-api-key header is missing or wrong")
