"""Sender: one request at a time through the gates, tried again until its answer is final."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from ferry.data_plane.copying.answers import Reading, may_be_carried_out, read_answer
from ferry.data_plane.copying.failures import (
    Halted,
    RangesIgnored,
    SourceChanged,
    destination_away,
    source_away,
    source_failed,
    told,
)
from ferry.data_plane.copying.gate import Gate
from ferry.data_plane.copying.options import EngineOptions
from ferry.data_plane.copying.pace import Told
from ferry.domain.faults import EffectFailed
from ferry.ports.blob_sides import DestinationSide, SourceSide, WireAnswer, WireLost, WireRefused
from ferry.ports.storage import BlobItem, SourceBlob

_SMALL_BYTES = 1024 * 1024
_TOLD = {Reading.BUSY: Told.THROTTLED, Reading.DONE: Told.DONE}


@dataclass(slots=True)
class Slot:
    """One worker, as the supervisor sees it. `is_at_wire`: a request of its own is under way."""

    is_at_wire: bool = False


@dataclass(slots=True)
class Write:
    """One write and how it went. `is_ambiguous`: one of its tries may have been carried out unseen."""

    blob: SourceBlob
    slot: Slot
    copies: bool = False
    may_be_unsupported: bool = False
    moves_bytes: int = 0
    is_ambiguous: bool = False


class Sender:
    """Sends for one order. `is_halted` is set when nothing new is to be sent."""

    def __init__(
        self, source: SourceSide, destination: DestinationSide, *, gates: tuple[Gate, Gate], options: EngineOptions
    ) -> None:
        self.is_halted = False
        self.may_have_written = False
        self.source = source
        self.destination = destination
        self._reading, self._writing = gates
        self._options = options

    async def write(
        self,
        write: Write,
        request: Callable[[], Awaitable[WireAnswer]],
        *,
        first: tuple[WireAnswer, Reading] | None = None,
    ) -> tuple[Reading, WireAnswer]:
        """Send it until its answer is final; `first`: a try has been made, and this came of it.

        Raises EffectFailed (retryable) where no final answer comes, Halted.
        """
        retry: _Retry | None = None
        while True:
            answer, reading = first or await self.write_once(write, request)
            first = None
            if reading is Reading.DONE:
                return reading, answer
            if reading not in (Reading.BUSY, Reading.SOURCE_BUSY, Reading.AGAIN):
                return reading, answer
            if may_be_carried_out(answer):
                write.is_ambiguous = True
            retry = retry or _Retry(self._options)
            is_throttled = reading is not Reading.AGAIN
            if is_throttled:
                self._heed(self._reading if reading is Reading.SOURCE_BUSY else self._writing, answer)
            pause_seconds = retry.pause_seconds(is_throttled=is_throttled)
            if pause_seconds is None:
                raise self._given_up(write, reading, answer)
            await asyncio.sleep(pause_seconds)

    async def write_once(
        self, write: Write, request: Callable[[], Awaitable[WireAnswer]]
    ) -> tuple[WireAnswer, Reading]:
        """Send it one time. Raises Halted."""
        slot, reading_gate, writing_gate = write.slot, self._reading, self._writing
        sent_at = time.monotonic()
        if write.copies and not reading_gate.try_enter(sent_at):
            await reading_gate.enter()
            sent_at = time.monotonic()
        told_reading = told_writing = Told.OTHER
        has_entered = False
        try:
            if not writing_gate.try_enter(sent_at):
                await writing_gate.enter()
                sent_at = time.monotonic()
            has_entered = True
            if self.is_halted:
                raise Halted
            slot.is_at_wire, is_refused = True, False
            try:
                answer = await request()
                is_refused = 400 <= answer.status < 500
            except WireLost as lost:
                is_refused = not lost.was_sent
                write.is_ambiguous = write.is_ambiguous or lost.was_sent
                return WireAnswer(0, "NoAnswer"), Reading.AGAIN
            finally:
                slot.is_at_wire = False
                self.may_have_written = self.may_have_written or not is_refused
            reading = read_answer(answer, copies=write.copies, may_be_unsupported=write.may_be_unsupported)
            told_writing = _TOLD.get(reading, Told.OTHER)
            told_reading = Told.THROTTLED if reading is Reading.SOURCE_BUSY else told_writing
            if reading is Reading.BUSY:
                told_reading = Told.OTHER
            return answer, reading
        finally:
            now = time.monotonic()
            if has_entered:
                is_small = write.moves_bytes <= _SMALL_BYTES
                writing_gate.left(told_writing, sent_at=sent_at, now=now, is_small=is_small)
            if write.copies:
                # How long it took says more of the destination.
                reading_gate.left(told_reading, sent_at=sent_at, now=now, is_small=False)

    async def read(self, item: BlobItem, start: int, size_bytes: int, slot: Slot) -> bytes:
        """So many bytes of that version. Raises SourceChanged (a short read, too), RangesIgnored, EffectFailed."""
        content = await self.ask(lambda: self.source.read(item, start, size_bytes), item.name, slot, size_bytes)
        if len(content) != size_bytes:
            raise SourceChanged
        return content

    async def ask[T](self, request: Callable[[], Awaitable[T]], name: str, slot: Slot, moves_bytes: int = 0) -> T:
        """What the source answers, tried again like a write. Raises SourceChanged, RangesIgnored, EffectFailed."""
        retry: _Retry | None = None
        while True:
            answer, result = await self._ask_once(request, slot, moves_bytes)
            if answer is None:
                return result[0]
            is_throttled = answer.status in (429, 503)
            if not is_throttled and answer.status not in (0, 408) and answer.status < 500:
                raise refused_read(answer, name, self.source.endpoint)
            retry = retry or _Retry(self._options)
            if is_throttled:
                self._heed(self._reading, answer)
            pause_seconds = retry.pause_seconds(is_throttled=is_throttled)
            if pause_seconds is None:
                raise source_away(told(answer) if answer.status else "no answer", name, self.source.endpoint)
            await asyncio.sleep(pause_seconds)

    async def _ask_once[T](
        self, request: Callable[[], Awaitable[T]], slot: Slot, moves_bytes: int
    ) -> tuple[WireAnswer | None, list[T]]:
        await self._reading.enter()
        what, sent_at = Told.OTHER, time.monotonic()
        try:
            if self.is_halted:
                raise Halted
            slot.is_at_wire = True
            result = await request()
            what = Told.DONE
        except WireLost:
            return WireAnswer(0, "NoAnswer"), []
        except WireRefused as refused:
            what = Told.THROTTLED if refused.answer.status in (429, 503) else Told.OTHER
            return refused.answer, []
        else:
            return None, [result]
        finally:
            slot.is_at_wire = False
            is_small = 0 < moves_bytes <= _SMALL_BYTES
            self._reading.left(what, sent_at=sent_at, now=time.monotonic(), is_small=is_small)

    async def ask_destination[T](self, request: Callable[[], Awaitable[T]], blob: SourceBlob, slot: Slot) -> T:
        """What the destination answers a question. Raises WireRefused, EffectFailed where it is away."""
        held: list[T] = []

        async def ask() -> WireAnswer:
            try:
                held.append(await request())
            except WireRefused as refused:
                return refused.answer
            return WireAnswer(200)

        reading, answer = await self.write(Write(blob, slot), ask)
        if reading is not Reading.DONE:
            raise WireRefused(answer)
        return held[-1]

    def _heed(self, gate: Gate, answer: WireAnswer) -> None:
        seconds = retry_after_seconds(answer.headers)
        if seconds > 0.0:
            gate.pause(min(seconds, self._options.longest_retry_after_seconds))

    def _given_up(self, write: Write, reading: Reading, answer: WireAnswer) -> EffectFailed:
        what = told(answer) if answer.status else "no answer"
        if reading is Reading.SOURCE_BUSY:
            return source_away(what, write.blob.item.name, self.source.endpoint)
        return destination_away(what, write.blob, self.destination.endpoint)


def refused_read(answer: WireAnswer, name: str, endpoint: str) -> Exception:
    """What a refused read means: SourceChanged, RangesIgnored, or EffectFailed."""
    if answer.status in (412, 416):
        return SourceChanged()
    if answer.status == 200:
        return RangesIgnored()
    return source_failed(answer, name, endpoint)


class _Retry:
    """How often and how long a request is tried again."""

    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._began_at = time.monotonic()
        self._tries = 1
        self._throttled = 0

    def pause_seconds(self, *, is_throttled: bool) -> float | None:
        """How long to wait before the next try, in a random part of its bound; None: give up.

        The pace keeps throttled requests apart already, so those wait shortly.
        """
        options = self._options
        if is_throttled:
            self._throttled += 1
            if time.monotonic() - self._began_at >= options.patience_seconds:
                return None
            bound = options.first_pause_seconds * 2.0 ** min(self._throttled - 1, 3)
        else:
            self._tries += 1
            if self._tries > options.tries:
                return None
            bound = options.first_pause_seconds * 2.0 ** (self._tries - 2)
        return min(bound, options.longest_pause_seconds) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret


def retry_after_seconds(headers: Mapping[str, str]) -> float:
    """What `Retry-After` asks for, in seconds or as a date; 0 without it."""
    told_value = headers.get("retry-after", "")
    if told_value.isdecimal():
        return float(told_value)
    try:
        at = parsedate_to_datetime(told_value)
    except ValueError:
        return 0.0
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
