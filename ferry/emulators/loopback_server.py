"""A threaded JSON server on a free loopback port, plain or TLS, that can refuse connections for a while."""

import contextlib
import json
import logging
import selectors
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from ferry.emulators.certificates import Certificate

LOOPBACK = "127.0.0.1"
_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are lower case, `path` has no query."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def json(self) -> dict[str, Any]:
        """The body as an object; an absent body is an empty one. Raises ValueError."""
        document = cast("object", json.loads(self.body or b"{}"))
        if not isinstance(document, dict):
            raise ValueError("the body must be a JSON object")
        return cast("dict[str, Any]", document)


@dataclass(frozen=True, slots=True)
class Response:
    """A status with an optional JSON body and headers."""

    status: int = 200
    body: Mapping[str, Any] | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


type Answer = Callable[[Request], Response]


class LoopbackServer:
    """Serves `answer` on 127.0.0.1 until `close`; each connection has a thread of its own."""

    def __init__(self, answer: Answer, *, certificate: Certificate | None = None) -> None:
        self._handler = _handler_class(answer)
        self._tls = _tls_context(certificate)
        self._lock = threading.Lock()
        self._reopening: threading.Timer | None = None
        self._closed = False
        self._listener = _Listener(self._handler, self._tls, port=0)
        self.port: int = self._listener.server_port
        self._listener.listen()

    @property
    def url(self) -> str:
        """Scheme, host and port, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}"

    def refuse_for(self, seconds: float) -> None:
        """Cut the open connections and refuse new ones for the given time; the port stays ours meanwhile."""
        with self._lock:
            self._cancel_reopening()
            self._listener.close()
            self._listener = _Listener(self._handler, self._tls, port=self.port)
            self._reopening = threading.Timer(seconds, self.reopen)
            self._reopening.daemon = True
            self._reopening.start()

    def reopen(self) -> None:
        """Accept connections again, if they are refused now."""
        with self._lock:
            self._cancel_reopening()
            if not self._closed:
                self._listener.listen()

    def close(self) -> None:
        """Stop serving and free the port; a second call does nothing."""
        with self._lock:
            self._closed = True
            self._cancel_reopening()
            self._listener.close()

    def _cancel_reopening(self) -> None:
        if self._reopening is not None:
            self._reopening.cancel()
            self._reopening = None


class _Listener(ThreadingHTTPServer):
    """A bound socket that listens when told to, and knows its connections so that they can be cut."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: ssl.SSLContext | None, *, port: int) -> None:
        super().__init__((LOOPBACK, port), handler, bind_and_activate=False)
        self._tls = tls
        self._connections: set[socket.socket] = set()
        self._connections_lock = threading.Lock()
        self._wake_reader, self._wake_writer = socket.socketpair()
        self._accepting: threading.Thread | None = None
        self.server_bind()

    def listen(self) -> None:
        if self._accepting is None:
            self.server_activate()
            self._accepting = threading.Thread(target=self._accept, name=f"loopback-{self.server_port}", daemon=True)
            self._accepting.start()

    def close(self) -> None:
        self._wake_writer.close()
        if self._accepting is not None:
            self._accepting.join()
        self.server_close()
        with self._connections_lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        self._wake_reader.close()

    def finish_request(self, request: object, client_address: object) -> None:
        # The handshake belongs to the connection's own thread: a slow client must not hold up the others.
        accepted = cast("socket.socket", request)
        connection = self._tls.wrap_socket(accepted, server_side=True) if self._tls else accepted
        with self._connections_lock:
            self._connections.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._connections_lock:
                self._connections.discard(connection)
            connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is its own affair; `answer` turns its own errors into a response."""

    def _accept(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, selectors.EVENT_READ)
            woken = selector.register(self._wake_reader, selectors.EVENT_READ)
            while all(key is not woken for key, _ in selector.select()):
                self.handle_request()


def _tls_context(certificate: Certificate | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_path, certificate.key_path)
    return context


def _handler_class(answer: Answer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed: query strings may hold what nobody should read."""

        def respond(self) -> None:
            response = _guarded(answer, self._request())
            body = b"" if response.body is None else json.dumps(response.body).encode()
            self.send_response(response.status)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if body:
                self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def _request(self) -> Request:
            url = urlsplit(self.path)
            return Request(
                method=self.command,
                path=url.path,
                query=dict(parse_qsl(url.query)),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(int(self.headers.get("Content-Length") or 0)),
            )

        do_GET = do_PUT = do_PATCH = do_POST = do_DELETE = respond

    return Handler


def _guarded(answer: Answer, request: Request) -> Response:
    try:
        return answer(request)
    except ValueError as error:
        return Response(400, {"error": {"code": "BadRequest", "message": str(error)}})
    except Exception as error:
        _LOGGER.exception("An emulator could not answer %s %s", request.method, request.path)
        return Response(500, {"error": {"code": "EmulatorDefect", "message": type(error).__name__}})
