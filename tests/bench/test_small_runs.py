"""Every bench that needs nothing but Python runs once, small: results and counts are right, times do not matter."""

import json
import subprocess
import sys
from typing import Any

import pytest

from bench.standin.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(420)]


def run(bench: str) -> dict[str, dict[str, Any]]:
    """The rows of a small run by their goals. The peers stay out: they would have to be fetched."""
    command = [sys.executable, "-m", f"bench.{bench}", "--small", "--without-peers", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    rows: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return {row["goal"]: row for row in rows}


def numbers(rows: dict[str, dict[str, Any]]) -> set[str]:
    """The goals that have a row."""
    return {goal.partition(" ")[0] for goal in rows}


def test_small_copies_are_right_and_make_no_request_too_many() -> None:
    rows = run("copy")
    assert numbers(rows) == {"0", "1", "2", "3", "4", "5", "6", "7", "8", "13"}
    judged = {goal.partition(" ")[0] for goal, row in rows.items() if row["is_met"]}
    assert judged == {"1", "5", "13"}
    assert not [goal for goal, row in rows.items() if not row["ours"]]


def test_small_faults_leave_nothing_torn_and_nothing_made_twice() -> None:
    rows = run("faults")
    assert numbers(rows) == {"9", "10", "11", "12", "15", "16"}
    assert [goal for goal, row in rows.items() if row["is_met"] is not True] == []


def test_small_costs_are_within_their_goals() -> None:
    rows = run("costs")
    assert {goal: row["is_met"] for goal, row in rows.items()} == dict.fromkeys(
        ("13 a TB in blobs of 1 GiB", "13 a million of 64 KiB"), True
    )
