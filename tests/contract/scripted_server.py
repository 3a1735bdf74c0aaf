"""A server on loopback that answers as it is told and keeps what it was asked: every connection, every request."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard, Resolver, resolve


@dataclass(frozen=True, slots=True)
class Asked:
    """One request: its connection's number, its line, its headers in lower case, its body."""

    connection: int
    line: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class ScriptedServer:
    """What came. `port` is where it listens, `ended` counts the connections that are closed again."""

    port: int = 0
    connections: int = 0
    ended: int = 0
    asked: list[Asked] = field(default_factory=list[Asked])

    @property
    def endpoint(self) -> str:
        """Its account's endpoint, as an emulator has it."""
        return f"http://127.0.0.1:{self.port}/account"

    @property
    def lines(self) -> list[str]:
        """The request lines, without their version."""
        return [asked.line.removesuffix(" HTTP/1.1") for asked in self.asked]


type Run = Callable[[Coroutine[Any, Any, Any]], Any]
type Reply = Callable[[Asked, asyncio.StreamWriter], Awaitable[bool]]


def answering(*answers: bytes) -> Reply:
    """Gives these answers in turn, the last one for ever, and keeps the connection."""
    left = list(answers)

    async def reply(_: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        return True

    return reply


def an_answer(status: int = 201, body: bytes = b"", **headers: str) -> bytes:
    """An answer with its length."""
    lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status} Words\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


@asynccontextmanager
async def serving(
    reply: Reply, *, reads_bodies: bool = True, tls: ssl.SSLContext | None = None
) -> AsyncGenerator[ScriptedServer]:
    """A server for a while. `reply` says whether the connection stays open."""
    server, writers = ScriptedServer(), list[asyncio.StreamWriter]()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server.connections += 1
        number = server.connections
        writers.append(writer)
        try:
            while True:
                asked = await _read(reader, number, reads_bodies=reads_bodies)
                server.asked.append(asked)
                if not await reply(asked, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            server.ended += 1
            writer.close()

    listening = await asyncio.start_server(talk, "127.0.0.1", 0, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for writer in writers:
            writer.transport.abort()
        # Let the handlers see that their connections have gone.
        await asyncio.sleep(0.01)


async def _read(reader: asyncio.StreamReader, number: int, *, reads_bodies: bool) -> Asked:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("ascii").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    length = int(headers.get("content-length", "0")) if reads_bodies else 0
    return Asked(number, head[0], headers, await reader.readexactly(length))


@asynccontextmanager
async def wired(
    *, allow_loopback: bool = True, hosts: tuple[str, ...] = (), resolver: Resolver = resolve
) -> AsyncGenerator[WireSides]:
    """The sides, closed at the end."""
    guard = EgressGuard(hosts, allow_loopback=allow_loopback, resolver=resolver)
    sides = WireSides(guard, BlobClients(), SystemClock())
    try:
        yield sides
    finally:
        await sides.close()
