"""HTTP to other participants, with our identity, and to callbacks, without it: JSON over connections that are checked.

No redirects, no cookies, no proxies, no compression, bounded answers and bounded time. (Design: secrets and trust.)
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ferry.adapters.egress import CheckedUrl, EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Json, JsonObject
from ferry.domain.secret import Secret
from ferry.ports.peer import PeerAnswer
from ferry.telemetry import meters
from ferry.telemetry.spans import Kind, Named, span

if TYPE_CHECKING:
    import httpx2

    from ferry.adapters.guarded_transport import GuardedTransport

ANSWER_LIMIT_BYTES = 4 * 1024 * 1024


def _no_trace() -> None:
    return None


class HttpPeer:
    """The real Peer and Callbacks; one for all threads of a process, which share its connections.

    `authorization` gives the header for an audience (None: no such header), `trace_parent` the W3C header of what is
    going on now, if any.
    """

    def __init__(
        self,
        guard: EgressGuard,
        *,
        authorization: Callable[[str], str] | None = None,
        trace_parent: Callable[[], str | None] = _no_trace,
        connect_timeout_seconds: float = 2.0,
        read_timeout_seconds: float = 5.0,
        answer_limit_bytes: int = ANSWER_LIMIT_BYTES,
    ) -> None:
        self._guard = guard
        self._authorization = authorization
        self._trace_parent = trace_parent
        self._connect_timeout_seconds = connect_timeout_seconds
        self._read_timeout_seconds = read_timeout_seconds
        self._answer_limit_bytes = answer_limit_bytes
        self._transport: GuardedTransport | None = None
        self._lock = threading.Lock()

    def post(self, url: str, body: JsonObject, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """POST JSON; every status is an answer.

        Raises EffectFailed: ADDRESS_FORBIDDEN (the guard), PEER_UNREACHABLE (retryable: no answer in time), and
        PEER_REFUSED where the answer is too large. `timeout_seconds` bounds the whole exchange.
        """
        return self._exchange(
            "POST", url, content=_written(body), own=self._identity(audience), timeout_seconds=timeout_seconds
        )

    def get(self, url: str, *, audience: str, timeout_seconds: float = 10.0) -> PeerAnswer:
        """GET JSON. Raises as `post`."""
        return self._exchange("GET", url, own=self._identity(audience), timeout_seconds=timeout_seconds)

    def deliver(
        self,
        uri: str,
        body: JsonObject,
        *,
        headers: Mapping[str, Secret],
        timeout_seconds: float = 5.0,
        method: str = "POST",
    ) -> int:
        """Send JSON with these headers; the status. Raises as `post`."""
        told = {name: value.reveal() for name, value in headers.items()}
        return self._exchange(method, uri, content=_written(body), own=told, timeout_seconds=timeout_seconds).status

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            transport, self._transport = self._transport, None
        if transport is not None:
            transport.close()

    def _identity(self, audience: str) -> dict[str, str]:
        return {"Authorization": self._authorization(audience)} if self._authorization else {}

    def _exchange(
        self, method: str, url: str, *, own: Mapping[str, str], timeout_seconds: float, content: bytes | None = None
    ) -> PeerAnswer:
        admitted = self._guard.admit(url)
        path = urlsplit(admitted.url).path
        with span(Named(f"{method} {path}", Kind.CLIENT, {"server.address": admitted.host})) as recorded:
            with meters.duration("peer") as measured:
                answer = self._sent(method, admitted, content=content, own=own, timeout_seconds=timeout_seconds)
                measured["status"] = answer.status
            recorded.note(http_status=answer.status)
            return answer

    def _sent(
        self, method: str, to: CheckedUrl, *, content: bytes | None, own: Mapping[str, str], timeout_seconds: float
    ) -> PeerAnswer:
        import httpx2

        from ferry.adapters.guarded_transport import within

        place = f"{to.host}:{to.port}"
        try:
            request = self._request(method, to, content=content, own=own, timeout_seconds=timeout_seconds)
            with within(timeout_seconds):
                return self._answered(request, place)
        except httpx2.InvalidURL:
            raise EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, f"{place}: the URL cannot be read") from None
        except (httpx2.NetworkError, httpx2.TimeoutException, OSError) as error:
            raise _unreachable(place, f"{type(error).__name__}: {error}") from error
        except (httpx2.TransportError, httpx2.StreamError) as error:
            # Its text may quote a header, and one of ours is a token.
            raise _unreachable(place, type(error).__name__) from None

    def _request(
        self, method: str, url: CheckedUrl, *, content: bytes | None, own: Mapping[str, str], timeout_seconds: float
    ) -> "httpx2.Request":
        import httpx2

        headers = {
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "ferry",
            **own,
        }
        if content is not None:
            headers["Content-Type"] = "application/json"
        trace_parent = self._trace_parent()
        if trace_parent:
            headers["traceparent"] = trace_parent
        patience = min(self._read_timeout_seconds, timeout_seconds)
        timeout = httpx2.Timeout(patience, connect=min(self._connect_timeout_seconds, timeout_seconds))
        return httpx2.Request(
            method, url.url, headers=headers, content=content, extensions={"timeout": timeout.as_dict()}
        )

    def _shared_transport(self) -> "GuardedTransport":
        with self._lock:
            if self._transport is None:
                from ferry.adapters.guarded_transport import GuardedTransport

                self._transport = GuardedTransport(self._guard)
            return self._transport

    def _answered(self, request: "httpx2.Request", place: str) -> PeerAnswer:
        response = self._shared_transport().handle_request(request)
        response.request = request
        try:
            return self._read(response, place)
        finally:
            response.close()

    def _read(self, response: "httpx2.Response", place: str) -> PeerAnswer:
        content = bytearray()
        for chunk in response.iter_raw():
            content += chunk
            if len(content) > self._answer_limit_bytes:
                message = (
                    f"{place} answered with more than {self._answer_limit_bytes} bytes; trying again does not help"
                )
                raise EffectFailed.because(FaultCode.PEER_REFUSED, message)
        return PeerAnswer(response.status_code, _json_object(bytes(content)), dict(response.headers))


def _written(body: JsonObject) -> bytes:
    return json.dumps(body, separators=(",", ":"), allow_nan=False).encode()


def _json_object(content: bytes) -> JsonObject | None:
    """The JSON object in an answer; a list, as EDC's errors are, stands under `reason`."""
    try:
        body: Json = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if isinstance(body, list):
        return {"reason": body}
    return body if isinstance(body, dict) else None


def _unreachable(place: str, why: str) -> EffectFailed:
    message = f"{place} cannot be reached ({why}); trying again may help"
    return EffectFailed.because(FaultCode.PEER_UNREACHABLE, message, retryable=True)
