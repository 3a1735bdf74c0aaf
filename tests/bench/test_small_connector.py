"""A small run of what compares the connector with its engine: results are right, progress never goes back."""

import json
import subprocess
import sys
from typing import Any

import pytest

from bench.standin.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(240)]


def test_small_transfers_are_right_and_their_progress_never_goes_back() -> None:
    command = [sys.executable, "-m", "bench.connector", "--small", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=220, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    judged = {row["goal"]: row["is_met"] for row in rows if row["is_met"] is not None}
    wanted = [f"{case}: progress at the {name}" for case in ("300 x 4 KiB", "1 x 64 MiB") for name in SIDES]
    assert judged == dict.fromkeys(wanted, True)
    assert [row["goal"] for row in rows if not row["ours"]] == []


SIDES = ("consumer", "provider")
