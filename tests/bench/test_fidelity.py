"""What Ferry keeps of a blob is what the page says, and nothing is lost without a word."""

import json
import subprocess
import sys
from functools import cache

import pytest

from bench.fidelity import HONEST, OURS
from bench.keeping.cases import cases
from bench.keeping.page import outcomes
from bench.standin.running import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]
_PAGE = ROOT / "docs" / "reference" / "fidelity.md"


@cache
def run() -> dict[str, list[str]]:
    """What has become of each row, for Ferry by the service and streamed."""
    command = [sys.executable, "-m", "bench.fidelity", "--without-peers", "--json"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=580, check=False)
    assert done.stdout, done.stderr
    return json.loads(done.stdout)["cells"]


def test_what_a_copy_keeps_is_what_the_page_says() -> None:
    assert run() == outcomes(_PAGE.read_text(), OURS)


def test_nothing_is_lost_without_a_word() -> None:
    assert {name: row for name, row in run().items() if not HONEST.issuperset(row)} == {}


def test_every_case_is_tried() -> None:
    assert set(run()) == {case.name for case in cases()}
