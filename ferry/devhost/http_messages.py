"""HTTP requests and responses between uvicorn, the host and the worker."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from http import HTTPStatus
from types import SimpleNamespace
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl

from ferry.devhost.protos import TypedData

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence

    type AsgiMessage = MutableMapping[str, object]
    type Receive = Callable[[], Awaitable[AsgiMessage]]
    type Send = Callable[[AsgiMessage], Awaitable[None]]

_BODILESS = frozenset({204, 304})


@dataclass(frozen=True, slots=True)
class Request:
    """A request; header names are lower-case, repeated headers and query values joined by commas."""

    method: str
    raw_path: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """A response; `headers` may hold a name more than once."""

    status: int
    body: bytes = b""
    headers: Sequence[tuple[str, str]] = field(default_factory=tuple[tuple[str, str], ...])


class BodyTooLargeError(Exception):
    """The request body is above the limit."""


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


def json_response(document: object, *, status: int = HTTPStatus.OK) -> Response:
    """A JSON answer of the host itself."""
    return Response(status, json.dumps(document).encode(), (("content-type", "application/json; charset=utf-8"),))


async def read_request(scope: Mapping[str, object], receive: Receive, *, limit_bytes: int) -> Request:
    """Read a request whole; raises BodyTooLargeError or ClientLeftError.

    As in the real host a body without Content-Length (chunked) does not reach the function.
    """
    headers = _joined(
        (name.decode("latin-1").lower(), value.decode("latin-1"))
        for name, value in cast("Iterable[tuple[bytes, bytes]]", scope["headers"])
    )
    length = int(headers.get("content-length") or 0)
    if length > limit_bytes:
        raise BodyTooLargeError
    raw_path = cast("bytes", scope["raw_path"]).decode("latin-1").split("?", 1)[0]
    query_string = cast("bytes", scope["query_string"]).decode("latin-1")
    suffix = f"?{query_string}" if query_string else ""
    return Request(
        method=str(scope["method"]),
        raw_path=raw_path,
        url=f"{scope['scheme']}://{headers.get('host', '')}{raw_path}{suffix}",
        headers=headers,
        query=_joined(parse_qsl(query_string, keep_blank_values=False)),
        body=await _read_body(receive) if length > 0 else b"",
    )


async def send_response(send: Send, response: Response) -> None:
    """Send a response with its length."""
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in response.headers]
    if response.status not in _BODILESS:
        headers = [header for header in headers if header[0] != b"content-length"]
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = b"" if response.status in _BODILESS else response.body
    await send({"type": "http.response.body", "body": body})


def to_rpc_http(request: Request, route_parameters: Mapping[str, str]) -> TypedData:
    """The request as the worker takes it."""
    return TypedData(
        http=SimpleNamespace(
            method=request.method,
            url=request.url,
            headers=request.headers,
            params=route_parameters,
            query=request.query,
            body=TypedData(bytes=request.body),
            identities=[],
        )
    )


class _RpcHttp(Protocol):
    status_code: str
    headers: Mapping[str, str] | None
    cookies: Iterable[object] | None
    body: TypedData | None


def from_return_value(value: TypedData | None) -> Response | None:
    """The function's response, or None when it gave none."""
    if value is None or value.kind is None:
        return None
    if value.kind != "http":
        return Response(HTTPStatus.OK, _bytes(value), (("content-type", "text/plain; charset=utf-8"),))
    http = cast("_RpcHttp", value.value)
    headers = list((http.headers or {}).items())
    headers += [("set-cookie", _set_cookie(cookie)) for cookie in http.cookies or ()]
    return Response(int(http.status_code), _bytes(http.body), headers)


class _Nullable[T](Protocol):
    value: T


class _Timestamp(Protocol):
    seconds: int


class _Cookie(Protocol):
    name: str
    value: str
    domain: _Nullable[str] | None
    path: _Nullable[str] | None
    expires: _Nullable[_Timestamp] | None
    secure: _Nullable[bool] | None
    http_only: _Nullable[bool] | None
    same_site: int
    max_age: _Nullable[float] | None


def _set_cookie(parts: object) -> str:
    cookie = cast("_Cookie", parts)
    texts = [f"{cookie.name}={cookie.value}"]
    if cookie.expires:
        moment = datetime.fromtimestamp(cookie.expires.value.seconds, UTC)
        texts.append(f"expires={format_datetime(moment, usegmt=True)}")
    if cookie.max_age:
        texts.append(f"max-age={int(cookie.max_age.value)}")
    if cookie.domain and cookie.domain.value:
        texts.append(f"domain={cookie.domain.value}")
    if cookie.path and cookie.path.value:
        texts.append(f"path={cookie.path.value}")
    if cookie.secure and cookie.secure.value:
        texts.append("secure")
    same_site = {1: "lax", 2: "strict", 3: "none"}.get(cookie.same_site)
    if same_site:
        texts.append(f"samesite={same_site}")
    if cookie.http_only and cookie.http_only.value:
        texts.append("httponly")
    return "; ".join(texts)


def _bytes(value: TypedData | None) -> bytes:
    if value is None or value.kind is None:
        return b""
    return cast("bytes", value.value) if value.kind == "bytes" else str(value.value).encode()


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ClientLeftError
        parts.append(cast("bytes", message.get("body", b"")))
        if not message.get("more_body"):
            return b"".join(parts)
