"""What all clients of Azure's SDKs share: one pool of connections, short waits, errors as faults.

Importing this module imports the SDK's core, so the adapters import it when they are used, not before.
"""

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Self
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, ClientAuthenticationError, HttpResponseError
from azure.core.pipeline.transport import HttpTransport, RequestsTransport

from ferry.adapters.lean_session import new_session, trusted
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.telemetry import meters

CONNECT_TIMEOUT_SECONDS = 3
READ_TIMEOUT_SECONDS = 10
# The engine repeats what fails, so a client that is called need not try for long.
RETRIES = 3
FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 2.0

_BUSY = frozenset({408, 409, 412, 429})
_REFUSED = frozenset({401, 403})
_SYSTEMS = ("table", "queue", "blob", "vault")


class PooledTransport(HttpTransport[Any, Any]):
    """Connections that all clients of a process share; no pause between tries is longer than two seconds."""

    def __init__(self) -> None:
        self._session = new_session()
        self._inner: HttpTransport[Any, Any] = RequestsTransport(
            session=self._session,
            session_owner=False,
            connection_timeout=CONNECT_TIMEOUT_SECONDS,
            read_timeout=READ_TIMEOUT_SECONDS,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """A client that ends leaves the connections to the others."""

    def send(self, request: Any, **kwargs: Any) -> Any:  # noqa: ANN401 - the SDK's own types of requests and responses
        """Send one request and return its response."""
        with meters.duration(_system(request.url)) as measured:
            response = self._inner.send(request, **{"connection_verify": trusted(), **kwargs})
            measured["status"] = response.status_code
            return response

    def open(self) -> None:
        """Connections are opened when they are needed."""

    def close(self) -> None:
        """Close idle connections; new requests open new ones."""
        self._session.close()

    def sleep(self, duration: float) -> None:
        """Pause between two tries, however long the service asks for."""
        time.sleep(min(duration, LONGEST_PAUSE_SECONDS))


def retry_options() -> dict[str, Any]:
    """How often and how fast clients try again, as their options say it."""
    return {
        "retry_total": RETRIES,
        "retry_backoff_factor": FIRST_PAUSE_SECONDS,
        "retry_backoff_max": LONGEST_PAUSE_SECONDS,
    }


_shared: PooledTransport | None = None
_shared_lock = threading.Lock()


def shared_transport() -> PooledTransport:
    """The process's own transport; never closed."""
    global _shared  # noqa: PLW0603 - one for the process, made by whoever needs it first
    with _shared_lock:
        _shared = _shared or PooledTransport()
        return _shared


def failure(error: AzureError, code: FaultCode, doing: str) -> EffectFailed:
    """The fault that an SDK's error stands for; `doing` says what was tried: `reading table X`."""
    status = error.status_code if isinstance(error, HttpResponseError) else None
    if status in _REFUSED:
        advice = "the app's identity or key is not accepted; a new role assignment takes some minutes to work"
        return EffectFailed.because(code, f"{doing} was refused ({_reason(error)}): {advice}", retryable=True)
    if isinstance(error, ClientAuthenticationError):
        advice = "there was no token for the app's identity; is a managed identity switched on for this app?"
        return EffectFailed.because(code, f"{doing} was not tried ({_reason(error)}): {advice}", retryable=True)
    if status is None:
        return EffectFailed.because(code, f"{doing} failed: no answer ({type(error).__name__})", retryable=True)
    if status in _BUSY or status >= 500:
        return EffectFailed.because(code, f"{doing} failed for now ({_reason(error)})", retryable=True)
    return EffectFailed.because(FaultCode.UNEXPECTED, f"{doing} is impossible ({_reason(error)})")


@contextmanager
def failures_as(code: FaultCode, doing: str) -> Generator[None]:
    """Turn the SDK's errors into EffectFailed."""
    try:
        yield
    except AzureError as error:
        raise failure(error, code, doing) from error


def _reason(error: AzureError) -> str:
    """Status and code; never the message, which may quote what was sent."""
    if not isinstance(error, HttpResponseError) or error.status_code is None:
        return type(error).__name__
    name: object = getattr(error, "error_code", None) or (error.error.code if error.error else None)
    return f"{error.status_code} {name or error.reason or ''}".strip()


def _system(url: str) -> str:
    """Which kind of service a host name is of, as metrics tell them apart."""
    host = urlsplit(url).hostname or ""
    return next((system for system in _SYSTEMS if f".{system}." in host), "other")
