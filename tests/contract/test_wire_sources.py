"""Sources of the lean HTTP path against a server on loopback: files with and without ranges, versions, HEAD; tags."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

import pytest

from ferry.domain.secret import Secret
from ferry.ports.blob_sides import UNKNOWN_SIZE, SourceSide, WireLost, WireRefused
from ferry.ports.storage import BlobItem
from tests.contract.scripted_server import Asked, Reply, Run, ScriptedServer, an_answer, answering, serving, wired

pytestmark = pytest.mark.emulators

CONTENT = b"0123456789"
MODIFIED = "Mon, 23 Nov 2026 09:48:46 GMT"


@dataclass
class WebFile:
    """A file of a web server. `heeds_ranges`: it answers 206; `tells_ranges`: it says so; `knows_head`: it has HEAD."""

    etag: str = '"v1"'
    modified: str = ""
    heeds_ranges: bool = True
    tells_ranges: bool = True
    tells_length: bool = True
    knows_head: bool = True
    content: bytes = CONTENT

    async def reply(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        """Answer as such a server does; it heeds no condition."""
        is_head = asked.line.startswith("HEAD")
        if is_head and not self.knows_head:
            writer.write(b"HTTP/1.1 405 Not Allowed\r\nContent-Length: 9\r\n\r\n")
            return True
        lines = "Content-Type: text/csv\r\n"
        lines += f"ETag: {self.etag}\r\n" if self.etag else ""
        lines += f"Last-Modified: {self.modified}\r\n" if self.modified else ""
        lines += "Accept-Ranges: bytes\r\n" if self.tells_ranges else ""
        status, body = "200 OK", self.content
        asked_range = asked.headers.get("range", "").removeprefix("bytes=")
        if asked_range and self.heeds_ranges and not is_head:
            first, last = (int(part) for part in asked_range.split("-"))
            status, body = "206 Partial Content", self.content[first : last + 1]
            lines += f"Content-Range: bytes {first}-{first + len(body) - 1}/{len(self.content)}\r\n"
        if self.tells_length:
            writer.write(f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode())
            writer.write(b"" if is_head else body)
        else:
            writer.write(f"HTTP/1.1 {status}\r\n{lines}Transfer-Encoding: chunked\r\n\r\n".encode())
            if not is_head:
                writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        await writer.drain()
        return True


async def with_file(
    file: WebFile, work: Callable[[SourceSide, BlobItem, ScriptedServer], Coroutine[Any, Any, Any]]
) -> Any:
    async with serving(file.reply) as server, wired() as sides:
        source = sides.source_at(Secret(f"http://127.0.0.1:{server.port}/f/a%20b.csv?x=1"))
        page = await source.list_page("", after=None)
        return await work(source, page.items[0], server)


async def all_of(source: SourceSide, item: BlobItem) -> bytes:
    async with source.stream(item) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize(
    ("file", "pin", "size_bytes", "reads_ranges"),
    [
        (WebFile(), '"v1"', 10, True),
        (WebFile(etag="", modified=MODIFIED), MODIFIED, 10, True),
        (WebFile(etag='W/"v1"'), 'W/"v1"', 10, False),
        (WebFile(etag=""), "", 10, False),
        (WebFile(tells_ranges=False, heeds_ranges=False), '"v1"', 10, False),
        (WebFile(tells_length=False), '"v1"', UNKNOWN_SIZE, False),
        (WebFile(knows_head=False), '"v1"', 10, True),
        (WebFile(knows_head=False, heeds_ranges=False, tells_ranges=False), '"v1"', 10, False),
    ],
)
def test_file_tells_its_version_its_size_and_how_it_is_read(
    run: Run, file: WebFile, pin: str, size_bytes: int, reads_ranges: bool
) -> None:
    async def work(source: SourceSide, item: BlobItem, server: ScriptedServer) -> tuple[SourceSide, BlobItem, bytes]:
        return source, item, await all_of(source, item)

    source, item, content = run(with_file(file, work))
    assert (item.name, item.etag, item.size_bytes) == ("a b.csv", pin, size_bytes)
    assert item.headers.content_type == "text/csv"
    assert (source.reads_ranges, content) == (reads_ranges, CONTENT)
    assert (source.url(item) is not None) is (pin in ('"v1"', MODIFIED))


@pytest.mark.parametrize("file", [WebFile(), WebFile(etag="", modified=MODIFIED)])
def test_range_of_a_file_is_pinned_by_a_condition(run: Run, file: WebFile) -> None:
    async def work(source: SourceSide, item: BlobItem, server: ScriptedServer) -> tuple[bytes, dict[str, str]]:
        return await source.read(item, 2, 3), server.asked[-1].headers

    content, headers = run(with_file(file, work))
    assert content == b"234"
    assert headers["range"] == "bytes=2-4"
    assert headers.get("if-match", headers.get("if-unmodified-since")) == (file.etag or MODIFIED)


@pytest.mark.parametrize(
    ("file", "changed"),
    [
        (WebFile(), {"etag": '"v2"'}),
        (WebFile(etag="", modified=MODIFIED), {"modified": "Mon, 23 Nov 2026 09:49:00 GMT"}),
    ],
)
def test_other_version_is_refused_though_the_server_heeds_no_condition(
    run: Run, file: WebFile, changed: dict[str, str]
) -> None:
    file = replace(file)

    async def work(source: SourceSide, item: BlobItem, server: ScriptedServer) -> list[int]:
        for name, value in changed.items():
            setattr(file, name, value)
        statuses: list[int] = []
        for ask in (lambda: source.read(item, 2, 3), lambda: all_of(source, item)):
            with pytest.raises(WireRefused) as caught:
                await ask()
            statuses.append(caught.value.answer.status)
        return statuses

    assert run(with_file(file, work)) == [412, 412]


@pytest.mark.parametrize("content", [CONTENT, b"x" * 3_000_000])
def test_server_that_ignores_ranges_is_found_out(run: Run, content: bytes) -> None:
    async def work(source: SourceSide, item: BlobItem, server: ScriptedServer) -> tuple[int, str]:
        with pytest.raises(WireRefused) as caught:
            await source.read(item, 2, 3)
        return caught.value.answer.status, caught.value.answer.code

    assert run(with_file(WebFile(heeds_ranges=False, content=content), work)) == (200, "RangeIgnored")


@pytest.mark.parametrize(
    "sent",
    [
        an_answer(200, CONTENT, etag='"v1"')[:-3],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n",
    ],
)
def test_body_with_fewer_bytes_than_were_said_is_lost(run: Run, sent: bytes) -> None:
    async def cut(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        writer.write(an_answer(200, etag='"v1"') if asked.line.startswith("HEAD") else sent)
        return asked.line.startswith("HEAD")

    async def work() -> None:
        async with serving(cut) as server, wired() as sides:
            source = sides.source_at(Secret(f"http://127.0.0.1:{server.port}/a"))
            item = BlobItem("a", 10, '"v1"')
            with pytest.raises(WireLost):
                await source.read(item, 0, 10)
            with pytest.raises(WireLost):
                await all_of(source, item)

    run(work())


def test_stream_that_is_not_read_holds_the_server_back(run: Run) -> None:
    sent = 0

    async def pour(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        nonlocal sent
        writer.transport.set_write_buffer_limits(64 * 1024)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 67108864\r\n\r\n")
        for _ in range(1024):
            writer.write(b"x" * 65536)
            await writer.drain()
            sent += 65536
        return True

    async def work() -> tuple[int, int, int]:
        async with serving(pour) as server, wired() as sides:
            source = sides.source_at(Secret(f"http://127.0.0.1:{server.port}/a"))
            received = 0
            async with source.stream(BlobItem("a", 67108864, "")) as chunks:
                received += len(await anext(chunks))
                await asyncio.sleep(0.3)
                held = sent
                async for chunk in chunks:
                    received += len(chunk)
            await all_of(source, BlobItem("a", 67108864, ""))
            return held, received, server.connections

    held, received, connections = run(work())
    # What the kernel's own buffers take is not ours to say; it is far less than the file.
    assert held < 33554432
    assert (received, connections) == (67108864, 1)


def listing(with_tags: int, without: int = 200) -> Reply:
    page = b"<EnumerationResults><Blobs></Blobs><NextMarker/></EnumerationResults>"

    async def reply(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        status = with_tags if "include=metadata,tags" in asked.line else without
        writer.write(an_answer(status, page) if status == 200 else an_answer(status))
        return True

    return reply


@pytest.mark.parametrize(
    ("sas", "with_tags", "asked_for"),
    [
        ("sp=rlt", 200, ["metadata,tags", "metadata,tags"]),
        ("sp=rlt", 403, ["metadata,tags", "metadata", "metadata"]),
        ("sp=rl", 403, ["metadata", "metadata"]),
        ("si=policy", 403, ["metadata,tags", "metadata", "metadata"]),
    ],
)
def test_tags_are_listed_where_they_may_be_and_asked_for_no_more_where_not(
    run: Run, sas: str, with_tags: int, asked_for: list[str]
) -> None:
    async def work() -> ScriptedServer:
        async with serving(listing(with_tags)) as server, wired() as sides:
            source = sides.source_at(Secret(f"{server.endpoint}/c?sv=1&sr=c&{sas}&sig=x"))
            for _ in range(2):
                await source.list_page("a/&ü", after="m=1", limit=7)
            return server

    lines = run(work()).lines
    assert [line.split("include=")[1].split("&")[0] for line in lines] == asked_for
    assert all("maxresults=7&prefix=a%2F%26%C3%BC&marker=m%3D1&sv=1&sr=c" in line for line in lines)


def test_listing_that_is_refused_anyhow_goes_on_asking_for_tags(run: Run) -> None:
    async def work() -> ScriptedServer:
        async with serving(listing(403, 403)) as server, wired() as sides:
            source = sides.source_at(Secret(f"{server.endpoint}/c?sv=1&sr=c&sp=rlt&sig=x"))
            for _ in range(2):
                with pytest.raises(WireRefused):
                    await source.list_page("", after=None)
            return server

    lines = run(work()).lines
    assert [("tags" in line) for line in lines] == [True, False, True, False]


def test_listing_that_is_none_is_lost(run: Run) -> None:
    async def work() -> None:
        async with serving(answering(an_answer(200, b"<html>hello</html>"))) as server, wired() as sides:
            source = sides.source_at(Secret(f"{server.endpoint}/c?sv=1&sr=c&sp=rl&sig=x"))
            with pytest.raises(WireLost, match="no listing"):
                await source.list_page("", after=None)

    run(work())


def test_tags_of_a_single_blob_are_asked_for_where_it_has_some(run: Run) -> None:
    tags = b"<Tags><TagSet><Tag><Key>k</Key><Value>v</Value></Tag></TagSet></Tags>"

    async def reply(asked: Asked, writer: asyncio.StreamWriter) -> bool:
        is_tags = "comp=tags" in asked.line
        writer.write(an_answer(200, tags) if is_tags else an_answer(200, etag='"1"', x_ms_tag_count="1"))
        return True

    async def work() -> tuple[BlobItem | None, BlobItem | None, ScriptedServer]:
        async with serving(reply) as server, wired() as sides:
            found = [
                await sides.source_at(Secret(f"{server.endpoint}/c/d/a?sv=1&sr=b&sp={letters}&sig=x")).head("d/a")
                for letters in ("rt", "r")
            ]
            return found[0], found[1], server

    with_tags, without, server = run(work())
    # Who may not read tags learns how many there are, so that they are told as not kept.
    assert without.hidden_tags == 1
    assert with_tags == replace(without, tags={"k": "v"}, hidden_tags=0)
    assert [line.split(" ")[0] for line in server.lines] == ["HEAD", "GET", "HEAD"]
