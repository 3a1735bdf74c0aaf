"""Goal 5: 20 blobs of 1 GiB, where one request moves 60 MB in a second at best."""

import statistics
from collections.abc import Iterator

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.measuring.lab import Lab
from bench.measuring.table import Row, ratio, spread
from bench.standin.behaviour import Behaviour
from bench.standin.running import DESTINATION_ACCOUNT

_BLOBS, _SMALL = 20, 2
_GIB = 2**30
AZCOPY_FACTOR, MOST_REQUESTS = 5.0, 20.0


def large_blobs(lab: Lab) -> Iterator[Row]:
    """Bytes in a second, and requests for each GiB."""
    behaviour = Behaviour(
        blobs=lab.size(_BLOBS, _SMALL, least=2),
        sizes=(_GIB,),
        latency_seconds=0.010,
        bytes_rate=1.5e9 if lab.is_small else 60e6,
    )
    made = lab.interleaved((FERRY, AZCOPY, RCLONE), lambda name: lab.copied(name, behaviour))
    total = behaviour.blobs * _GIB
    rates = {name: [total / it.measured.seconds / 1e9 for it in made[name]] for name in made}
    counts = {
        name: statistics.median(it.requests(DESTINATION_ACCOUNT) / behaviour.blobs for it in made[name])
        for name in made
        if made[name]
    }
    told = {name: f"{spread(rates[name], ' GB/s', digits=2)}, {counts[name]:.1f} requests" for name in counts}
    factor = ratio(rates[FERRY], rates.get(AZCOPY, []))
    is_met: bool | None = FERRY in counts and counts[FERRY] <= MOST_REQUESTS
    if is_met and not lab.is_small:
        is_met = factor >= AZCOPY_FACTOR if factor else None
    yield Row(
        goal=f"5 {behaviour.blobs} x 1 GiB",
        target=f"≥ {AZCOPY_FACTOR:g} x AzCopy, ≤ {MOST_REQUESTS:g} requests/GiB",
        ours=told.get(FERRY, ""),
        others={it: told.get(it, "") for it in made if it != FERRY},
        ratio=f"{factor:.1f}" if factor else "-",
        is_met=is_met,
    )
