"""Goal 12: the destination's service cannot read the source. How soon does the client pass the bytes through itself?"""

from collections.abc import Iterator

from bench.copiers.copier import AZCOPY, RCLONE
from bench.copiers.ours import engine
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour
from bench.standin.orders import FROM_URL

_BLOBS, _SMALL = 400, 60
_BLOB_BYTES = 64 * 1024
# Nearly none, so that what is left is the client's own.
_LATENCY_SECONDS = 0.001
MOST_REQUESTS, MOST_MILLISECONDS = 2, 50.0


def fallback(lab: Lab) -> Iterator[Row]:
    """Requests that were of no use, and the time from the first of them to the first byte that is read."""
    behaviour = Behaviour(
        blobs=lab.size(_BLOBS, _SMALL), sizes=(_BLOB_BYTES,), latency_seconds=_LATENCY_SECONDS, copies=False
    )
    peers = {name: lab.copied(name, behaviour) for name in (AZCOPY, RCLONE) if name in lab.copiers}
    trial = lab.on_stand_in(engine(), behaviour)
    asked, milliseconds = in_vain(trial), _decided_milliseconds(trial)
    is_met = not trial.fault and asked <= MOST_REQUESTS
    if not lab.is_small:
        is_met = is_met and milliseconds <= MOST_MILLISECONDS
    told = trial.fault or f"{asked} requests, {milliseconds:.0f} ms, {trial.verdict['equal']} equal"
    yield Row(
        goal=f"12 source out of the service's reach, {behaviour.blobs} blobs",
        target=f"≤ {MOST_REQUESTS} requests for all, ≤ {MOST_MILLISECONDS:g} ms",
        ours=told,
        others={name: f"{in_vain(it)} requests, {it.verdict['equal']} equal" for name, it in peers.items()},
        is_met=is_met,
    )


def in_vain(trial: Trial) -> int:
    """Server-side copies that were refused, and looks at the source."""
    kinds = FROM_URL | {"Get Blob Properties"}
    return sum(count for key, count in trial.stats["requests"].items() if key.partition(" ")[2] in kinds)


def _decided_milliseconds(trial: Trial) -> float:
    seen = trial.stats["first_seen"]
    tried = [at for operation, at in seen.items() if operation in FROM_URL]
    return 1000 * (seen.get("Get Blob", float("inf")) - min(tried, default=0.0))
