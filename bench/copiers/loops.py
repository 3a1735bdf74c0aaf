"""The shortest programs that could do it: what the service allows when a client costs next to nothing.

`python -m bench.copiers.loops WAY SOURCE DESTINATION`: `from-url` sends a Put Blob From URL for each, 16 at once;
`through` reads every blob and then writes every blob (8 MiB ranges, blocks with their MD5), which is what a copy that
streams cannot do without.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import uvloop

from bench.copiers.copier import Copier, Start, Task
from bench.copiers.plain import Address, Lines, Listed, Part, address, each, listed, parts_of, uploaded

FROM_URL, THROUGH = "from-url loop", "GET + PUT"
_BLOBS_AT_ONCE, _PARTS_AT_ONCE = 16, 8


def loop(way: str) -> Copier:
    """One of the loops, as a program."""

    def start(task: Task, folder: Path) -> Start:
        del folder
        command = [sys.executable, "-m", "bench.copiers.loops", way, task.source_url, task.destination_url]
        return Start(command, dict(task.trust))

    return Copier(way, "", start)


async def _run(way: str, source_url: str, destination_url: str) -> None:
    source, destination = address(source_url), address(destination_url)
    reading, writing = Lines(source), Lines(destination)
    blobs = [it async for it in listed(reading, source)]
    if way == FROM_URL:
        base = source_url.partition("?")[0]

        async def copy(blob: Listed) -> None:
            read = f"x-ms-copy-source: {base}/{quote(blob.name)}?{source.sas}\r\n"
            await writing.ask("PUT", destination.blob(blob.name), f"x-ms-blob-type: BlockBlob\r\n{read}")

        await each(_BLOBS_AT_ONCE, blobs, copy)
    else:
        held = await _read(reading, source, blobs)

        async def write(blob: Listed) -> None:
            await uploaded(writing, destination.blob(blob.name), blob.size_bytes, lambda it: held[it.size_bytes])

        await each(_BLOBS_AT_ONCE, blobs, write)


async def _read(reading: Lines, source: Address, blobs: Sequence[Listed]) -> dict[int, bytes]:
    """Read all; of each size of a range one is kept, to be written in the place of all of its size."""
    held: dict[int, bytes] = {}

    async def read(blob: Listed) -> None:
        async def part(it: Part) -> None:
            held[it.size_bytes] = await reading.ask("GET", source.blob(blob.name), it.range if blob.size_bytes else "")

        await each(_PARTS_AT_ONCE, parts_of(blob.size_bytes), part)

    await each(_BLOBS_AT_ONCE, blobs, read)
    return held


if __name__ == "__main__":
    uvloop.run(_run(*sys.argv[1:]))
