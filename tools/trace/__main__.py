"""`./run trace`: record one transfer on a stack of its own, check its trace, draw it."""

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from tools.trace.picture import draw
from tools.trace.recording import faults_of, record_transfer

PICTURE = Path(__file__).parents[2] / "docs" / "pictures" / "trace.svg"


def main() -> int:
    """Print what was found; 1 where the trace is not whole."""
    reader = argparse.ArgumentParser(prog="./run trace", description=__doc__)
    reader.add_argument("--spans", type=Path, help="keep the span files in this folder")
    reader.add_argument("--picture", type=Path, default=PICTURE, help="where the drawing goes")
    given = reader.parse_args()
    with tempfile.TemporaryDirectory(prefix="ferry-trace-") as temporary:
        found = record_transfer(given.spans or Path(temporary))
    faults = faults_of(found)
    for fault in faults:
        print(f"trace: {fault}", file=sys.stderr)
    by_participant = dict(Counter(it.participant for it in found))
    milliseconds = (max(it.ended_ns for it in found) - min(it.started_ns for it in found)) / 1e6
    print(f"{len(found)} spans {by_participant} in {milliseconds:.0f} ms, {len(faults)} faults")
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    given.picture.write_text(draw(found))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
