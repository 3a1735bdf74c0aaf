"""CopyRunner: one data flow from the secrets in the vault to the marker (steps 8-12), in slices that can be resumed.

What fits into one page is copied at once, and nothing is written down but the flow. More of it, or a very large blob,
is shared among workers: the flow lists, begins pages, waits for them, and writes the marker when all are done.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from ferry.data_plane.copy_cursor import CopyCheckpoint, Cursor
from ferry.data_plane.copy_delivery import Delivered, cuts_of, deliver, deliver_pages, kept_list
from ferry.data_plane.copy_ends import STEP_WRITE, CopyEnds, CopyServices, Naming, marker_taken
from ferry.data_plane.copy_page import Heartbeat, PageWork, copy_blobs
from ferry.data_plane.copying.engine import CopyStopped
from ferry.data_plane.copying.page import PageState
from ferry.data_plane.listed_page import Cut, decode, encode
from ferry.data_plane.manifest import DeliveryTally
from ferry.domain.copy_page import CopyPage, CopyPageState, copy_page_id
from ferry.domain.data_flow import DataFlow, FlowPages
from ferry.domain.faults import EffectFailed
from ferry.domain.process import Intent, JsonObject
from ferry.ports.copy_work import CopyWatch
from ferry.ports.storage import BlobPage, SourceBlob

# How long a page may wait for a worker before it is called for again: its first call may be lost.
_RING_SECONDS = 60.0


class CopyRunner:
    """Copies data flows. One per process: it holds what all copies of the process share."""

    def __init__(self, services: CopyServices) -> None:
        self._services = services

    def run(self, flow: DataFlow, intent: Intent, *, watch: CopyWatch) -> JsonObject:
        """Copy for one slice, from `flow.checkpoint` on.

        Gives `finished` with `summary` and `steps`, else `checkpoint`, with `stopped` where the watch said so, or
        `waits` where pages are under way. Raises EffectFailed with the code of the side and the step.
        """
        checkpoint = CopyCheckpoint.from_json(flow.checkpoint)
        if flow.checkpoint is None and intent.attempt > 1:
            # Whoever had the lease before may have begun, which is not saved while it is new.
            checkpoint.begun = True
        slice_ = _Slice(self._services, flow, checkpoint, watch)
        try:
            return slice_.run()
        except CopyStopped:
            return {"finished": False, "stopped": True, "checkpoint": slice_.saved()}
        except EffectFailed as failed:
            if failed.fault.retryable:
                # Also that nothing was begun: a later attempt must not take for its own what others have put there.
                watch.save(slice_.saved())
            raise


class _Slice:
    """One slice of one flow."""

    def __init__(self, services: CopyServices, flow: DataFlow, checkpoint: CopyCheckpoint, watch: CopyWatch) -> None:
        self._services = services
        self._flow = flow
        self._checkpoint = checkpoint
        self._watch = watch
        self._ends = CopyEnds(services, flow, checkpoint.steps)
        self._listed: BlobPage | None = None

    def run(self) -> JsonObject:
        """Do what is next."""
        cursor = self._checkpoint.cursor
        if cursor is None:
            self._ends.open()
            listed = self._kept() if self._checkpoint.is_kept else self._ends.list_page(None)
            if listed.next_marker is None and len(self._cuts(listed)) == 1:
                return self._copy(listed)
            self._refuse_marker_name()
            cursor = self._checkpoint.cursor = Cursor()
            return self._list(cursor, listed)
        pages = self._flow.pages or FlowPages(begun=cursor.pages)
        if pages.are_done:
            return deliver_pages(self._services, self._ends, self._flow, self._checkpoint, self._watch)
        if not cursor.is_listed and pages.room:
            return self._list(cursor, None)
        self._look_after(pages)
        return self._waits()

    def saved(self) -> JsonObject:
        """The checkpoint as it is saved, with what is done and how much there is."""
        if self._checkpoint.cursor is None and self._checkpoint.state != PageState():
            self._keep()
        saved = self._checkpoint.to_json()
        if self._checkpoint.cursor is None and self._listed is not None:
            state = self._checkpoint.state
            size_bytes = sum(item.size_bytes for item in self._listed.items)
            saved |= {
                "total": [len(self._listed.items), size_bytes],
                "done": [len(state.done), state.bytes_done + _staged_bytes(self._listed, state)],
                "listed": True,
            }
        return saved

    # --- what fits into one page --------------------------------------------------------------------------------

    def _copy(self, listed: BlobPage) -> JsonObject:
        self._listed = listed
        naming = Naming.of(self._flow.target, listed, is_first=True)
        blobs = tuple(SourceBlob(item, naming.target_name(item)) for item in listed.items)
        if any(blob.target_name == self._flow.target.marker for blob in blobs):
            raise marker_taken(self._flow.target.marker)
        was_begun, self._checkpoint.begun = self._checkpoint.begun, True
        if self._flow.checkpoint is not None and not was_begun and not self._watch.save(self.saved()):
            # A checkpoint that says that nothing was begun must not outlast the beginning.
            raise CopyStopped
        beat = Heartbeat(self._services, self._watch, self.saved, before_save=self._keep)
        state = self._checkpoint.state
        work = PageWork(blobs=blobs, state=state, tell=beat.tell, was_begun=was_begun)
        try:
            is_copied = copy_blobs(self._services, self._ends, work)
        except EffectFailed:
            self._checkpoint.begun = was_begun or state.may_have_written
            raise
        if not is_copied:
            return {"finished": False, "stopped": not self._keep(), "checkpoint": self.saved()}
        self._ends.note(STEP_WRITE)
        delivered = Delivered(_tally(blobs, state), methods=dict(state.methods), not_kept=dict(state.not_kept))
        return deliver(self._services, self._ends, self._flow, delivered)

    def _keep(self) -> bool:
        """Whether a later slice works on the same list: it is kept once the copy lasts longer than a moment."""
        if self._checkpoint.is_kept or self._listed is None:
            return True
        mine = encode(self._listed)
        kept = self._services.manifests.keep(self._flow.id, 0, mine)
        self._checkpoint.is_kept = True
        if kept != mine:
            # An earlier attempt has made another list; what is done is not told in its terms.
            self._checkpoint.state, self._listed = PageState(), None
        return kept == mine

    def _kept(self) -> BlobPage:
        return kept_list(self._services, self._flow, 0)

    # --- what is shared -----------------------------------------------------------------------------------------

    def _list(self, cursor: Cursor, first: BlobPage | None) -> JsonObject:
        """List, keep what was listed, begin pages, as long as there is room for them and time."""
        began_at = self._services.clock.now()
        room = (self._flow.pages or FlowPages()).room
        while room > 0 and not cursor.is_listed:
            listed, content = self._next_listed(cursor, first)
            first = None
            cuts = self._cuts(listed)
            batch = cuts[cursor.cut : cursor.cut + room]
            self._services.desk.begin(self._pages(cursor, cuts, batch))
            if content is not None:
                self._count(cursor, listed, content)
            room -= len(batch)
            cursor.pages += len(batch)
            cursor.cut += len(batch)
            if cursor.cut >= len(cuts):
                cursor.cut, cursor.after, cursor.listing = 0, listed.next_marker, cursor.listing + 1
                cursor.is_listed = listed.next_marker is None
            if not self._watch.save(self.saved()):
                raise CopyStopped
            if (self._services.clock.now() - began_at).total_seconds() >= self._services.options.slice_seconds:
                return {"finished": False, "checkpoint": self.saved()}
        return self._waits()

    def _next_listed(self, cursor: Cursor, first: BlobPage | None) -> tuple[BlobPage, bytes | None]:
        """The listed page that is next: kept already, or listed now, and kept; what is kept is the truth."""
        if cursor.cut > 0:
            return kept_list(self._services, self._flow, cursor.listing), None
        page = first or self._ends.list_page(cursor.after)
        content = self._services.manifests.keep(self._flow.id, cursor.listing, encode(page))
        return decode(content), content

    def _count(self, cursor: Cursor, listed: BlobPage, content: bytes) -> None:
        """Behind the last thing that can fail: what fails is listed again, and must not be counted twice."""
        naming = Naming.of(self._flow.target, listed, is_first=cursor.listing == 0)
        for item in listed.items:
            cursor.tally.add(naming.target_name(item), item.size_bytes)
        cursor.add_hash(hashlib.sha256(content).hexdigest())

    def _pages(self, cursor: Cursor, cuts: Sequence[Cut], batch: Sequence[Cut]) -> list[CopyPage]:
        now, flow = self._services.clock.now(), self._flow
        return [
            CopyPage(
                id=copy_page_id(flow.id, number),
                created_at=now,
                state_at=now,
                state=CopyPageState.COPYING,
                flow_id=flow.id,
                number=number,
                listing=cursor.listing,
                first=it.first,
                last=it.last,
                first_block=it.blocks.start if it.blocks is not None else None,
                last_block=it.blocks.stop if it.blocks is not None else None,
                commits=it.commits,
                waits_from=number - it.siblings,
                was_begun=self._checkpoint.begun,
                trace_parent=flow.trace_parent,
            )
            for number, it in enumerate(batch, cursor.pages)
        ]

    def _look_after(self, pages: FlowPages) -> None:
        """Call for the pages that nobody is at; for those that nobody has begun only now and then."""
        now = self._services.clock.now()
        rung_at = self._checkpoint.rung_at
        is_due = not rung_at or (now - datetime.fromisoformat(rung_at)).total_seconds() >= _RING_SECONDS
        if is_due:
            self._checkpoint.rung_at = now.isoformat()
        self._services.desk.look_after(self._flow.id, pages.open_numbers, unbegun=is_due and bool(rung_at))

    def _waits(self) -> JsonObject:
        return {"finished": False, "waits": True, "checkpoint": self.saved()}

    def _cuts(self, listed: BlobPage) -> list[Cut]:
        return cuts_of(self._services, listed)

    def _refuse_marker_name(self) -> None:
        """Raise EffectFailed MARKER_NAME_TAKEN if a blob will land on the marker's name."""
        target = self._flow.target
        if target.marker.startswith(target.folder) and self._ends.holds(target.marker.removeprefix(target.folder)):
            raise marker_taken(target.marker)


def _staged_bytes(listed: BlobPage, state: PageState) -> int:
    """What is there of blobs that are not whole yet; a copy of one large blob would else show nothing until its end."""
    return sum(
        min(len(staged.blocks) * staged.block_bytes, listed.items[index].size_bytes)
        for index, staged in state.staged.items()
        if index not in state.done
    )


def _tally(blobs: Sequence[SourceBlob], state: PageState) -> DeliveryTally:
    """What was delivered, with the sizes of the versions that were."""
    tally = DeliveryTally()
    for index, blob in enumerate(blobs):
        tally.add(blob.target_name, state.changed.get(index, blob.item.size_bytes))
    return tally
