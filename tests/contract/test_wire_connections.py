"""Connections of the lean HTTP path against a server on loopback: kept, replaced, lost, cut off, slow."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_wire import pool as pool_module
from ferry.adapters.blob_wire.pool import Expected, OriginPool
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import CheckedUrl, EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.emulators.certificates import create_certificate
from ferry.ports.blob_sides import WireAnswer, WireLost
from ferry.ports.storage import BlobItem
from tests.contract.scripted_server import Asked, Run, ScriptedServer, an_answer, answering, serving, wired

pytestmark = pytest.mark.emulators

SAS = Secret("sv=2026-10-06&sr=c&sp=cw&sig=c2ln")
ITEM = BlobItem("a", 5, '"0x1"')
SOURCE = "https://source.blob.core.windows.net/c/a?sp=r&sig=c2ln"


async def put(sides: WireSides, endpoint: str, name: str = "a") -> WireAnswer:
    return await sides.destination(endpoint, "c", SAS).put_from_url(name, SOURCE, ITEM, overwrite=False)


def test_requests_one_after_another_share_a_connection(run: Run) -> None:
    async def work() -> ScriptedServer:
        async with serving(answering(an_answer())) as server, wired() as sides:
            for number in range(5):
                assert (await put(sides, server.endpoint, f"b{number}")).status == 201
            return server

    server = run(work())
    assert (server.connections, [line.split("?")[0] for line in server.lines]) == (
        1,
        [f"PUT /account/c/b{number}" for number in range(5)],
    )


def test_requests_at_once_have_a_connection_each_and_leave_them_to_later_ones(run: Run) -> None:
    async def work() -> ScriptedServer:
        async with serving(answering(an_answer())) as server, wired() as sides:
            for _ in range(2):
                await asyncio.gather(*(put(sides, server.endpoint, f"b{number}") for number in range(20)))
            return server

    server = run(work())
    assert (server.connections <= 20, len(server.asked)) == (True, 40)


def test_connection_closed_while_idle_is_replaced_and_nothing_is_sent_twice(run: Run) -> None:
    async def close(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(an_answer())
        return False

    async def work() -> ScriptedServer:
        async with serving(close) as server, wired() as sides:
            for _ in range(3):
                assert (await put(sides, server.endpoint)).status == 201
                await asyncio.sleep(0.05)
            return server

    server = run(work())
    assert [asked.connection for asked in server.asked] == [1, 2, 3]


def test_connection_that_looks_closed_after_a_while_is_not_used(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "_STALE_SECONDS", 0.0)
    went = asyncio.Event()

    async def speak_again(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(an_answer())
        if asked.connection == 1:
            await writer.drain()
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 408 Request Timeout\r\n\r\n")
        went.set()
        return True

    async def work() -> ScriptedServer:
        async with serving(speak_again) as server, wired() as sides:
            await put(sides, server.endpoint)
            await went.wait()
            assert (await put(sides, server.endpoint)).status == 201
            return server

    assert [asked.connection for asked in run(work()).asked] == [1, 2]


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"HTTP/1.1 201 Cre",
        b"HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\n12345",
        b"HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
        b"SMTP?\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 70_000 + b"\r\n\r\n",
    ],
)
def test_answer_that_does_not_come_whole_may_have_been_carried_out(run: Run, sent: bytes) -> None:
    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(sent)
        return False

    async def work() -> ScriptedServer:
        async with serving(cut) as server, wired() as sides:
            with pytest.raises(WireLost) as caught:
                await put(sides, server.endpoint)
            assert caught.value.was_sent
            assert "sig" not in str(caught.value)
            return server

    assert len(run(work()).asked) == 1


def test_request_lost_on_a_kept_connection_is_not_sent_again(run: Run) -> None:
    async def once(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if "/first" in asked.line:
            writer.write(an_answer())
            return True
        writer.transport.abort()
        return False

    async def work() -> ScriptedServer:
        async with serving(once) as server, wired() as sides:
            await put(sides, server.endpoint, "first")
            with pytest.raises(WireLost) as caught:
                await put(sides, server.endpoint, "second")
            assert caught.value.was_sent
            return server

    assert len(run(work()).asked) == 2


def test_nobody_at_the_port_was_sent_nothing(run: Run) -> None:
    async def work() -> None:
        async with serving(answering(an_answer())) as server:
            port = server.port
        async with wired() as sides:
            with pytest.raises(WireLost) as caught:
                await put(sides, f"http://127.0.0.1:{port}/account")
            assert not caught.value.was_sent

    run(work())


def test_interim_answers_are_passed_over_and_chunks_are_joined(run: Run) -> None:
    body = b"<Error><Code>ServerBusy</Code></Error>"
    sent = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 Busy\r\nTransfer-Encoding: chunked\r\nRetry-After: 1\r\n\r\n"
    sent += b"".join(f"{len(part):x}\r\n".encode() + part + b"\r\n" for part in (body[:7], body[7:])) + b"0\r\n\r\n"

    async def work() -> WireAnswer:
        async with serving(answering(sent)) as server, wired() as sides:
            await put(sides, server.endpoint)
            answer = await put(sides, server.endpoint)
            assert server.connections == 1
            return answer

    answer = run(work())
    assert (answer.status, answer.code, answer.headers["retry-after"], answer.body) == (503, "ServerBusy", "1", body)


def test_redirect_is_an_answer_and_nobody_goes_there(run: Run) -> None:
    async def work() -> tuple[WireAnswer, ScriptedServer]:
        async with serving(answering(an_answer(307, Location="http://127.0.0.1:1/"))) as server, wired() as sides:
            return await put(sides, server.endpoint), server

    answer, server = run(work())
    assert (answer.status, len(server.asked)) == (307, 1)


def test_early_answer_to_a_large_body_is_taken_and_the_rest_is_not_sent(run: Run) -> None:
    async def refuse(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(an_answer(403, x_ms_error_code="AuthenticationFailed"))
        await writer.drain()
        await asyncio.sleep(0.2)
        return False

    async def work() -> WireAnswer:
        async with serving(refuse, reads_bodies=False) as server, wired() as sides:
            destination = sides.destination(server.endpoint, "c", SAS)
            return await asyncio.wait_for(destination.put("a", b"x" * 64_000_000, ITEM, overwrite=False), 10)

    answer = run(work())
    assert (answer.status, answer.code) == (403, "AuthenticationFailed")


@pytest.mark.parametrize("size_bytes", [0, 1, 64 * 1024, 64 * 1024 + 1, 9_000_001])
def test_body_of_any_size_arrives_whole(run: Run, size_bytes: int) -> None:
    content = bytes(range(251)) * (size_bytes // 251 + 1)

    async def work() -> ScriptedServer:
        async with serving(answering(an_answer())) as server, wired() as sides:
            destination = sides.destination(server.endpoint, "c", SAS)
            for _ in range(2):
                assert (await destination.put("a", content[:size_bytes], ITEM, overwrite=True)).status == 201
            return server

    server = run(work())
    assert [asked.body == content[:size_bytes] for asked in server.asked] == [True, True]
    assert server.connections == 1


def test_answer_that_does_not_come_in_time_is_lost(run: Run) -> None:
    async def wait(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        await asyncio.sleep(30)
        return False

    async def work() -> WireLost:
        async with serving(wait) as server:
            pool = a_pool(server)
            with pytest.raises(WireLost) as caught:
                await pool.send(b"GET / HTTP/1.1\r\n\r\n", expected=Expected(seconds=0.05))
            return caught.value

    lost = run(work())
    assert (lost.was_sent, "too long" in str(lost)) == (True, True)


def test_answer_that_trickles_is_lost_all_the_same(run: Run) -> None:
    async def trickle(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nx: ")
        for _ in range(300):
            writer.write(b"y")
            await writer.drain()
            await asyncio.sleep(0.02)
        return False

    async def work() -> None:
        async with serving(trickle) as server:
            with pytest.raises(WireLost, match="too long"):
                await a_pool(server).send(b"GET / HTTP/1.1\r\n\r\n", expected=Expected(seconds=0.05))

    run(work())


def test_request_that_is_given_up_leaves_no_answer_to_the_next_one(run: Run) -> None:
    async def slow_first(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        if "/first" in asked.line:
            await asyncio.sleep(0.1)
        writer.write(an_answer(201, etag=asked.line.split("?")[0].rsplit("/", 1)[-1]))
        return True

    async def work() -> tuple[str, ScriptedServer]:
        async with serving(slow_first) as server, wired() as sides:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(put(sides, server.endpoint, "first"), 0.03)
            await asyncio.sleep(0.15)
            return (await put(sides, server.endpoint, "second")).headers["etag"], server

    etag, server = run(work())
    assert (etag, server.connections) == ("second", 2)


def test_request_that_is_given_up_ends_its_connection_at_once(run: Run) -> None:
    async def say_nothing(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        return True

    async def work() -> None:
        async with serving(say_nothing) as server, wired() as sides:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(put(sides, server.endpoint), 0.05)
            async with asyncio.timeout(2):
                while not server.ended:
                    await asyncio.sleep(0.01)

    run(work())


def test_loop_that_follows_another_opens_connections_of_its_own(run: Run) -> None:
    guard = EgressGuard([], allow_loopback=True)
    sides = WireSides(guard, BlobClients(), SystemClock())

    async def work() -> int:
        async with serving(answering(an_answer())) as server:
            status = (await put(sides, server.endpoint)).status
            await sides.close()
            return status

    assert [run(work()), run(work())] == [201, 201]


def test_host_is_resolved_once_and_keeps_its_name(run: Run) -> None:
    resolved: list[tuple[str, int]] = []

    def resolver(host: str, port: int) -> Sequence[str]:
        resolved.append((host, port))
        return ["127.0.0.1"]

    async def work() -> ScriptedServer:
        async with serving(answering(an_answer())) as server, wired(resolver=resolver) as sides:
            endpoint = f"http://blobs.localhost:{server.port}/account"
            await asyncio.gather(*(put(sides, endpoint, f"b{number}") for number in range(10)))
            return server

    server = run(work())
    assert resolved == [("blobs.localhost", server.port)]
    assert {asked.headers["host"] for asked in server.asked} == {f"blobs.localhost:{server.port}"}


def test_address_that_the_guard_forbids_is_never_connected_to(run: Run) -> None:
    def resolver(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"]

    async def work() -> tuple[FaultCode | str, FaultCode | str]:
        async with serving(answering(an_answer())) as server:
            async with wired(allow_loopback=False) as sides:
                with pytest.raises(EffectFailed) as at_opening:
                    await put(sides, server.endpoint)
            host = f"files.example:{server.port}"
            async with wired(allow_loopback=False, hosts=(host,), resolver=resolver) as sides:
                with pytest.raises(EffectFailed) as at_connecting:
                    await put(sides, f"https://{host}/account")
            assert server.connections == 0
            return at_opening.value.fault.code, at_connecting.value.fault.code

    assert run(work()) == (FaultCode.ADDRESS_FORBIDDEN, FaultCode.ADDRESS_FORBIDDEN)


def test_host_without_an_address_was_sent_nothing(run: Run) -> None:
    async def work() -> None:
        async with wired(hosts=("files.example",), resolver=lambda host, port: []) as sides:
            with pytest.raises(WireLost) as caught:
                await put(sides, "https://files.example/account")
            assert not caught.value.was_sent

    run(work())


def test_certificate_decides_whether_anything_is_sent(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = create_certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate.certificate_path, certificate.key_path)

    async def work() -> tuple[WireLost, WireAnswer, int]:
        async with serving(answering(an_answer()), tls=tls) as server:
            endpoint = server.endpoint.replace("http:", "https:")
            async with wired() as sides:
                with pytest.raises(WireLost) as caught:
                    await put(sides, endpoint)
            sent = len(server.asked)
            monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate.certificate_path))
            async with wired() as sides:
                return caught.value, await put(sides, endpoint), sent

    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    lost, answer, sent = run(work())
    assert (lost.was_sent, sent, answer.status) == (False, 0, 201)
    assert "TLS" in str(lost)


def test_sas_that_is_none_is_refused_before_anything_is_sent(run: Run) -> None:
    async def work() -> None:
        async with wired() as sides:
            with pytest.raises(EffectFailed) as caught:
                sides.destination("http://127.0.0.1:1/account", "c", Secret("sig=a HTTP/1.1\r\nx: y"))
            assert caught.value.fault.code == FaultCode.SAS_REFUSED

    run(work())


def test_small_copy_is_one_request_that_says_everything(run: Run) -> None:
    item = replace(ITEM, content_md5="bWQ1", tier="Cool", tags={"a b": "c&d"})
    with_tags = Secret("sv=2026-10-06&sr=c&sp=cwt&sig=c2ln")

    async def work() -> ScriptedServer:
        async with serving(answering(an_answer())) as server, wired() as sides:
            destination = sides.destination(server.endpoint, "c", with_tags)
            await destination.put_from_url("ü b", SOURCE, item, overwrite=False)
            await destination.put_from_url("a", SOURCE, ITEM, overwrite=True)
            await destination.put_from_url("a", SOURCE.replace("sp=r", "sp=rt"), ITEM, overwrite=True)
            await sides.destination(server.endpoint, "c", SAS).put_from_url("a", SOURCE, item, overwrite=True)
            return server

    asked = run(work()).asked
    assert asked[0].line == f"PUT /account/c/%C3%BC%20b?{with_tags.reveal()} HTTP/1.1"
    shown = {name: value for name, value in asked[0].headers.items() if name not in ("host", "user-agent")}
    assert shown == {
        "x-ms-version": "2026-10-06",
        "content-length": "0",
        "x-ms-blob-type": "BlockBlob",
        "x-ms-copy-source": SOURCE,
        "x-ms-source-if-match": '"0x1"',
        "x-ms-source-content-md5": "bWQ1",
        "x-ms-access-tier": "Cool",
        "x-ms-tags": "a%20b=c%26d",
        "if-none-match": "*",
    }
    assert not {"if-none-match", "x-ms-tags", "x-ms-copy-source-tag-option"} & set(asked[1].headers)
    assert asked[2].headers["x-ms-copy-source-tag-option"] == "COPY"
    assert not {"x-ms-tags", "x-ms-copy-source-tag-option"} & set(asked[3].headers)


@pytest.mark.parametrize(
    ("source_url", "item"),
    [
        (SOURCE + "\r\nx-ms-blob-type: PageBlob", ITEM),
        (SOURCE, replace(ITEM, etag='"1"\r\nx: y')),
        (SOURCE, replace(ITEM, tier="Hot\nx: y")),
        (SOURCE, replace(ITEM, content_md5="a\r\nb: c")),
        (SOURCE, replace(ITEM, size_bytes=5001 * 1024 * 1024)),
    ],
)
def test_copy_that_cannot_be_right_is_not_sent(run: Run, source_url: str, item: BlobItem) -> None:
    async def work() -> tuple[WireAnswer, int]:
        async with serving(answering(an_answer())) as server, wired() as sides:
            destination = sides.destination(server.endpoint, "c", SAS)
            return await destination.put_from_url("a", source_url, item, overwrite=False), len(server.asked)

    answer, sent = run(work())
    assert (answer.status in (400, 413), bool(answer.code), sent) == (True, True, 0)


def a_pool(server: ScriptedServer) -> OriginPool:
    origin = CheckedUrl("", "http", "127.0.0.1", server.port)
    return OriginPool(origin, EgressGuard([], allow_loopback=True), ssl.create_default_context)
