"""`./run nightly`: everything that CI has no time for, one after another; a table of what became of each at the end."""

import argparse
import subprocess
import time

from tools.doc_commands.blocks import ROOT

# Verb and arguments, the heavy ones last.
VERBS: tuple[str, ...] = (
    "demo --json",
    "demo --json --unmanaged",
    "demo --json --keyless",
    "crash -q",
    "explore --states 2000000",
    "kill9 --seconds 60",
    "trace --picture .cache/nightly/trace.svg",
    "docs --slow",
    "deploy-check",
    "ui-test",
    "tour",
    "tck",
    "signaling",
    "interop --repeat 3",
    "bench latency",
    "bench listing --rows-only",
    "bench copy",
    "bench faults",
    "bench connector --rounds 1",
    "bench edc",
    "fuzz 1000",
)


def main() -> int:
    """Run them all, whatever becomes of one; 1 where one failed."""
    reader = argparse.ArgumentParser(prog="./run nightly", description=__doc__)
    reader.add_argument("--only", default="", help="only verbs that begin so")
    given = reader.parse_args()
    rows: list[tuple[str, int, float]] = []
    for verb in VERBS:
        if not verb.startswith(given.only):
            continue
        print(f"== ./run {verb}", flush=True)
        begun = time.monotonic()
        done = subprocess.run([str(ROOT / "run"), *verb.split()], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
        rows.append((verb, done.returncode, time.monotonic() - begun))
    print("\n| verb | exit | seconds |\n|---|---|---|")
    for verb, code, seconds in rows:
        print(f"| `./run {verb}` | {code} | {seconds:.0f} |")
    return 1 if any(code for _, code, _ in rows) else 0


if __name__ == "__main__":
    raise SystemExit(main())
