"""HTTP connections that lead only where the egress guard lets them.

The guard resolves a host when a connection is opened, and the socket goes to an address that it has checked. TLS and
the Host header keep the name, and kept connections are shared by name and port. Loaded on first use, for it is heavy.
"""

import os
import ssl
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import httpcore2
import httpx2

from ferry.adapters.egress import EgressGuard

type SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]

KEPT_SECONDS = 30.0


_ends_at: ContextVar[float | None] = ContextVar("ends_at", default=None)


@contextmanager
def within(seconds: float) -> Generator[None]:
    """Everything that is read or written inside by this thread ends after that time, however slowly it trickles."""
    token = _ends_at.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _ends_at.reset(token)


class TimedStream(httpcore2.NetworkStream):
    """A connection whose every wait also ends with the exchange that it is used for."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what is there."""
        return self._stream.read(max_bytes, _left(timeout, httpcore2.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all of it."""
        self._stream.write(buffer, _left(timeout, httpcore2.WriteTimeout))

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """Go on over TLS."""
        left = _left(timeout, httpcore2.ConnectTimeout)
        return TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> object:
        """What the connection knows of itself."""
        return self._stream.get_extra_info(info)


def _left(timeout: float | None, too_late: type[httpcore2.TimeoutException]) -> float | None:
    ends_at = _ends_at.get()
    if ends_at is None:
        return timeout
    left = ends_at - time.monotonic()
    if left <= 0:
        raise too_late("the exchange takes too long")
    return left if timeout is None else min(timeout, left)


class GuardedBackend(httpcore2.NetworkBackend):
    """Opens TCP connections to addresses that the guard has checked, and nothing else."""

    def __init__(self, guard: EgressGuard) -> None:
        self._guard = guard
        self._sockets = httpcore2.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        """Connect to the first address that answers, within the timeout in all. Raises EffectFailed as the guard."""
        ends_at = None if timeout is None else time.monotonic() + timeout
        failure: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in self._guard.addresses(host, port):
            left = None if ends_at is None else ends_at - time.monotonic()
            if left is not None and left <= 0:
                break
            try:
                stream = self._sockets.connect_tcp(address, port, left, local_address, socket_options)
                return TimedStream(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure


class GuardedTransport(httpx2.HTTPTransport):
    """HTTP/1.1 over guarded connections: no proxy from the environment, no Unix sockets, no retries of its own."""

    def __init__(self, guard: EgressGuard, *, connection_limit: int = 64) -> None:
        context = tls_context()
        super().__init__(verify=context, trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=context,
            max_connections=connection_limit,
            max_keepalive_connections=connection_limit // 2,
            keepalive_expiry=KEPT_SECONDS,
            network_backend=GuardedBackend(guard),
        )


def tls_context() -> ssl.SSLContext:
    """Verifies against REQUESTS_CA_BUNDLE, else SSL_CERT_FILE or SSL_CERT_DIR, else what the system trusts."""
    bundle = os.environ.get("REQUESTS_CA_BUNDLE", "")
    if not bundle:
        return httpcore2.default_ssl_context()
    if Path(bundle).is_dir():
        return ssl.create_default_context(capath=bundle)
    return ssl.create_default_context(cafile=bundle)
