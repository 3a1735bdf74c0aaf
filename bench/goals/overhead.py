"""What every copy costs before and after its blobs: the whole life of a process that copies one of 16 bytes.

The walls of the other rows hold it, for everybody: a Python that starts, AzCopy that looks at its work every 2 seconds.
"""

from collections.abc import Iterator

from bench.copiers.copier import AZCOPY, FERRY, RCLONE
from bench.measuring.lab import Lab
from bench.measuring.table import Row, spread
from bench.standin.behaviour import Behaviour


def start_and_end(lab: Lab) -> Iterator[Row]:
    """One row, which nobody judges."""
    behaviour = Behaviour(blobs=1, sizes=(16,))
    made = lab.interleaved(lab.unless_small((FERRY, AZCOPY, RCLONE)), lambda name: lab.copied(name, behaviour))
    told = {name: spread([it.measured.seconds for it in trials], " s", digits=2) for name, trials in made.items()}
    yield Row(goal="0 start and end of a process", target="", ours=told.pop(FERRY), others=told)
