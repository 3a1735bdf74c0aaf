"""Copies pages through the engine: the one of a small flow, or one of many, each from the list that was made once."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from ferry.data_plane.copy_delivery import kept_list
from ferry.data_plane.copy_ends import STEP_WRITE, CopyEnds, CopyServices, Naming, not_in_force_yet
from ferry.data_plane.copying.engine import CopyStopped
from ferry.data_plane.copying.page import PageOrder, PageState, StagedBlob
from ferry.data_plane.sides import at_step
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, Json, JsonObject
from ferry.ports.copy_work import CopyWatch
from ferry.ports.storage import SourceBlob

_NEARLY = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWork:
    """Blobs of one page, and who is told how far it is (False from it: stop). See PageOrder for the rest."""

    blobs: tuple[SourceBlob, ...]
    state: PageState
    tell: Callable[[PageState], bool]
    blocks: range | None = None
    commits: bool = False
    was_begun: bool = False


def copy_blobs(services: CopyServices, ends: CopyEnds, work: PageWork) -> bool:
    """Copy for one slice; True when all is copied. Raises CopyStopped, EffectFailed of step 11.

    A SAS that is refused is read once more: it may have been renewed, and nothing that was refused was written.
    """
    options = services.options
    until, was_begun = time.monotonic() + options.slice_seconds, work.was_begun
    while True:
        with at_step(STEP_WRITE):
            order = PageOrder(
                blobs=work.blobs,
                source=ends.source,
                destination=ends.destination,
                until=until,
                blocks=work.blocks,
                commits=work.commits,
                was_begun=was_begun,
                takes_changes=options.takes_changes,
            )
            try:
                return services.engine.run(order, work.state, tell=work.tell, tell_seconds=options.tell_seconds)
            except EffectFailed as failed:
                if failed.fault.code != FaultCode.SAS_REFUSED:
                    raise
                if not ends.renew():
                    is_new = not work.state.done and ends.may_come_true(failed)
                    raise not_in_force_yet(failed) if is_new else failed from None
                was_begun = was_begun or work.state.may_have_written


@dataclass(slots=True)
class Heartbeat:
    """Keeps a checkpoint every few seconds, and asks in between whether the copy is still wanted."""

    services: CopyServices
    watch: CopyWatch
    checkpoint: Callable[[], JsonObject]
    before_save: Callable[[], bool] = lambda: True
    _save_at: float = field(default=0.0, init=False)
    _asked_at: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        options = self.services.options
        self._asked_at = self._now()
        # The first one is early: only it tells how long the store takes, and so how long the lease has to be.
        self._save_at = self._asked_at + min(options.first_heartbeat_seconds, options.heartbeat_seconds)

    def tell(self, state: PageState) -> bool:
        """Whether to go on. `before_save` is asked, too, each time that the checkpoint is kept."""
        del state
        now, options = self._now(), self.services.options
        if now >= self._save_at:
            self._asked_at, self._save_at = now, now + options.heartbeat_seconds
            return self.before_save() and self.watch.save(self.checkpoint())
        if now - self._asked_at < options.tell_seconds * _NEARLY:
            # What lasts a moment is not worth a read, and neither is the end right after another question.
            return True
        self._asked_at = now
        return self.watch.holds()

    def _now(self) -> float:
        return self.services.clock.now().timestamp()


class PageCopier:
    """Copies the pages of large copies, a slice at a time."""

    def __init__(self, services: CopyServices) -> None:
        self._services = services

    def run(self, page: CopyPage, flow: DataFlow, intent: Intent, *, watch: CopyWatch) -> JsonObject:
        """Copy for one slice, from `page.checkpoint` on.

        Gives `finished` with `report` (what was done in all) and `checkpoint`, else `checkpoint`, with `stopped` where
        the watch said so, or `waits` where other pages must be done first. Raises EffectFailed.
        """
        if page.commits and not _are_staged(page, flow):
            return {"finished": False, "waits": True}
        saved = page.checkpoint or {}
        state = PageState.from_json(cast("JsonObject | None", saved.get("page")))
        # The first attempt does not save that it begins: the lease says so, whose attempt is committed.
        is_begun = saved.get("begun") is True if page.checkpoint is not None else page.was_begun or intent.attempt > 1

        def checkpoint() -> JsonObject:
            return {"begun": is_begun, "page": state.to_json(), "done": list(_done(page, state))}

        beat = Heartbeat(self._services, watch, checkpoint)
        try:
            work = self._work(page, flow, state, beat, was_begun=is_begun)
            ends = CopyEnds(self._services, flow, {})
            ends.open()
            is_begun = True
            if page.checkpoint is not None and not work.was_begun and not watch.save(checkpoint()):
                # A checkpoint that says that nothing was begun must not outlast the beginning.
                raise CopyStopped
            try:
                finished = copy_blobs(self._services, ends, work)
            except EffectFailed:
                is_begun = work.was_begun or state.may_have_written
                raise
        except CopyStopped:
            return {"finished": False, "stopped": True, "checkpoint": checkpoint()}
        except EffectFailed as failed:
            if failed.fault.retryable:
                watch.save(checkpoint())
            raise
        return {"finished": finished, "checkpoint": checkpoint(), "report": _report(page, state)}

    def _work(self, page: CopyPage, flow: DataFlow, state: PageState, beat: Heartbeat, *, was_begun: bool) -> PageWork:
        listed = kept_list(self._services, flow, page.listing)
        naming = Naming.of(flow.target, listed, is_first=page.listing == 0)
        blobs = tuple(SourceBlob(it, naming.target_name(it)) for it in listed.items[page.first : page.last])
        blocks = None
        if page.first_block is not None and page.last_block is not None:
            blocks = range(page.first_block, page.last_block)
        if page.commits and not state.staged:
            state.staged |= self._staged(page)
        return PageWork(
            blobs=blobs, state=state, tell=beat.tell, blocks=blocks, commits=page.commits, was_begun=was_begun
        )

    def _staged(self, page: CopyPage) -> dict[int, StagedBlob]:
        """What the pages before this one have staged of its blob, together."""
        merged: StagedBlob | None = None
        for number in range(page.waits_from, page.number):
            part = self._services.desk.load(page.flow_id, number)
            saved = (part.checkpoint or {}).get("page") if part else None
            state = PageState.from_json(saved if isinstance(saved, dict) else None)
            staged = state.staged.get(0)
            if staged is None or (merged and (merged.etag, merged.block_bytes) != (staged.etag, staged.block_bytes)):
                # The service knows what was staged; without a common layout the engine asks it.
                return {}
            merged = merged or StagedBlob(staged.etag, staged.block_bytes)
            merged.blocks |= staged.blocks
        return {0: merged} if merged else {}


def _report(page: CopyPage, state: PageState) -> JsonObject:
    """What a page has done, for its flow."""
    blobs, size_bytes = _done(page, state)
    methods: dict[str, Json] = dict(state.methods)
    not_kept: dict[str, Json] = dict(state.not_kept)
    changes = bool(state.changed)
    return {"blobs": blobs, "bytes": size_bytes, "methods": methods, "notKept": not_kept, "changes": changes}


def _are_staged(page: CopyPage, flow: DataFlow) -> bool:
    pages = flow.pages
    return pages is not None and all(pages.is_done(number) for number in range(page.waits_from, page.number))


def _done(page: CopyPage, state: PageState) -> tuple[int, int]:
    """Blobs and bytes that this page adds to what is done: of a shared blob the bytes count with the blocks."""
    if page.commits:
        return len(state.done), 0
    return (0 if page.first_block is not None else len(state.done)), state.bytes_done
