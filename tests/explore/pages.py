"""Every order of what can happen to a copy that is shared by pages: its lister, its pages, clients, deaths, old news.

The documents are the product's own; the world is which pages were really copied. What is looked for: a marker before
the last page, a page that counts twice, a flow at rest that has something left to do.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ferry.control_plane import flow_decisions, flow_pages
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind, Done, PageReport, Task
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.states import FlowState
from tests.explore.documents import NOW, moment

PAGES = 4
PAUSES = 2
_LATER = NOW + timedelta(seconds=flow_pages.WAIT_SECONDS)


@dataclass(frozen=True, slots=True)
class PagesSituation:
    """The flow's document, which pages were begun and copied, whether the lister is at it, and how often it paused.

    `lister` is the attempt that is under way, with the number of pages that it had begun when it last looked (0: none).
    """

    flow: DataFlow
    begun: int = 0
    copied: frozenset[int] = frozenset()
    told: frozenset[int] = frozenset()
    lister: int = 0
    pauses: int = 0


@dataclass(slots=True)
class PagesReport:
    """What a search has found."""

    states: int = 0
    ended: int = 0
    violation: str | None = None
    trace: list[str] = field(default_factory=list[str])


def moves(at: PagesSituation) -> Iterator[tuple[str, PagesSituation]]:
    """Everything that can happen next."""
    flow = at.flow
    copy = next((it for it in flow.intents if it.kind is IntentKind.COPY), None)
    if copy is not None and not at.lister and copy.is_due(_LATER):
        taken = flow_decisions.take(flow, moment(NOW))
        yield "the lister takes the flow", replace(at, flow=taken, lister=copy.attempt + 1)
    if at.lister:
        yield from _lister(at)
    for number in range(at.begun):
        if number not in at.copied and flow.state is FlowState.STARTED:
            yield f"page {number} is copied", replace(at, copied=at.copied | {number})
        if number in at.copied:
            # The same news may come again, as late as it likes.
            told = decided(flow, PageReport(number, 1, 10, is_done=True))
            if told is not flow or number not in at.told:
                yield f"page {number} tells", replace(at, flow=told, told=at.told | {number})
    if flow.state is FlowState.STARTED and at.pauses < PAUSES:
        paused = decided(flow, Command(CommandKind.SUSPEND))
        yield "suspended", replace(at, flow=paused, pauses=at.pauses + 1)
    if flow.state is FlowState.SUSPENDED:
        yield "resumed", replace(at, flow=decided(flow, Command(CommandKind.RESUME)))


def _lister(at: PagesSituation) -> Iterator[tuple[str, PagesSituation]]:
    """Whoever holds the copy begins a page, waits, finishes, or dies."""
    flow, attempt = at.flow, at.lister
    yield "the lister dies", replace(at, lister=0, flow=_lease_over(flow))
    if flow.pages is not None and flow.pages.are_done and flow_decisions.is_held(flow, attempt):
        yield "the lister finishes", _ended(at, {"finished": True, "summary": {"blobs": PAGES}})
        return
    listed = _listed(flow)
    if listed < PAGES:
        saved = flow_decisions.progressed(flow, attempt, _checkpoint(listed + 1), moment(NOW))
        begun = max(at.begun, listed + 1)
        if saved is None:
            yield "the lister is stopped", replace(at, begun=begun, lister=0)
        else:
            yield "the lister begins a page", replace(at, flow=saved, begun=begun)
    else:
        yield "the lister waits", _ended(at, {"finished": False, "waits": True, "checkpoint": _checkpoint(PAGES)})


def violation(before: PagesSituation, after: PagesSituation) -> str | None:
    """What must never be."""
    pages = after.flow.pages
    if after.flow.state is FlowState.COMPLETED and len(after.copied) < PAGES:
        return "finished before the last page was copied"
    if pages is not None and pages.blobs != len(after.told & frozenset(range(pages.begun))):
        return "a page counts twice, or not at all"
    if pages is not None and before.flow.pages is not None and pages.begun < before.flow.pages.begun:
        return "a page that was begun is forgotten"
    return None


def search(limit: int) -> PagesReport:
    """All situations that can be reached, breadth first; each must be able to come to its end."""
    start = PagesSituation(flow_decisions.begin(_flow(), moment(NOW), answered=False))
    report, seen = PagesReport(), {key(start)}
    queue: list[tuple[PagesSituation, tuple[str, ...]]] = [(start, ())]
    while queue:
        at, trace = queue.pop(0)
        report.states += 1
        report.ended += at.flow.state is FlowState.COMPLETED
        found = list(moves(at))
        if not found and not at.flow.is_final:
            report.violation, report.trace = "at rest, and not at its end", list(trace)
            return report
        for label, after in found:
            wrong = violation(at, after)
            if wrong is not None:
                report.violation, report.trace = wrong, [*trace, label]
                return report
            if report.states < limit and key(after) not in seen and not after.flow.is_final:
                seen.add(key(after))
                queue.append((after, (*trace, label)))
            report.ended += after.flow.state is FlowState.COMPLETED
    return report


def key(at: PagesSituation) -> object:
    """What tells situations apart: not the numbers of attempts and ids, which only grow."""
    flow, copy = at.flow, next((it for it in at.flow.intents if it.kind is IntentKind.COPY), None)
    holds = copy is not None and copy.attempt == at.lister
    pages = flow.pages
    stands = (pages.begun, pages.is_listed, pages.done_below, pages.done, pages.blobs) if pages else None
    waits = (copy.not_before is None, copy.detail.get("waits") is True) if copy else None
    return flow.state, stands, waits, bool(at.lister), holds, at.begun, at.copied, at.told, at.pauses


def decided(flow: DataFlow, task: Task) -> DataFlow:
    """The flow after a task."""
    return flow_decisions.decide(flow, task, moment(NOW)).process


def _ended(at: PagesSituation, result: JsonObject) -> PagesSituation:
    copy = next((it for it in at.flow.intents if it.kind is IntentKind.COPY), None)
    done = Done(copy.id if copy else "gone", IntentKind.COPY, {**result, "attempt": at.lister})
    return replace(at, flow=decided(at.flow, done), lister=0)


def _lease_over(flow: DataFlow) -> DataFlow:
    """The same flow at a time when nobody holds it any more."""
    return replace(
        flow, intents=tuple(replace(it, not_before=None) if it.kind is IntentKind.COPY else it for it in flow.intents)
    )


def _listed(flow: DataFlow) -> int:
    listed = (flow.checkpoint or {}).get("pages")
    return listed if isinstance(listed, int) else 0


def _checkpoint(pages: int) -> JsonObject:
    return {"pages": pages, "listed": pages == PAGES, "total": [pages, 10 * pages]}


def _flow() -> DataFlow:
    from tests.unit.control_plane.test_flow_decisions import asked_for

    return replace(asked_for(), created_at=NOW, state_at=NOW)
