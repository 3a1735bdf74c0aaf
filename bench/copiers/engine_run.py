"""The copy engine by itself, as a program: lists a container and copies its pages, with checkpoints in a file.

    python -m bench.copiers.engine_run SOURCE DESTINATION [--stream] [--may-list] [--checkpoint FILE]
        [--takes-changes] [--page-blobs 5000] [--window 512] [--worker 1/4]

With a checkpoint a run that was killed is gone on with. Several workers share the pages, each every so many-th.
"""

import argparse
import json
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ferry.cli.blobs.addresses import AddressReader
from ferry.cli.blobs.sides import command_sides
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.domain.faults import EffectFailed
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import BlobSides, DestinationSide, SourceSide
from ferry.ports.storage import BlobItem, BlobPage, SourceBlob

if TYPE_CHECKING:
    from ferry.domain.process import JsonObject

_PAGES_AT_ONCE = 2
_SLICE_SECONDS = 240.0
_TELL_SECONDS = 0.2


class Unreadable:
    """A side of which the destination's service is given no addresses, so that the bytes pass through here."""

    def __init__(self, side: SourceSide) -> None:
        self._side = side

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the side has
        return getattr(self._side, name)

    def url(self, item: BlobItem) -> Secret | None:
        """None, for every blob."""
        del item
        return None


class Checkpoints:
    """The states of pages in a file, each replaced as a whole; without a file nothing is kept."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self.was_begun = path is not None and path.exists()
        self._pages: dict[str, JsonObject] = json.loads(path.read_text()) if path and self.was_begun else {}
        self._save()

    def state(self, number: int) -> PageState:
        """Where a page stands."""
        return PageState.from_json(cast("Mapping[str, object] | None", self._pages.get(str(number))))

    def keep(self, number: int, state: PageState) -> bool:
        """Keep it. Always to go on."""
        with self._lock:
            self._pages[str(number)] = state.to_json()
            self._save()
        return True

    def _save(self) -> None:
        if self._path is not None:
            fresh = self._path.with_suffix(".new")
            fresh.write_text(json.dumps(self._pages))
            fresh.replace(self._path)


class Run:
    """One run."""

    def __init__(self, asked: argparse.Namespace, engine: CopyEngine, sides: BlobSides) -> None:
        self._asked = asked
        self._engine = engine
        source: Any = sides.source_at(Secret(asked.source))
        self._source = cast("SourceSide", Unreadable(source) if asked.stream else source)
        self._destination = _destination(sides, asked.destination)
        self._checkpoints = Checkpoints(asked.checkpoint)

    def copy(self) -> None:
        """Copy every page that is this worker's. Raises EffectFailed."""
        first, workers = (int(it) for it in self._asked.worker.split("/"))
        with ThreadPoolExecutor(_PAGES_AT_ONCE) as pool:
            under_way = [
                pool.submit(self._copy_page, number, page)
                for number, page in self._pages()
                if number % workers == first - 1
            ]
            for it in under_way:
                it.result()

    def _pages(self) -> Iterator[tuple[int, BlobPage]]:
        after, number = None, 0
        while True:
            page = self._engine.call(self._listed(after))
            yield number, page
            after, number = page.next_marker, number + 1
            if after is None:
                return

    async def _listed(self, after: str | None) -> BlobPage:
        return await self._source.list_page("", after=after, limit=self._asked.page_blobs)

    def _copy_page(self, number: int, page: BlobPage) -> None:
        state, was_begun = self._checkpoints.state(number), self._checkpoints.was_begun
        blobs = tuple(SourceBlob(item, item.name) for item in page.items)
        is_done = len(state.done) == len(blobs)
        while not is_done:
            order = PageOrder(
                blobs=blobs,
                source=self._source,
                destination=self._destination,
                until=time.monotonic() + _SLICE_SECONDS,
                was_begun=was_begun,
                takes_changes=self._asked.takes_changes,
                may_list=self._asked.may_list,
            )
            is_done = self._engine.run(
                order, state, tell=lambda it: self._checkpoints.keep(number, it), tell_seconds=_TELL_SECONDS
            )
            was_begun = True


def _destination(sides: BlobSides, url: str) -> DestinationSide:
    base, _, sas = url.partition("?")
    endpoint, _, container = base.rpartition("/")
    return sides.destination(endpoint, container, Secret(sas))


def main(arguments: Sequence[str]) -> int:
    """Copy; exit code 1 with the fault on standard error."""
    parser = argparse.ArgumentParser(prog="python -m bench.copiers.engine_run")
    parser.add_argument("source")
    parser.add_argument("destination")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--may-list", action="store_true")
    parser.add_argument("--takes-changes", action="store_true")
    parser.add_argument("--checkpoint", type=Path)
    parser.add_argument("--page-blobs", type=int, default=5000)
    parser.add_argument("--window", type=int, default=EngineOptions().window_cap, help="requests at once")
    parser.add_argument("--worker", default="1/1", metavar="NUMBER/OF")
    asked = parser.parse_args(arguments)
    reader = AddressReader()
    sides = command_sides(*(reader.storage(it, "A container") for it in (asked.source, asked.destination)))
    engine = CopyEngine(EngineOptions(window_cap=asked.window), at_close=sides.close)
    try:
        Run(asked, engine, sides).copy()
    except EffectFailed as failed:
        print(failed, file=sys.stderr)
        return 1
    finally:
        engine.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
