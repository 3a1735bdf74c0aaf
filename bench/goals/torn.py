"""Goal 10: every source blob is overwritten in the middle of its copy. What is made of two versions is torn."""

from collections.abc import Iterator

from bench.copiers.copier import AZCOPY, RCLONE
from bench.copiers.ours import engine
from bench.measuring.lab import Lab, Trial
from bench.measuring.table import Row
from bench.standin.behaviour import Behaviour

_BLOBS, _SMALL = 100, 8
# So large that they go in blocks with everybody, however many there are, and are overwritten between two of ours, which
# are eight of each: what goes in one request is of one version anyway.
_BLOB_BYTES, _MOST_READS = 2 * 2**30, 7
_LATENCY_SECONDS = 0.005


def torn_blobs(lab: Lab) -> Iterator[Row]:
    """Once to be told of the change, once to take the new version whole."""
    behaviour = Behaviour(
        blobs=lab.size(_BLOBS, _SMALL),
        sizes=(_BLOB_BYTES,),
        latency_seconds=_LATENCY_SECONDS,
        changes_after=_MOST_READS,
    )
    peers = {name: lab.copied(name, behaviour) for name in (AZCOPY, RCLONE) if name in lab.copiers}
    for options, target in (((), "0 torn; fails"), (("--takes-changes",), "0 torn; all whole and new")):
        trial = lab.on_stand_in(engine(*options), behaviour)
        verdict, code = trial.verdict, trial.measured.exit_code
        is_met = verdict["torn"] == verdict["older"] == verdict["wrong"] == 0
        is_met = is_met and (verdict["equal"] == behaviour.blobs and code == 0 if options else code != 0)
        yield Row(
            goal=f"10 {behaviour.blobs} sources overwritten in mid-copy{', changes taken' if options else ''}",
            target=target,
            ours=_told(trial),
            others={name: _told(it) for name, it in peers.items()},
            is_met=is_met,
        )


def _told(trial: Trial) -> str:
    verdict = trial.verdict
    return f"{verdict['torn']} torn, {verdict['equal']} whole and new, exit code {trial.measured.exit_code}"
