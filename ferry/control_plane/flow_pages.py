"""What a flow makes of the pages of its copy: which are done, how far the others are, when it is its own turn. Pure.

Its COPY lists names and begins pages; while it waits for them nobody holds its lease, and the intent says so in its
detail. The last page, or room for more of them, makes it due again; so does time, for a page's news may be lost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ferry.control_plane.progress import advanced
from ferry.domain.data_flow import OPEN_PAGES_LIMIT, CopyProgress, DataFlow, FlowPages
from ferry.domain.decision import PageReport
from ferry.domain.process import Intent, IntentKind, Json, JsonObject

# How long a flow waits for its pages before it looks after them itself.
WAIT_SECONDS = 15.0
WAITS: JsonObject = {"waits": True}


def saved(flow: DataFlow, checkpoint: JsonObject, now: datetime) -> DataFlow:
    """The flow with a checkpoint of its copy, and with what that tells of pages and progress."""
    changed = replace(flow, checkpoint=checkpoint)
    begun = checkpoint.get("pages")
    if isinstance(begun, int):
        known = flow.pages or FlowPages()
        is_listed = known.is_listed or checkpoint.get("listed") is True
        changed = replace(changed, pages=replace(known, begun=max(known.begun, begun), is_listed=is_listed))
    return with_progress(changed, now)


def with_progress(flow: DataFlow, now: datetime) -> DataFlow:
    """The flow with its progress as its checkpoint and its pages tell it."""
    checkpoint = flow.checkpoint or {}
    total, done = _pair(checkpoint.get("total")), _pair(checkpoint.get("done"))
    if total is None:
        return flow
    if flow.pages is not None:
        open_ones = [pair for it in flow.pages.told.values() if (pair := _pair(it)) is not None]
        done = (
            flow.pages.blobs + sum(blobs for blobs, _ in open_ones),
            flow.pages.size_bytes + sum(size_bytes for _, size_bytes in open_ones),
        )
    told = CopyProgress(
        blobs_done=done[0] if done else 0,
        bytes_done=done[1] if done else 0,
        blobs_total=total[0],
        bytes_total=total[1],
        is_total_known=checkpoint.get("listed") is True,
    )
    return replace(flow, progress=advanced(flow.progress, told, since=flow.created_at, now=now))


def told(flow: DataFlow, report: PageReport, now: datetime) -> DataFlow:
    """The flow after a page has told how far it has come; what it knows already changes nothing."""
    pages = flow.pages or FlowPages()
    if pages.is_done(report.number):
        return flow
    changed = _closed(pages, report) if report.is_done else _heard(pages, report)
    if changed is pages:
        return flow
    return woken(with_progress(replace(flow, pages=changed), now))


def waiting(flow: DataFlow, copy: Intent, now: datetime) -> DataFlow:
    """The flow whose copy has done what it could: due again when its pages let it go on."""
    until = now + timedelta(seconds=WAIT_SECONDS)
    again = replace(copy, not_before=until, detail={**copy.detail, **WAITS})
    return woken(flow.without_intent(copy.id).with_intents(again))


def woken(flow: DataFlow) -> DataFlow:
    """The flow whose waiting copy is due, if there is something for it to do."""
    pages = flow.pages
    copy = next((it for it in flow.intents if it.kind is IntentKind.COPY), None)
    if pages is None or copy is None or copy.detail.get("waits") is not True:
        return flow
    has_room = not pages.is_listed and pages.room >= OPEN_PAGES_LIMIT // 2
    if not pages.are_done and not has_room:
        return flow
    due = replace(copy, not_before=None, detail={key: it for key, it in copy.detail.items() if key != "waits"})
    return replace(flow, intents=tuple(due if it.id == copy.id else it for it in flow.intents))


def _heard(pages: FlowPages, report: PageReport) -> FlowPages:
    """What an open page has done so far; less than before is old news."""
    key = str(report.number)
    before = _pair(pages.told.get(key)) or (0, 0)
    if report.blobs <= before[0] and report.size_bytes <= before[1]:
        return pages
    far: Json = [max(before[0], report.blobs), max(before[1], report.size_bytes)]
    return replace(pages, told={**pages.told, key: far})


def _closed(pages: FlowPages, report: PageReport) -> FlowPages:
    done, below = {*pages.done, report.number}, pages.done_below
    while below in done:
        done.remove(below)
        below += 1
    return replace(
        pages,
        # A page may be done before whoever began it has said so.
        begun=max(pages.begun, report.number + 1),
        done_below=below,
        done=tuple(sorted(done)),
        told={key: it for key, it in pages.told.items() if key != str(report.number)},
        blobs=pages.blobs + report.blobs,
        size_bytes=pages.size_bytes + report.size_bytes,
        methods=_sum(pages.methods, report.methods),
        not_kept=_sum(pages.not_kept, report.not_kept),
        has_changes=pages.has_changes or report.has_changes,
    )


def _sum(one: JsonObject, other: JsonObject) -> JsonObject:
    return {name: _number(one.get(name)) + _number(other.get(name)) for name in {**one, **other}}


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _pair(value: Json) -> tuple[int, int] | None:
    if isinstance(value, Mapping) or not isinstance(value, Sequence) or isinstance(value, str):
        return None
    match tuple(value):
        case (int(blobs), int(size_bytes)):
            return blobs, size_bytes
        case _:
            return None
