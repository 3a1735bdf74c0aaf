"""python -m tests.explore --states 2000000"""

import argparse

from tests.explore.explorer import Budgets, Explorer
from tests.explore.test_all_orders import described


def main() -> None:
    """Explore and print; exit code 1 where something is broken."""
    parser = argparse.ArgumentParser(description="Explores all orders of one transfer.")
    parser.add_argument("--states", type=int, default=2_000_000)
    report = Explorer().explore(states=parser.parse_args().states, budgets=Budgets())
    print(described(report))
    raise SystemExit(report.violation is not None)


if __name__ == "__main__":
    main()
