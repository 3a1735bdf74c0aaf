"""`python -m tools.reference`: name the pages of the reference that are stale; `--write` brings them up to date."""

import argparse
import sys

from tools.reference.pages import ROOT, stale


def main() -> int:
    """Name or write them; 1 where some are stale and stay so."""
    reader = argparse.ArgumentParser(prog="python -m tools.reference", description=__doc__)
    reader.add_argument("--write", action="store_true", help="write those that are stale")
    given = reader.parse_args()
    found = stale()
    for path, text in found.items():
        if given.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        print(f"{'written' if given.write else 'stale'}: {path.relative_to(ROOT)}")
    return 1 if found and not given.write else 0


if __name__ == "__main__":
    sys.exit(main())
