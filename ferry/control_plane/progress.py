"""How far a data flow has come, how fast it is, and when it may be done. Pure: no I/O, no clock.

Blobs and bytes never go down while a flow lives. The rate is that of the minute before the last news; no rate is told
where nothing has moved yet, and no end where the listing has not ended, for then nobody knows how much there is.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from ferry.domain.data_flow import CopyProgress, CopySample, DataFlow
from ferry.domain.process import Json, JsonObject
from ferry.domain.states import FlowState

WINDOW = timedelta(seconds=60)
_SPACING = timedelta(seconds=4)
# News comes every few seconds, of a shared copy every ten: silence up to here says nothing of its rate.
_QUIET = timedelta(seconds=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a copy has come. The totals are what is known of so far; all there is once `is_total_known`.

    `eta_seconds` None: unknown, since the listing goes on or nothing moves. `at` is when this was so.
    """

    blobs_done: int
    bytes_done: int
    blobs_total: int
    bytes_total: int
    is_total_known: bool
    bytes_per_second: float
    blobs_per_second: float
    eta_seconds: float | None
    at: datetime


def progress_of(flow: DataFlow, now: datetime) -> Progress:
    """How far that flow has come at `now`."""
    if flow.state is FlowState.COMPLETED:
        return _finished(flow)
    known = flow.progress or CopyProgress()
    moves = flow.state is FlowState.STARTED
    bytes_per_second, blobs_per_second = _rates(known, now) if moves else (0.0, 0.0)
    return Progress(
        blobs_done=known.blobs_done,
        bytes_done=known.bytes_done,
        blobs_total=known.blobs_total,
        bytes_total=known.bytes_total,
        is_total_known=known.is_total_known,
        bytes_per_second=bytes_per_second,
        blobs_per_second=blobs_per_second,
        eta_seconds=_eta_seconds(known, bytes_per_second, blobs_per_second, now=now) if moves else None,
        at=now,
    )


def told_progress(progress: Progress) -> dict[str, Json]:
    """A progress as JSON; `etaSeconds` is left out where nobody knows it."""
    eta = {} if progress.eta_seconds is None else {"etaSeconds": round(progress.eta_seconds, 1)}
    return {
        "blobsDone": progress.blobs_done,
        "bytesDone": progress.bytes_done,
        "blobsTotal": progress.blobs_total,
        "bytesTotal": progress.bytes_total,
        "isTotalKnown": progress.is_total_known,
        "bytesPerSecond": round(progress.bytes_per_second, 1),
        **eta,
        "updatedAt": progress.at.astimezone(UTC).isoformat(timespec="milliseconds"),
    }


def advanced(known: CopyProgress | None, told: CopyProgress, *, since: datetime, now: datetime) -> CopyProgress:
    """The progress after news of it; what is less than before is old news. `since`: when the copy began."""
    before = known or CopyProgress(samples=(CopySample(since, 0, 0),))
    grown = replace(
        told,
        blobs_done=max(before.blobs_done, told.blobs_done),
        bytes_done=max(before.bytes_done, told.bytes_done),
        blobs_total=max(before.blobs_total, told.blobs_total),
        bytes_total=max(before.bytes_total, told.bytes_total),
        is_total_known=before.is_total_known or told.is_total_known,
        samples=before.samples,
    )
    return replace(grown, samples=_sampled(before.samples, CopySample(now, grown.blobs_done, grown.bytes_done)))


def _sampled(samples: tuple[CopySample, ...], new: CopySample) -> tuple[CopySample, ...]:
    """The samples of the window, a few seconds apart; the last one from before it stays as the window's beginning."""
    recent = tuple(sample for sample in samples if sample.at >= new.at - WINDOW)
    outside = samples[: len(samples) - len(recent)][-1:]
    if len(recent) > 1 and new.at - recent[-2].at <= _SPACING:
        recent = recent[:-1]
    return (*outside, *recent, new)


def _news_at(known: CopyProgress, now: datetime) -> datetime:
    """Until when the last news counts as all that was done: its own time, or one that follows a silence."""
    return max(known.samples[-1].at, now - _QUIET)


def _rates(known: CopyProgress, now: datetime) -> tuple[float, float]:
    """Bytes and blobs each second over the window that ends with the last news."""
    if not known.samples:
        return 0.0, 0.0
    end = _news_at(known, now)
    first = next((sample for sample in reversed(known.samples) if sample.at <= end - WINDOW), known.samples[0])
    seconds = (end - first.at).total_seconds()
    if seconds <= 0:
        return 0.0, 0.0
    return (known.bytes_done - first.size_bytes) / seconds, (known.blobs_done - first.blobs) / seconds


def _eta_seconds(
    known: CopyProgress, bytes_per_second: float, blobs_per_second: float, *, now: datetime
) -> float | None:
    """The longer of what the bytes and what the blobs still take from the last news on; None where nobody can say."""
    if not known.is_total_known:
        return None
    bytes_left = known.bytes_total - known.bytes_done
    left = [(bytes_left, bytes_per_second)] if bytes_left > 0 else []
    # Blobs of which none is whole yet say nothing while their bytes move.
    if known.blobs_total > known.blobs_done and (blobs_per_second > 0 or not left):
        left.append((known.blobs_total - known.blobs_done, blobs_per_second))
    if any(rate <= 0 for _, rate in left):
        return None
    since_news = (now - _news_at(known, now)).total_seconds() if left else 0.0
    return max(0.0, max((amount / rate for amount, rate in left), default=0.0) - since_news)


def _finished(flow: DataFlow) -> Progress:
    """A flow that is done says what was copied, and how fast it was from its beginning to its end."""
    summary = flow.summary or {}
    blobs, size_bytes = _count(summary, "blobs"), _count(summary, "bytes")
    seconds = (flow.state_at - flow.created_at).total_seconds()
    return Progress(
        blobs_done=blobs,
        bytes_done=size_bytes,
        blobs_total=blobs,
        bytes_total=size_bytes,
        is_total_known=True,
        bytes_per_second=size_bytes / seconds if seconds > 0 else 0.0,
        blobs_per_second=blobs / seconds if seconds > 0 else 0.0,
        eta_seconds=0.0,
        at=flow.state_at,
    )


def _count(summary: JsonObject, name: str) -> int:
    value = summary.get(name)
    return value if isinstance(value, int) else 0
