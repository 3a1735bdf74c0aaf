"""uvicorn with an ASGI application of our own, on a socket that is bound before the app is imported."""

from __future__ import annotations

import contextlib
import logging
import socket
from http import HTTPStatus
from typing import TYPE_CHECKING

import uvicorn

from ferry.devhost.errors import DevhostError
from ferry.devhost.http_messages import BodyTooLargeError, ClientLeftError, Response, read_request, send_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping

    from ferry.devhost.http_messages import Receive, Request, Send

    type Handle = Callable[[Request], Awaitable[Response]]

logger = logging.getLogger("ferry.devhost")

# As the real host's web server; a shorter time cuts off pooled clients between two requests.
_KEEP_ALIVE_SECONDS = 130


class AsgiApplication:
    """Reads a request, lets the host answer it, sends the answer."""

    def __init__(self, handle: Handle, *, body_limit_bytes: int) -> None:
        self._handle = handle
        self._body_limit_bytes = body_limit_bytes

    async def __call__(self, scope: Mapping[str, object], receive: Receive, send: Send) -> None:
        """Serve one request; anything that escapes is a 500 without details."""
        if scope["type"] != "http":
            return
        try:
            request = await read_request(scope, receive, limit_bytes=self._body_limit_bytes)
            response = await self._handle(request)
        except ClientLeftError:
            return
        except BodyTooLargeError:
            response = Response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        except Exception:
            logger.exception("the host failed to answer %s %s", scope["method"], scope["path"])
            response = Response(HTTPStatus.INTERNAL_SERVER_ERROR)
        await send_response(send, response)


class HttpServer(uvicorn.Server):
    """uvicorn without its signal handlers, telling when it listens."""

    def __init__(self, application: AsgiApplication, *, on_listening: Callable[[], None], grace_seconds: float) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                loop="asyncio",
                http="h11",
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                timeout_graceful_shutdown=max(1, int(grace_seconds)),
            )
        )
        self._on_listening = on_listening

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """The host handles signals itself."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._on_listening()


def bind(address: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises DevhostError when the port is taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With the protocol left at 0 asyncio would not set TCP_NODELAY, and each answer would wait 40 ms for an ACK.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((address, port))
    except OSError as error:
        listening.close()
        raise DevhostError(
            f"Cannot listen on {address}:{port}: {error.strerror}. Give another --port, or 0 for a free one"
        ) from error
    return listening
