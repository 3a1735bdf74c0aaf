"""Runs copies under their leases (steps 8-12): the one of a flow, and the pages that a large one is shared as."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from ferry.control_plane import flow_decisions, page_decisions
from ferry.control_plane.engine import Engine, Handled
from ferry.domain.copy_page import CopyPage, CopyPageState, copy_page_id
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, PageReport
from ferry.domain.faults import AlreadyExists, EffectFailed, NotFound
from ferry.domain.process import Intent, Json, JsonObject, backoff
from ferry.domain.states import FlowState
from ferry.ports.clock import Clock
from ferry.ports.copy_work import CopyWatch
from ferry.ports.work import Lane, LookMessage, TaskQueue

# How often a page that takes long tells its flow how far it is.
TELL_SECONDS = 10.0


class CopyRunner(Protocol):
    """Copies a flow, a slice at a time."""

    def run(self, flow: DataFlow, intent: Intent, *, watch: CopyWatch) -> JsonObject:
        """Copy until done or the slice is over; `watch` keeps checkpoints and says whether to go on."""
        ...


class PageRunner(Protocol):
    """Copies a page of a flow, a slice at a time."""

    def run(self, page: CopyPage, flow: DataFlow, intent: Intent, *, watch: CopyWatch) -> JsonObject:
        """Copy until done or the slice is over; `watch` keeps checkpoints and says whether to go on."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """Runs the COPY intent of a flow, and commits its checkpoints, which extend the lease."""

    runner: CopyRunner
    engine: Callable[[], Engine[DataFlow]]

    def copy(self, flow: DataFlow, intent: Intent) -> JsonObject:
        """Copy a slice."""
        watch = _FlowWatch(self.engine(), flow.id, intent.attempt)
        return {**self.runner.run(flow, intent, watch=watch), "attempt": intent.attempt}


@dataclass(slots=True)
class _Slowness:
    """How long the store of processes has taken to answer this worker, at most."""

    clock: Clock
    slowest_seconds: float = 0.0

    def timed(self, ask: Callable[[], bool]) -> bool:
        """Ask, and remember how long that took."""
        began_at = self.clock.now()
        try:
            return ask()
        finally:
            self.slowest_seconds = max(self.slowest_seconds, (self.clock.now() - began_at).total_seconds())


class _FlowWatch:
    """A flow whose copy is out (ports.CopyWatch)."""

    def __init__(self, engine: Engine[DataFlow], flow_id: str, attempt: int) -> None:
        self._engine = engine
        self._flow_id = flow_id
        self._attempt = attempt
        self._slowness = _Slowness(engine.clock)

    def save(self, checkpoint: JsonObject) -> bool:
        """Commit it. False when the flow has ended or stands still, or somebody else has taken it over."""
        moment, slowest = self._engine.moment(), self._slowness.slowest_seconds

        def progressed(flow: DataFlow) -> DataFlow | None:
            return flow_decisions.progressed(flow, self._attempt, checkpoint, moment, slowest_seconds=slowest)

        return self._slowness.timed(lambda: self._engine.amend(self._flow_id, progressed))

    def holds(self) -> bool:
        """Whether it is still this attempt's; one read."""
        return self._slowness.timed(lambda: flow_decisions.is_held(self._engine.load(self._flow_id), self._attempt))


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCopying:
    """Runs the COPY intent of a page as long as its flow runs, and tells the flow of it."""

    runner: PageRunner
    pages: Callable[[], Engine[CopyPage]]
    flows: Callable[[], Engine[DataFlow]]
    queue: TaskQueue

    def copy(self, page: CopyPage, intent: Intent) -> JsonObject:
        """Copy a slice."""
        flow = self._flow(page.flow_id)
        stopped = _stopped(flow)
        if flow is None or stopped is not None:
            return {"finished": False, "stopped": stopped, "attempt": intent.attempt}
        watch = _PageWatch(self, page, intent.attempt)
        try:
            result = dict(self.runner.run(page, flow, intent, watch=watch))
        except EffectFailed as failed:
            if failed.fault.retryable:
                self._look_later(page, backoff(intent.attempt).total_seconds() + 1)
            raise
        if result.get("stopped"):
            result["stopped"] = _stopped(self._flow(page.flow_id))
        if result.get("waits"):
            self._look_later(page, page_decisions.TURN_SECONDS)
        return {**result, "attempt": intent.attempt}

    def tell_end(self, page: CopyPage, intent: Intent) -> JsonObject:
        """Tell the flow that a page is done, or that it has failed; the same news again is fine."""
        if page.error is not None:
            self.tell(page.flow_id, PageReport(page.number, fault=page.error))
        else:
            self.tell(page.flow_id, _report(page.number, intent.detail.get("report")))
        return {}

    def tell(self, flow_id: str, report: PageReport) -> None:
        """Tell the flow; one that is gone wants to know nothing."""
        try:
            handled: Handled[DataFlow] = self.flows().handle(flow_id, report)
        except NotFound:
            return
        for look in handled.looks:
            self.queue.send(look, delay_seconds=0)

    def runs(self, flow_id: str) -> bool:
        """Whether the flow runs; one read."""
        return _stopped(self._flow(flow_id)) is None

    def _look_later(self, page: CopyPage, delay_seconds: float) -> None:
        """A page has no looks of its own: its flow looks after it, but not as soon as it might go on."""
        self.queue.send(LookMessage(Lane.COPY_PAGE, page.id, None, page.trace_parent), delay_seconds=delay_seconds)

    def _flow(self, flow_id: str) -> DataFlow | None:
        try:
            return self.flows().load(flow_id)
        except NotFound:
            return None


class _PageWatch:
    """A page whose copy is out (ports.CopyWatch): it commits its checkpoints, and looks at its flow in between."""

    def __init__(self, copying: PageCopying, page: CopyPage, attempt: int) -> None:
        self._copying = copying
        self._engine = copying.pages()
        self._page = page
        self._attempt = attempt
        self._slowness = _Slowness(self._engine.clock)
        self._told_at: datetime | None = None

    def save(self, checkpoint: JsonObject) -> bool:
        """Commit it, and tell the flow now and then. False when somebody else has the page, or the flow is over."""
        moment, slowest = self._engine.moment(), self._slowness.slowest_seconds

        def progressed(page: CopyPage) -> CopyPage | None:
            return page_decisions.progressed(page, self._attempt, checkpoint, moment, slowest_seconds=slowest)

        held = self._slowness.timed(lambda: self._engine.amend(self._page.id, progressed))
        if held and (self._told_at is None or moment.now - self._told_at >= timedelta(seconds=TELL_SECONDS)):
            self._told_at = moment.now
            match checkpoint.get("done"):
                case [int(blobs), int(size_bytes)]:
                    # It is progress alone: what cannot be told now is told by the next one.
                    with contextlib.suppress(EffectFailed):
                        self._copying.tell(self._page.flow_id, PageReport(self._page.number, blobs, size_bytes))
                case _:
                    pass
        return held and self.holds()

    def holds(self) -> bool:
        """Whether the flow still wants it."""
        return self._slowness.timed(lambda: self._copying.runs(self._page.flow_id))


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPageDesk:
    """Begins pages and looks after them (ports.PageDesk); whoever is free finds them on the data plane's queue."""

    engine: Callable[[], Engine[CopyPage]]
    queue: TaskQueue

    def begin(self, pages: Sequence[CopyPage]) -> None:
        """Begin them; those that are there are called for where nobody is at them."""
        engine = self.engine()
        for page in pages:
            try:
                handled = engine.begin(page_decisions.begin(page, engine.moment()))
            except AlreadyExists:
                handled = engine.found(engine.load(page.id))
            self._send(handled)

    def look_after(self, flow_id: str, numbers: Sequence[int], *, unbegun: bool) -> None:
        """Wake those that are paused or whose worker is gone; `unbegun`: also those that nobody has begun."""
        engine = self.engine()
        for number in numbers:
            page = self.load(flow_id, number)
            if page is None:
                continue
            if page.state is CopyPageState.PAUSED:
                self._send(engine.handle(page.id, Command(CommandKind.RESUME)))
            elif unbegun or page.is_final or any(intent.attempt for intent in page.intents):
                self._send(engine.found(page))

    def load(self, flow_id: str, number: int) -> CopyPage | None:
        """One page."""
        record = self.engine().store.load(copy_page_id(flow_id, number))
        return record.document if record is not None else None

    def _send(self, handled: Handled[CopyPage]) -> None:
        for look in handled.looks:
            self.queue.send(look, delay_seconds=0)


def _stopped(flow: DataFlow | None) -> str | None:
    """Why a page of that flow is not to be copied now; None where it is."""
    if flow is None or flow.is_final:
        return "over"
    return "suspended" if flow.state is FlowState.SUSPENDED else None


def _report(number: int, told: Json) -> PageReport:
    """The end of a page, from what its worker gave."""
    said: JsonObject = told if isinstance(told, Mapping) else {}
    methods, not_kept = said.get("methods"), said.get("notKept")
    return PageReport(
        number,
        blobs=_number(said, "blobs"),
        size_bytes=_number(said, "bytes"),
        is_done=True,
        methods=methods if isinstance(methods, Mapping) else {},
        not_kept=not_kept if isinstance(not_kept, Mapping) else {},
        has_changes=said.get("changes") is True,
    )


def _number(said: JsonObject, name: str) -> int:
    value = said.get(name)
    return value if isinstance(value, int) else 0
