"""python -m tests.explore --states 2000000"""

import argparse

from tests.explore.explorer import Explorer


def main() -> None:
    """Explore and print; exit code 1 where something is broken."""
    parser = argparse.ArgumentParser(description="Explores all orders of one transfer, the least mishaps first.")
    parser.add_argument("--states", type=int, default=2_000_000, help="how many distinct states to look for")
    parser.add_argument(
        "--mishaps", type=int, default=1, help="everything with so many mishaps is explored in any case"
    )
    parser.add_argument("--pauses", action="store_true", help="clients suspend and resume, too")
    chosen = parser.parse_args()
    report = Explorer(pauses=chosen.pauses).explore(states=chosen.states, whole_up_to=chosen.mishaps)
    print(report)
    raise SystemExit(report.violation is not None)


if __name__ == "__main__":
    main()
