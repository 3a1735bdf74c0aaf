"""Goal 9: peak memory, whatever the size of a blob and the number of blobs."""

from collections.abc import Iterator

from bench.copiers.copier import FERRY, RCLONE
from bench.copiers.ours import engine
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour

_MIB, _GIB = 2**20, 2**30
STREAM_MIB, SERVER_SIDE_MIB = 256, 100


def peak_memory(lab: Lab) -> Iterator[Row]:
    """One huge blob and very many small ones streamed, and a million that the service copies by itself."""
    huge = Behaviour(blobs=1, sizes=(lab.size(10 * 1024, 192, least=64) * _MIB,))
    many = Behaviour(blobs=lab.size(100_000, 500), sizes=(4 * 1024,))
    names = Behaviour(blobs=lab.size(1_000_000, 6000), sizes=(64 * 1024,), latency_seconds=0.01)
    yield _row(lab, huge, f"9 streaming {huge.sizes[0] / _GIB:.1f} GiB in one blob", STREAM_MIB, streams=True)
    yield _row(lab, many, f"9 streaming {many.blobs:,} blobs of 4 KiB", STREAM_MIB, streams=True)
    yield _row(lab, names, f"9 server side, {names.blobs:,} names", SERVER_SIDE_MIB, streams=False)


def _row(lab: Lab, behaviour: Behaviour, goal: str, most_mib: int, *, streams: bool) -> Row:
    copier = engine() if streams else lab.copiers.get(FERRY, engine())
    trial = lab.on_stand_in(copier, behaviour, streams=streams)
    # Of the peers rclone alone streams; a million names take AzCopy twenty minutes here.
    others = {}
    if streams and RCLONE in lab.copiers:
        others = {RCLONE: _told(lab.copied(RCLONE, behaviour, streams=True))}
    return Row(
        goal=goal,
        target=f"≤ {most_mib} MiB",
        ours=_told(trial),
        others=others,
        is_met=not trial.fault and trial.measured.peak_bytes <= most_mib * _MIB,
    )


def _told(trial: Trial) -> str:
    measured = trial.measured
    return (
        trial.fault
        or f"{measured.peak_bytes / _MIB:.0f} MiB, {measured.seconds:.1f} s, {measured.cpu_seconds:.1f} s CPU"
    )
