"""Copies all pages of a source: the next is listed while several are copied; memory does not grow with the names."""

import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait

from ferry.cli.blobs.addresses import StorageAddress
from ferry.cli.blobs.copy_ledger import CopyLedger, PageEntry
from ferry.cli.blobs.copy_plan import CopyPlan
from ferry.cli.blobs.reads import tried
from ferry.cli.blobs.there_already import Likeness, ThereAlready, likeness
from ferry.cli.moved import Moved, Shown
from ferry.data_plane.copying.engine import CopyEngine, CopyStopped
from ferry.data_plane.copying.failures import destination_exists
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.ports.blob_sides import DestinationSide, SourceSide
from ferry.ports.storage import BlobPage, SourceBlob

PAGE_BLOBS = 5000
MOST_PAGES = 8
MOST_BLOBS = 2 * PAGE_BLOBS
MOST_KEPT_PAGES = 64
_SHOW_SECONDS = 0.25
# The engine wants an end; a page that is not done by then goes on.
_SLICE_SECONDS = 86400.0


class CopyPages:
    """One copy. `run` may be called once."""

    def __init__(
        self,
        plan: CopyPlan,
        *,
        engine: CopyEngine,
        source: SourceSide,
        destination: DestinationSide,
        ledger: CopyLedger,
        shown: Shown,
        page_blobs: int = PAGE_BLOBS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._plan = plan
        self._engine = engine
        self._source = source
        self._destination = destination
        self._ledger = ledger
        self._shown = shown
        self._page_blobs = page_blobs
        self._clock = clock
        self._is_stopped = False
        self._running: dict[Future[None], int] = {}
        self._known = Counter[str]()
        self._speed = Speed(clock)
        self.peak_pages = 0

    def run(self) -> None:
        """Copy everything. Raises EffectFailed, WireRefused, WireLost; whatever it raises, the ledger is right."""
        with ThreadPoolExecutor(MOST_PAGES, "ferry-page") as pool:
            try:
                self._list_and_copy(pool)
                while self._running:
                    self._wait()
            except BaseException:
                # The others account for what they have under way; leaving the pool waits for that.
                self._is_stopped = True
                raise
        self._show()

    def _list_and_copy(self, pool: ThreadPoolExecutor) -> None:
        there = ThereAlready(self._list_destination) if self._asks_destination else None
        after = self._ledger.after
        while not self._ledger.is_over:
            page = self._list_source(after)
            blobs, likenesses = self._left(self._plan.blobs(page.items), there)
            # The page is at hand when there is room for it: nobody who copies waits for a list.
            while self._running and not self._has_room():
                self._wait()
            entry = self._ledger.begin(after, blobs, page.next_marker, likenesses)
            self._known.update(blobs=len(blobs), bytes=sum(max(0, blob.item.size_bytes) for blob in blobs))
            if entry.is_done or not blobs:
                self._ledger.end(entry)
            else:
                self._running[pool.submit(self._copy, entry, blobs)] = len(blobs)
                self.peak_pages = max(self.peak_pages, len(self._running))
            after = page.next_marker
            if after is None:
                self._known["is_all"] = 1
                return

    def _has_room(self) -> bool:
        """Whether one more page may be begun; none while a slow one holds up the account of all behind it."""
        is_busy = len(self._running) >= MOST_PAGES or sum(self._running.values()) >= MOST_BLOBS
        return not is_busy and self._ledger.kept_count < MOST_KEPT_PAGES

    @property
    def _asks_destination(self) -> bool:
        """What is to be written over needs no look."""
        return self._plan.may_list_destination and not self._plan.overwrite

    def _left(
        self, blobs: tuple[SourceBlob, ...], there: ThereAlready | None
    ) -> tuple[tuple[SourceBlob, ...], Counter[Likeness]]:
        """Those that are not at the destination yet. Raises EffectFailed DESTINATION_EXISTS for another one."""
        kinds = Counter[Likeness]()
        if there is None:
            return blobs, kinds
        found = there.among(blobs)
        if not found:
            return blobs, kinds
        for blob in blobs:
            item = found.get(blob.target_name)
            if item is not None:
                kind = likeness(blob.item, item)
                if kind is Likeness.OTHER:
                    raise destination_exists(blob)
                kinds[kind] += 1
        return tuple(blob for blob in blobs if blob.target_name not in found), kinds

    def _copy(self, entry: PageEntry, blobs: tuple[SourceBlob, ...]) -> None:
        """One page, to its end. Runs in a thread of its own."""
        state = entry.state.copy()

        def tell(reached: PageState) -> bool:
            self._ledger.told(entry, reached)
            return not self._is_stopped

        is_done = False
        while not is_done:
            order = PageOrder(
                blobs=blobs,
                source=self._source,
                destination=self._destination,
                until=time.monotonic() + _SLICE_SECONDS,
                was_begun=entry.was_begun,
                overwrite=self._plan.overwrite,
                takes_changes=self._plan.takes_changes,
                may_list=self._plan.may_list_destination,
            )
            try:
                is_done = self._engine.run(order, state, tell=tell, tell_seconds=_SHOW_SECONDS)
            except CopyStopped:
                return
            entry.was_begun = True
        self._ledger.end(entry)

    def _wait(self) -> None:
        """Until a page is done, or it is time to show how far it is. Raises what a page has raised."""
        done, _ = wait(self._running, timeout=_SHOW_SECONDS, return_when=FIRST_COMPLETED)
        for future in done:
            del self._running[future]
            future.result()
        self._show()

    def _show(self) -> None:
        totals = self._ledger.totals()
        is_all = bool(self._known["is_all"])
        rates = self._speed.of(totals.blobs, totals.size_bytes)
        left = self._known["bytes"] - totals.size_bytes
        self._shown.show(
            Moved(
                blobs=totals.blobs,
                size_bytes=totals.size_bytes,
                blobs_total=max(self._known["blobs"], totals.blobs) if is_all else None,
                bytes_total=max(self._known["bytes"], totals.size_bytes) if is_all else None,
                blobs_per_second=rates[0],
                bytes_per_second=rates[1],
                eta_seconds=left / rates[1] if is_all and rates[1] and left > 0 else None,
            )
        )

    def _list_source(self, after: str | None) -> BlobPage:
        source, plan = self._source, self._plan
        if isinstance(plan.source, StorageAddress) and plan.is_single:
            # A SAS for one blob does not list.
            item = self._engine.call(tried(lambda: source.head(plan.prefix)))
            return BlobPage(() if item is None else (item,))
        return self._engine.call(tried(lambda: source.list_page(plan.prefix, after=after, limit=self._page_blobs)))

    def _list_destination(self, after: str | None) -> BlobPage:
        prefix = self._plan.target_prefix
        return self._engine.call(
            tried(lambda: self._destination.list_page(prefix, after=after, limit=self._page_blobs))
        )


class Speed:
    """Blobs and bytes each second, over the last seconds."""

    _SPAN_SECONDS = 10.0
    _SHORTEST_SECONDS = 0.5

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._seen: list[tuple[float, int, int]] = []

    def of(self, blobs: int, size_bytes: int) -> tuple[float | None, float | None]:
        """The rates now; None while it is too early to say."""
        now = self._clock()
        self._seen.append((now, blobs, size_bytes))
        while len(self._seen) > 2 and now - self._seen[1][0] >= self._SPAN_SECONDS:
            del self._seen[0]
        at, first_blobs, first_bytes = self._seen[0]
        seconds = now - at
        if seconds < self._SHORTEST_SECONDS:
            return None, None
        return (blobs - first_blobs) / seconds, (size_bytes - first_bytes) / seconds
