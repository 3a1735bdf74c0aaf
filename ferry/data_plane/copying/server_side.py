"""Copies that the destination's service does by itself: which way, and what to make of a refusal."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from ferry.data_plane.copying.answers import Reading
from ferry.data_plane.copying.failures import SourceChanged
from ferry.data_plane.copying.job import CopyJob
from ferry.data_plane.copying.sending import Slot, Write
from ferry.data_plane.copying.verdicts import SERVER_SIDE, CopyMethod, PairVerdict
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import SourceBlob

_MANY_BYTES = 8 * 1024 * 1024
_REFUSED_BY_THEN_SECONDS = 0.25
_FINAL = frozenset({Reading.DONE, Reading.EXISTS, Reading.REFUSED})

type Request = Callable[[CopyMethod], Awaitable[WireAnswer]]


@dataclass(frozen=True, slots=True)
class Copy:
    """A write that the service is to do by one of `methods`, best first; `makes_blob`: the blob is there afterwards.

    `firsts` holds what came of a try that has been made already, by the first method.
    `doubts`: how often a 500 without a word is asked again before it counts as a refusal of the method.
    """

    index: int
    blob: SourceBlob
    methods: Sequence[CopyMethod]
    moves_bytes: int
    makes_blob: bool = True
    doubts: int = 0
    firsts: list[tuple[WireAnswer, Reading]] = field(default_factory=list[tuple[WireAnswer, Reading]])


async def copy_by_service(
    job: CopyJob, copy: Copy, slot: Slot, request: Request
) -> tuple[CopyMethod, Reading, WireAnswer] | None:
    """Try the methods. Gives DONE, EXISTS or REFUSED; None where the bytes must pass through here.

    While nothing is known of a method one blob tries it for all. A refusal is understood with at most one question to
    the source. Raises SourceChanged, EffectFailed.
    """
    verdict, excluded = job.verdict, set[CopyMethod]()
    while True:
        method = next((it for it in copy.methods if it not in excluded and not verdict.is_refused(it)), None)
        if method is None:
            return None
        if verdict.is_proven(method):
            reading, answer = await _try(job, copy, slot, method, request)
        else:
            has_turn = await _probes(verdict, copy)
            try:
                if has_turn and (verdict.is_proven(method) or verdict.is_refused(method)):
                    continue
                reading, answer = await _try(job, copy, slot, method, request)
            finally:
                if has_turn:
                    verdict.probing.release()
        if reading in _FINAL:
            return method, reading, answer
        excluded.update((method,) if reading is Reading.NO_SUCH_COPY else copy.methods)


async def _probes(verdict: PairVerdict, copy: Copy) -> bool:
    """Wait for the turn to try what nobody has tried; False: whoever tries it moves many bytes and is at it still.

    What is refused is refused before the first byte.
    """
    seconds = max(0.0, _REFUSED_BY_THEN_SECONDS - verdict.probed_seconds()) if copy.moves_bytes >= _MANY_BYTES else None
    try:
        async with asyncio.timeout(seconds):
            await verdict.probing.acquire()
    except TimeoutError:
        return False
    verdict.probe()
    return True


async def _try(
    job: CopyJob, copy: Copy, slot: Slot, method: CopyMethod, request: Request
) -> tuple[Reading, WireAnswer]:
    reading, answer = await _send(job, copy, slot, method, request)
    if reading is Reading.UNVERIFIED:
        # "The source is gone" and "this service cannot get there" are the same answer: only the source can tell.
        await job.check_pin(copy.index, copy.blob, slot)
    if reading is Reading.NO_SUCH_COPY:
        job.verdict.refuse((method,), is_doubtful=not answer.code)
    elif reading in (Reading.UNVERIFIED, Reading.NO_COPY):
        job.verdict.refuse(SERVER_SIDE)
    return reading, answer


async def _send(
    job: CopyJob, copy: Copy, slot: Slot, method: CopyMethod, request: Request
) -> tuple[Reading, WireAnswer]:
    is_proven = job.verdict.is_proven(method)
    write = Write(copy.blob, slot, copies=True, may_be_unsupported=not is_proven, moves_bytes=copy.moves_bytes)
    try:
        first = copy.firsts.pop() if copy.firsts and method is copy.methods[0] else None
        reading, answer = await job.sender.write(write, lambda: request(method), first=first)
        left = 1 if reading is Reading.WRONG_MD5 else copy.doubts
        while left and (reading is Reading.WRONG_MD5 or (reading is Reading.NO_SUCH_COPY and not answer.code)):
            left -= 1
            reading, answer = await job.sender.write(write, lambda: request(method))
    finally:
        if copy.makes_blob and write.is_ambiguous:
            job.written(copy.index, write)
    if reading is Reading.DONE:
        job.verdict.works(method)
    elif reading is Reading.EXISTS_OR_CHANGED:
        await job.check_pin(copy.index, copy.blob, slot)
        reading = Reading.EXISTS
    elif reading is Reading.SOURCE_CHANGED:
        raise SourceChanged
    return reading, answer
