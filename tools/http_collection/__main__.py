"""`python -m tools.http_collection`: `--write` makes the Bruno collection anew; FILE and NAME=VALUE run a file.

python -m tools.http_collection docs/http/ferry.http consumer=http://127.0.0.1:7071/api ...
"""

import argparse
import sys
from pathlib import Path

from tools.http_collection.bruno import write
from tools.http_collection.reading import BadCollection, read
from tools.http_collection.running import Run, WrongAnswer


def main() -> int:
    """Write or run; 1 where an answer is not what it should be."""
    reader = argparse.ArgumentParser(prog="python -m tools.http_collection", description=__doc__)
    reader.add_argument("--write", action="store_true", help="write docs/http/bruno from the .http files")
    reader.add_argument("file", nargs="?", type=Path, help="run this file")
    reader.add_argument("values", nargs="*", help="variables: NAME=VALUE")
    given = reader.parse_args()
    if given.write:
        write()
    if given.file is None:
        return 0
    run = Run(read(given.file), dict(value.split("=", 1) for value in given.values))
    try:
        for request in run.collection.requests:
            print(f"{run.one(request).status} {request.title}", flush=True)
    except (WrongAnswer, BadCollection) as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
