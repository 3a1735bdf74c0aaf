"""The lean HTTP path over TLS against a server on loopback: large bodies, the end of a body, and what is no TLS."""

import asyncio
import os
import socket
import ssl
from pathlib import Path

import pytest

from ferry.adapters.blob_wire.pool import Expected, OriginPool
from ferry.adapters.blob_wire.raw_answer import RawAnswer
from ferry.adapters.egress import CheckedUrl, EgressGuard
from ferry.emulators.certificates import Certificate, create_certificate
from ferry.ports.blob_sides import WireLost
from tests.contract.scripted_server import Asked, Reply, Run, ScriptedServer, an_answer, serving

pytestmark = pytest.mark.emulators

_LARGE = bytes(range(256)) * 8192


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return create_certificate(tmp_path_factory.mktemp("tls"))


def server_context(certificate: Certificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate_path, certificate.key_path)
    return context


def pool_to(server: ScriptedServer, certificate_path: Path) -> OriginPool:
    origin = CheckedUrl("", "https", "127.0.0.1", server.port)
    guard = EgressGuard([], allow_loopback=True)
    return OriginPool(origin, guard, lambda: ssl.create_default_context(cafile=str(certificate_path)))


def a_put(length: int) -> bytes:
    return f"PUT /c/a HTTP/1.1\r\nContent-Length: {length}\r\n\r\n".encode()


async def ask(server: ScriptedServer, certificate: Certificate, *requests: bytes) -> list[RawAnswer]:
    pool = pool_to(server, certificate.certificate_path)
    expected = Expected(limit_bytes=len(_LARGE))
    try:
        return [await pool.send(a_put(len(body)), body, expected) for body in requests]
    finally:
        pool.close()


def test_bodies_of_any_length_pass_both_ways_over_one_connection(run: Run, certificate: Certificate) -> None:
    async def echo(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(an_answer(200, asked.body))
        await writer.drain()
        return True

    async def work() -> tuple[ScriptedServer, list[RawAnswer]]:
        async with serving(echo, tls=server_context(certificate)) as server:
            return server, await ask(server, certificate, b"", b"x", _LARGE, b"y" * 16384, b"z" * 16385)

    server, answers = run(work())
    assert [answer.body for answer in answers] == [b"", b"x", _LARGE, b"y" * 16384, b"z" * 16385]
    assert server.connections == 1


def _ending(*, properly: bool) -> Reply:
    """An answer without a length, which ends with the connection: by the other side's word, or by a cut."""

    async def reply(_: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nhalf of it")
        await writer.drain()
        if not properly:
            await asyncio.sleep(0.05)
            with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as cut:
                cut.shutdown(socket.SHUT_WR)
            await asyncio.sleep(0.2)
        return False

    return reply


def test_body_ends_where_the_other_side_says_so(run: Run, certificate: Certificate) -> None:
    async def work() -> list[RawAnswer]:
        async with serving(_ending(properly=True), tls=server_context(certificate)) as server:
            return await ask(server, certificate, b"")

    assert [answer.body for answer in run(work())] == [b"half of it"]


def test_body_that_the_wire_ends_is_lost(run: Run, certificate: Certificate) -> None:
    async def work() -> None:
        async with serving(_ending(properly=False), tls=server_context(certificate)) as server:
            with pytest.raises(WireLost) as lost:
                await ask(server, certificate, b"")
            assert lost.value.was_sent

    run(work())


def test_server_that_speaks_no_tls_was_sent_nothing(run: Run, certificate: Certificate) -> None:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    async def work() -> None:
        listening = await asyncio.start_server(refuse, "127.0.0.1", 0)
        async with listening:
            plain = ScriptedServer(port=listening.sockets[0].getsockname()[1])
            with pytest.raises(WireLost, match="TLS failed") as lost:
                await ask(plain, certificate, b"")
            assert not lost.value.was_sent

    run(work())
