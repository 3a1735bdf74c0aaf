"""Goals 1 to 3: many small blobs on a service that needs 10 ms for each request, plain and over TLS."""

import statistics
from collections.abc import Iterator, Mapping, Sequence

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row, ratio, spread
from bench.standin.behaviour import Behaviour
from bench.standin.running import DESTINATION_ACCOUNT

_BLOBS, _SMALL = 50_000, 300
_BLOB_BYTES = 64 * 1024
_LATENCY_SECONDS, _BYTES_RATE = 0.010, 60e6
_NAMES = (FERRY, AZCOPY, RCLONE)

# One request a blob, and one for every page of names when what arrived is verified.
MOST_REQUESTS = 1.001
_PAGE = 5000
AZCOPY_FACTOR, RCLONE_FACTOR = 15.0, 3.0
TLS_BLOBS_RATE = 10_000.0
TLS_CPU_MILLISECONDS = 0.08


def small_blobs(lab: Lab) -> Iterator[Row]:
    """Requests for each blob, and how many blobs in a second."""
    made = _trials(lab, is_tls=False)
    yield _requests(made)
    rates = _rates(made)
    to_azcopy = ratio(rates[FERRY], rates.get(AZCOPY, []))
    to_rclone = ratio(rates[FERRY], rates.get(RCLONE, []))
    is_met = None
    if not lab.is_small and to_azcopy and to_rclone:
        is_met = to_azcopy >= AZCOPY_FACTOR and to_rclone >= RCLONE_FACTOR
    yield Row(
        goal="2 small blobs, 10 ms",
        target=f"≥ {AZCOPY_FACTOR:g} x AzCopy, ≥ {RCLONE_FACTOR:g} x rclone",
        ours=spread(rates[FERRY], " blobs/s"),
        others={it: spread(rates[it], " blobs/s") for it in rates if it != FERRY},
        ratio=_two(to_azcopy, to_rclone),
        is_met=is_met,
    )


def small_blobs_over_tls(lab: Lab) -> Iterator[Row]:
    """The same over TLS, and what a blob costs the client."""
    made = _trials(lab, is_tls=True)
    rates = _rates(made)
    yield Row(
        goal="2 small blobs over TLS",
        target=f"≥ {TLS_BLOBS_RATE:,.0f} blobs/s",
        ours=spread(rates[FERRY], " blobs/s"),
        others={it: spread(rates[it], " blobs/s") for it in rates if it != FERRY},
        ratio=_two(ratio(rates[FERRY], rates.get(AZCOPY, [])), ratio(rates[FERRY], rates.get(RCLONE, []))),
        is_met=None if lab.is_small or not rates[FERRY] else statistics.median(rates[FERRY]) >= TLS_BLOBS_RATE,
    )
    costs = {name: [1000 * it.measured.cpu_seconds / it.verdict["blobs"] for it in made[name]] for name in made}
    yield Row(
        goal="3 client CPU per blob, TLS",
        target=f"≤ {TLS_CPU_MILLISECONDS} ms",
        ours=_cost(costs[FERRY], made[FERRY]),
        others={it: _cost(costs[it], made[it]) for it in costs if it != FERRY},
        ratio=_two(ratio(costs.get(AZCOPY, []), costs[FERRY]), ratio(costs.get(RCLONE, []), costs[FERRY])),
        is_met=None if lab.is_small or not costs[FERRY] else statistics.median(costs[FERRY]) <= TLS_CPU_MILLISECONDS,
    )


def destination_requests(trial: Trial) -> float:
    """Requests to the destination for each blob."""
    return trial.requests(DESTINATION_ACCOUNT) / trial.verdict["blobs"]


def _trials(lab: Lab, *, is_tls: bool) -> Mapping[str, list[Trial]]:
    behaviour = Behaviour(
        blobs=lab.size(_BLOBS, _SMALL),
        sizes=(_BLOB_BYTES,),
        latency_seconds=_LATENCY_SECONDS,
        bytes_rate=_BYTES_RATE,
        is_tls=is_tls,
    )
    names = lab.unless_small(_NAMES) if is_tls else _NAMES
    return lab.interleaved(names, lambda name: lab.copied(name, behaviour))


def _requests(made: Mapping[str, Sequence[Trial]]) -> Row:
    counts = {name: [destination_requests(it) for it in made[name]] for name in made}
    is_met = None
    if made[FERRY]:
        blobs = made[FERRY][0].verdict["blobs"]
        pages = -(-blobs // _PAGE) + 1
        is_met = max(it.requests(DESTINATION_ACCOUNT) for it in made[FERRY]) <= MOST_REQUESTS * blobs + pages
    return Row(
        goal="1 destination requests per small blob",
        target=f"≤ {MOST_REQUESTS} (+ 1 for {_PAGE} to verify)",
        ours=spread(counts[FERRY], "", digits=4),
        others={it: spread(counts[it], "", digits=4) for it in counts if it != FERRY},
        ratio=_two(ratio(counts.get(AZCOPY, []), counts[FERRY]), ratio(counts.get(RCLONE, []), counts[FERRY])),
        is_met=is_met,
    )


def _rates(made: Mapping[str, Sequence[Trial]]) -> dict[str, list[float]]:
    return {name: [it.verdict["blobs"] / it.measured.seconds for it in made[name]] for name in made}


def _cost(milliseconds: Sequence[float], trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    peak = max(it.measured.peak_bytes for it in trials) / 2**20
    return f"{spread(milliseconds, ' ms', digits=3)}, {peak:.0f} MiB"


def _two(to_azcopy: float | None, to_rclone: float | None) -> str:
    """How many times as good as either."""
    return ", ".join(f"{it:.1f}" if it else "-" for it in (to_azcopy, to_rclone))
