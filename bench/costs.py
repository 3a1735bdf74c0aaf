"""What a TB in large blobs and a million small ones cost to copy in Azure, by Ferry, AzCopy, rclone and EDC.

    ./run bench costs [--small] [--json]

Operations are counted at a stand-in of the service and multiplied with the prices of `infra/costs.json` and
`bench/prices.json`: put your own prices there.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from bench.copiers.all import chosen_copiers
from bench.goals.costs import cost_rows, read_prices
from bench.measuring.lab import Lab, tell
from bench.measuring.table import markdown
from ferry.cli.failure import CommandFailed
from tools.costs import read_costs


def main(arguments: Sequence[str]) -> int:
    """Count, multiply, print."""
    parser = argparse.ArgumentParser(
        prog="./run bench costs", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--small", action="store_true", help="count a small copy; pages of names then weigh more")
    parser.add_argument("--without-peers", action="store_true", help="Ferry alone, nothing to compare with")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        copiers = {it.name: it for it in chosen_copiers(has_peers=not asked.without_peers)}
    except CommandFailed as error:
        tell(str(error))
        return 1
    lab = Lab(copiers=copiers, rounds=1, is_small=asked.small)
    rows = list(cost_rows(lab))
    if asked.json:
        print(json.dumps({"rows": [asdict(row) for row in rows]}))
    else:
        print(markdown(rows, [*list(copiers)[1:], *read_prices()["counted_before"]]))
        told = read_costs()
        print(f"\n{told['currency']}, {told['region']}, {told['noted']}; {read_prices()['noted']}")
    return 1 if lab.faults or any(row.is_met is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
