"""Goals 6 to 8: Azurite, whose one thread bounds everybody; who stands how far above what it allows?

Cases as everywhere: a is one blob of 1 GiB, b one of 64 MiB, c 1000 of 64 KiB, d 10,000 of 4 KiB.
"""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.copiers.loops import FROM_URL, THROUGH, loop
from bench.measuring.azurite_place import AzuritePlace, AzuriteTrial, Filled, azurite_place
from bench.measuring.lab import Lab
from bench.measuring.table import Row, ratio, spread
from bench.standin.source import Source

_KIB, _MIB = 2**10, 2**20
SMALL_TO_PEERS, SMALL_TO_LOOP = 0.85, 1.05
LARGE_TO_AZCOPY, LARGE_CPU_SECONDS, LARGE_PEAK_MIB = 1.05, 0.3, 80
STREAM_TO_FLOOR = 1.15


def cases(lab: Lab) -> dict[str, Source]:
    """What is copied."""
    return {
        "a": Source(1, (lab.size(1024, 40, least=64) * _MIB,)),
        "b": Source(1, (lab.size(64, 16, least=16) * _MIB,)),
        "c": Source(lab.size(1000, 30), (64 * _KIB,)),
        "d": Source(lab.size(10_000, 60), (4 * _KIB,)),
    }


def small_on_azurite(lab: Lab) -> Iterator[Row]:
    """Goal 6."""
    with azurite_place() as place:
        for case in ("d",) if lab.is_small else ("c", "d"):
            filled = place.fill(f"src-{case}", cases(lab)[case])
            walls = _walls(_trials(lab, place, filled, (FERRY, AZCOPY, RCLONE, FROM_URL)))
            to_peers = [ratio(walls[FERRY], walls[it]) for it in (AZCOPY, RCLONE)]
            to_loop = ratio(walls[FERRY], walls[FROM_URL])
            is_met = None
            if not lab.is_small and to_loop and all(to_peers):
                is_met = max(it or 9 for it in to_peers) <= SMALL_TO_PEERS and to_loop <= SMALL_TO_LOOP
            yield Row(
                goal=f"6 Azurite {case}, {filled.source.count} x {filled.source.sizes_bytes[0] // _KIB} KiB",
                target=f"≤ {SMALL_TO_PEERS} x either, ≤ {SMALL_TO_LOOP} x plain loop",
                ours=f"{spread(walls[FERRY], ' s', digits=2)}; loop {spread(walls[FROM_URL], ' s', digits=2)}",
                others={it: spread(walls[it], " s", digits=2) for it in (AZCOPY, RCLONE)},
                ratio=_ratios([*to_peers, to_loop]),
                is_met=is_met,
            )


def large_on_azurite(lab: Lab) -> Iterator[Row]:
    """Goal 7; b is shown and not judged."""
    with azurite_place() as place:
        for case in ("a",) if lab.is_small else ("a", "b"):
            filled = place.fill(f"src-{case}", cases(lab)[case])
            made = _trials(lab, place, filled, (FERRY, AZCOPY, RCLONE))
            walls = _walls(made)
            to_azcopy = ratio(walls[FERRY], walls[AZCOPY])
            is_met = None
            if case == "a" and not lab.is_small and to_azcopy:
                cpu = statistics.median(it.measured.cpu_seconds for it in made[FERRY])
                peak = max(it.measured.peak_bytes for it in made[FERRY]) / _MIB
                is_met = to_azcopy <= LARGE_TO_AZCOPY and cpu <= LARGE_CPU_SECONDS and peak <= LARGE_PEAK_MIB
            yield Row(
                goal=f"7 Azurite {case}, {filled.source.sizes_bytes[0] // _MIB} MiB in blocks",
                target=f"≤ {LARGE_TO_AZCOPY} x AzCopy, ≤ {LARGE_CPU_SECONDS} s CPU, ≤ {LARGE_PEAK_MIB} MiB"
                if case == "a"
                else "",
                ours=_whole(made[FERRY]),
                others={it: _whole(made[it]) for it in (AZCOPY, RCLONE)},
                ratio=_ratios([to_azcopy, ratio(walls[FERRY], walls[RCLONE])]),
                is_met=is_met,
            )


def streamed_on_azurite(lab: Lab) -> Iterator[Row]:
    """Goal 8: the bytes pass through the client, as where the service cannot read the source."""
    with azurite_place() as place:
        for case in ("a", "d") if lab.is_small else ("a", "c", "d"):
            filled = place.fill(f"src-{case}", cases(lab)[case])
            walls = _walls(_trials(lab, place, filled, (FERRY, RCLONE, THROUGH), streams=True))
            to_floor, to_rclone = ratio(walls[FERRY], walls[THROUGH]), ratio(walls[FERRY], walls[RCLONE])
            is_met = None
            if not lab.is_small and to_floor and to_rclone:
                is_met = to_floor <= STREAM_TO_FLOOR and to_rclone < 1
            yield Row(
                goal=f"8 Azurite {case}, streamed",
                target=f"≤ {STREAM_TO_FLOOR} x GET + PUT, < rclone",
                ours=f"{spread(walls[FERRY], ' s', digits=2)}; floor {spread(walls[THROUGH], ' s', digits=2)}",
                others={AZCOPY: "cannot", RCLONE: spread(walls[RCLONE], " s", digits=2)},
                ratio=_ratios([to_floor, to_rclone]),
                is_met=is_met,
            )


def _trials(
    lab: Lab, place: AzuritePlace, filled: Filled, names: Sequence[str], *, streams: bool = False
) -> dict[str, list[AzuriteTrial]]:
    def run(name: str) -> AzuriteTrial:
        copier = lab.copiers.get(name) or loop(name)
        # That loop writes bytes of another blob of the same size: it shows a time, not a copy.
        return place.trial(copier, filled, streams=streams, is_checked=name != THROUGH)

    return lab.interleaved(names, run)


def _walls(made: Mapping[str, Sequence[AzuriteTrial]]) -> dict[str, list[float]]:
    return {name: [it.measured.seconds for it in trials] for name, trials in made.items()}


def _whole(trials: Sequence[AzuriteTrial]) -> str:
    if not trials:
        return ""
    cpu = statistics.median(it.measured.cpu_seconds for it in trials)
    peak = max(it.measured.peak_bytes for it in trials) / _MIB
    return f"{spread([it.measured.seconds for it in trials], ' s', digits=2)}, {cpu:.2f} s CPU, {peak:.0f} MiB"


def _ratios(values: Sequence[float | None]) -> str:
    return ", ".join(f"{it:.2f}" if it else "-" for it in values)
