"""A relay that writes down every request and answer that passes it; a test can let it hold, change or cut them."""

import http.client
import socket
import ssl
import threading
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"
_UPSTREAM_SECONDS = 60.0
_HOLD_SECONDS = 45.0
_OWN_HEADERS = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})

type Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it was sent; `target` is the path with its query."""

    method: str
    target: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def header(self, name: str) -> str:
        """The first header of that name; empty where there is none."""
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered with."""

    status: int
    body: bytes = field(default=b"", repr=False)
    headers: Headers = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer; None where the connection was cut."""

    request: Request
    answer: Answer | None


type Forward = Callable[[Request], Answer]
type Matches = Callable[[Request], bool]
# Gives the answer, by forwarding the request or without; None cuts the connection.
type Interceptor = Callable[[Request, Forward], Answer | None]


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """The certificate that a relay shows and trusts, with its key."""

    certificate_path: Path
    key_path: Path


class Gate:
    """Holds requests until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self._arrival = threading.Condition()
        self._arrived: list[Request] = []

    def __call__(self, request: Request, forward: Forward) -> Answer | None:
        """Hold one."""
        with self._arrival:
            self._arrived.append(request)
            self._arrival.notify_all()
        self._open.wait(_HOLD_SECONDS)
        return forward(request)

    def wait_for(self, count: int = 1, *, timeout_seconds: float = 20.0) -> Sequence[Request]:
        """The requests that are or were held, once there are so many."""
        with self._arrival:
            enough = self._arrival.wait_for(lambda: len(self._arrived) >= count, timeout_seconds)
            assert enough, f"{len(self._arrived)} of {count} requests came within {timeout_seconds:g} s"
            return tuple(self._arrived)

    def open(self) -> None:
        """Let all of them pass, and every later one."""
        self._open.set()


class RecordingRelay:
    """Relays to `upstream`, which is asked for at each connection, over TLS where `tls` is given."""

    def __init__(self, upstream: Callable[[], str], *, tls: TlsFiles | None = None) -> None:
        self._upstream = upstream
        self._tls = tls
        self._lock = threading.Lock()
        self._exchanges: list[Exchange] = []
        self._interceptors: list[tuple[Matches, Interceptor]] = []
        self._server = _Server(_handler_class(self), tls)
        self._serving = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._serving.start()

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self._server.server_port}"

    @property
    def exchanges(self) -> Sequence[Exchange]:
        """What has passed so far, in the order in which it was over."""
        with self._lock:
            return tuple(self._exchanges)

    @contextmanager
    def intercepting(self, matches: Matches, interceptor: Interceptor) -> Generator[None]:
        """Hand the requests that match to the interceptor; of two that match, the later one has them."""
        entry = (matches, interceptor)
        with self._lock:
            self._interceptors.insert(0, entry)
        try:
            yield
        finally:
            with self._lock:
                self._interceptors.remove(entry)

    @contextmanager
    def holding(self, matches: Matches) -> Generator[Gate]:
        """Hold the requests that match until the gate is opened, at the latest when the block ends."""
        gate = Gate()
        with self.intercepting(matches, gate):
            try:
                yield gate
            finally:
                gate.open()

    def connect(self) -> http.client.HTTPConnection:
        """A new connection to the upstream."""
        upstream = urlsplit(self._upstream())
        if upstream.scheme == "http":
            return http.client.HTTPConnection(str(upstream.hostname), upstream.port, timeout=_UPSTREAM_SECONDS)
        context = ssl.create_default_context(cafile=str(self._tls.certificate_path) if self._tls else None)
        return http.client.HTTPSConnection(
            str(upstream.hostname), upstream.port, timeout=_UPSTREAM_SECONDS, context=context
        )

    def pass_on(self, request: Request, forward: Forward) -> Answer | None:
        """Have one request answered, and write it down."""
        with self._lock:
            interceptor = next((act for matches, act in self._interceptors if matches(request)), None)
        answer: Answer | None = None
        try:
            answer = interceptor(request, forward) if interceptor else forward(request)
        finally:
            with self._lock:
                self._exchanges.append(Exchange(request, answer))
        return answer

    def close(self) -> None:
        """Cut all connections and stop listening."""
        self._server.shutdown()
        self._serving.join()
        self._server.server_close()
        self._server.cut_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler], tls: TlsFiles | None) -> None:
        super().__init__((LOOPBACK, 0), handler)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if tls else None
        if self._context and tls:
            self._context.load_cert_chain(tls.certificate_path, tls.key_path)
        self._connections: set[socket.socket] = set()
        self._lock = threading.Lock()

    def finish_request(self, request: object, client_address: object) -> None:
        """Serve one connection, in a thread of its own; the handshake is part of that."""
        accepted = cast("socket.socket", request)
        connection = self._context.wrap_socket(accepted, server_side=True) if self._context else accepted
        with self._lock:
            self._connections.add(connection)
        try:
            super().finish_request(connection, client_address)
        finally:
            with self._lock:
                self._connections.discard(connection)
            connection.close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A side that goes away is its own affair."""

    def cut_all(self) -> None:
        """Let the threads that wait for a request end."""
        with self._lock:
            for connection in self._connections:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


class _Upstream:
    """One client's connection to the upstream, opened when it is needed."""

    def __init__(self, relay: RecordingRelay) -> None:
        self._relay = relay
        self._connection: http.client.HTTPConnection | None = None

    def forward(self, request: Request) -> Answer:
        """Send the request on; a kept connection that the upstream has closed meanwhile is opened anew."""
        if self._connection is not None:
            try:
                return self._exchange(self._connection, request)
            except (http.client.RemoteDisconnected, ConnectionError):
                self.close()
        self._connection = self._relay.connect()
        return self._exchange(self._connection, request)

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, connection: http.client.HTTPConnection, request: Request) -> Answer:
        connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers:
            connection.putheader(name, value)
        connection.endheaders(request.body or None)
        response = connection.getresponse()
        return Answer(response.status, response.read(), tuple(response.getheaders()))


def _handler_class(relay: RecordingRelay) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1

        def setup(self) -> None:
            super().setup()
            self._upstream = _Upstream(relay)

        def finish(self) -> None:
            self._upstream.close()
            with suppress(OSError):
                super().finish()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is printed."""

        def respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = Request(self.command, self.path, tuple(self.headers.items()), body)
            answer = relay.pass_on(request, self._upstream.forward)
            if answer is None:
                self.close_connection = True
            else:
                _send(self, request, answer)

        do_GET = do_HEAD = do_PUT = do_PATCH = do_MERGE = do_POST = do_DELETE = respond

    return Handler


def _send(handler: BaseHTTPRequestHandler, request: Request, answer: Answer) -> None:
    handler.send_response_only(answer.status)
    length = str(len(answer.body))
    for name, value in answer.headers:
        if request.method == "HEAD" and name.lower() == "content-length":
            length = value
        elif name.lower() not in _OWN_HEADERS:
            handler.send_header(name, value)
    if answer.status not in (204, 304):
        handler.send_header("Content-Length", length)
    handler.end_headers()
    handler.wfile.write(answer.body)
