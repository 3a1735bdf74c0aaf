"""Goal 4: goodput where the destination account takes 500 or 2000 requests in a second and refuses the rest."""

import statistics
from collections.abc import Iterator, Sequence

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row, ratio
from bench.standin.behaviour import Behaviour

_SECONDS, _SMALL = 10, 300
_LIMITS = (500, 2000)
_BLOB_BYTES = 64 * 1024
GOODPUT, REFUSALS = 0.95, 0.10


def under_limits(lab: Lab) -> Iterator[Row]:
    """One row for each limit. Goodput counts from the first request to the last, for everybody."""
    for limit in _LIMITS:
        behaviour = Behaviour(
            blobs=lab.size(limit * _SECONDS, _SMALL),
            sizes=(_BLOB_BYTES,),
            latency_seconds=0.010,
            bytes_rate=60e6,
            requests_rate=float(limit),
        )
        made = lab.interleaved(
            lab.unless_small((FERRY, AZCOPY, RCLONE)),
            lambda name, behaviour=behaviour: lab.copied(name, behaviour),
        )
        shares = {name: [goodput(it) / limit for it in made[name]] for name in made}
        is_met = None
        if not lab.is_small and made[FERRY]:
            refused = statistics.median(refusals(it) for it in made[FERRY])
            is_met = statistics.median(shares[FERRY]) >= GOODPUT and refused <= REFUSALS
        yield Row(
            goal=f"4 limit of {limit} requests/s",
            target=f"≥ {GOODPUT:.0%}, ≤ {REFUSALS:.0%} refused",
            ours=_told(shares[FERRY], made[FERRY]),
            others={it: _told(shares[it], made[it]) for it in made if it != FERRY},
            ratio=", ".join(
                f"{it:.1f}" if it else "-"
                for it in (ratio(shares[FERRY], shares.get(name, [])) for name in (AZCOPY, RCLONE))
            ),
            is_met=is_met,
        )


def goodput(trial: Trial) -> float:
    """Blobs that arrived, by the second."""
    return trial.verdict["equal"] / trial.seconds_served if trial.seconds_served else 0.0


def refusals(trial: Trial) -> float:
    """Requests that were refused, by the blob."""
    return trial.answers(503) / trial.verdict["blobs"]


def _told(shares: Sequence[float], trials: Sequence[Trial]) -> str:
    if not trials:
        return ""
    return f"{statistics.median(shares):.1%}, {statistics.median(refusals(it) for it in trials):.1%} refused"
