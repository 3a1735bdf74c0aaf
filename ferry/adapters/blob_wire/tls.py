"""TLS between a connection and its socket.

The layers of asyncio and uvloop tell an end of the bytes that the other side did not sign for like any other end. Where
a body ends with its connection, whoever can cut the wire would decide how long it is; here that is a broken connection.
"""

import asyncio
import ssl
from typing import Any, Protocol

# The most that a record holds.
_READ_BYTES = 16 * 1024


class Upper(Protocol):
    """Who speaks over the layer."""

    def connection_made(self, transport: "TlsLayer") -> None:
        """The handshake is done."""
        ...

    def data_received(self, data: bytes) -> None:
        """Bytes have come."""
        ...

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed; `exc` where the other side did not end it."""
        ...

    def pause_writing(self) -> None:
        """The other side reads slower than we write."""
        ...

    def resume_writing(self) -> None:
        """It has read what was written."""
        ...


class TlsLayer(asyncio.Protocol):
    """The protocol of a socket, and the transport of who is above. `ready` raises ssl.SSLError or OSError.

    It may be asked what a transport is asked that an `Upper` needs: the names are asyncio's.
    """

    __slots__ = ("_incoming", "_is_ended", "_is_ready", "_outgoing", "_socket", "_tls", "_upper", "ready")

    def __init__(self, upper: Upper, context: ssl.SSLContext, host: str, loop: asyncio.AbstractEventLoop) -> None:
        self._upper = upper
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._socket: Any = None
        self._is_ready = self._is_ended = False
        self.ready: asyncio.Future[None] = loop.create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is connected: begin the handshake."""
        self._socket = transport
        self._shake_hands()

    def data_received(self, data: bytes) -> None:
        """Bytes of the socket."""
        self._incoming.write(data)
        if self._is_ready or self._shake_hands():
            self._read()

    def eof_received(self) -> None:
        """The other side sends no more; what it had to say of its end it has said before."""

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed."""
        if self._is_ready:
            is_cut = exc is None and not self._is_ended
            self._upper.connection_lost(ConnectionAbortedError("cut without an end of TLS") if is_cut else exc)
        elif not self.ready.done():
            self.ready.set_exception(exc or ConnectionResetError("closed in the handshake"))

    def pause_writing(self) -> None:
        """The socket is full."""
        self._upper.pause_writing()

    def resume_writing(self) -> None:
        """The socket has room again."""
        self._upper.resume_writing()

    def write(self, data: bytes | memoryview) -> None:
        """Send bytes of who is above."""
        try:
            self._tls.write(data)
        except ssl.SSLError:
            # The other side has ended it, or wants what nobody does any more; who waits is told by `connection_lost`.
            self.abort()
            return
        self._flush()

    def is_closing(self) -> bool:
        """Whether nothing can be sent any more."""
        return self._is_ended or self._socket.is_closing()

    def pause_reading(self) -> None:
        """Take no more bytes for now."""
        self._socket.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking bytes."""
        self._socket.resume_reading()

    def get_extra_info(self, name: str) -> object:
        """What the socket's transport knows."""
        return self._socket.get_extra_info(name)

    def abort(self) -> None:
        """Close the socket at once."""
        if self._socket is not None:
            self._socket.abort()

    def _shake_hands(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as error:
            if not self.ready.done():
                self.ready.set_exception(error)
            self.abort()
            return False
        finally:
            self._flush()
        self._is_ready = True
        self._upper.connection_made(self)
        if not self.ready.done():
            self.ready.set_result(None)
        return True

    def _read(self) -> None:
        try:
            while data := self._tls.read(_READ_BYTES):
                self._upper.data_received(data)
                # An answer is one record, nearly always.
                if self._socket.is_closing() or not (self._incoming.pending or self._tls.pending()):
                    break
            else:
                self._end()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self._end()
        except ssl.SSLError:
            self.abort()
        self._flush()

    def _end(self) -> None:
        self._is_ended = True
        self._socket.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._socket.write(self._outgoing.read())
