"""Twelve real failures: the cause of each is in plain sight in the list, in full in the detail, and wherever else.

Every cell of the table of causes is what was found in that place; the table is also in the folder of the run.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from tests.e2e.failure_cases import CLOSED_PORT_URL, FAILURES, FailureCase
from tests.e2e.failure_causes import (
    API,
    CLI,
    DETAIL,
    LIST,
    NOTHING,
    TRACE,
    CauseMatrix,
    awaited,
    recording,
    told_without_browser,
)
from tests.e2e.failure_stage import FailureStage
from tests.e2e.failure_summary import FailureSummary
from tests.e2e.pair import until
from tests.e2e.test_failures import Failures
from tools.ui.browser import Browser, Locator

from .dashboard import Dashboard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

DEADLINES = {"PREPARATION_REQUESTED": 5, "REQUESTING": 8, "REQUESTED": 12, "STARTED": 15}
ENVIRONMENT = {
    CONSUMER: {"FERRY_DEADLINES": json.dumps(DEADLINES), "FERRY_DATA_PLANE_URL": f"{CLOSED_PORT_URL}/api"},
    PROVIDER: {"FERRY_SAS_GRACE_SECONDS": "0"},
}


@pytest.fixture(scope="module")
def spans_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both participants write their spans."""
    return tmp_path_factory.mktemp("spans")


@pytest.fixture(scope="module")
def failures(spans_folder: Path) -> Iterator[Failures]:
    """All cases under way."""
    with (
        LocalStack.start(StackOptions(relay=True, environment=recording(ENVIRONMENT, spans_folder))) as stack,
        FailureStage(stack) as stage,
        FailureStage(stack, swapped=True) as swapped,
    ):
        begun = Failures(stage, swapped)
        begun.begin()
        yield begun


@pytest.fixture(scope="module")
def boards(failures: Failures, browser: Browser) -> Iterator[dict[bool, Dashboard]]:
    """The dashboard of whoever consumes, by whether the participants have changed places."""
    stack = failures.stage(FAILURES[0]).stack
    made = {False: Dashboard(browser, stack.consumer), True: Dashboard(browser, stack.provider)}
    for board in made.values():
        board.sign_in()
    yield made
    for board in made.values():
        board.close()


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_cause_is_in_plain_sight(case: FailureCase, failures: Failures, boards: dict[bool, Dashboard]) -> None:
    board = boards[case.is_swapped]
    view = failures.ended(case)

    board.go("transfers")
    row = board.row(view.id)
    text = until(row.inner_text, lambda seen: "TERMINATED" in seen and case.code in seen)
    assert case.says in text

    row.locator("a").click()
    board.wait_for_state("TERMINATED")
    told = board.page.locator(".standing").inner_text()
    assert f"{case.code} at step {case.step}" in told
    assert case.says in told
    assert ("Trying again may help." if case.is_retryable else "Trying again does not help.") in told
    failed = board.page.locator("table.steps tr.failed").all_inner_texts()
    assert [int(line.split()[0]) for line in failed] == [case.step]
    assert board.page.get_by_role("link", name="Start a new one").count() == 1
    assert board.watched.errors == []
    assert board.violations() == []


@pytest.mark.timeout(400)  # so that many cells may be waited for in vain
def test_cause_of_each_failure_stands_in_five_places(
    failures: Failures, boards: dict[bool, Dashboard], spans_folder: Path, request: pytest.FixtureRequest
) -> None:
    matrix = CauseMatrix((LIST, DETAIL, CLI, API, TRACE))
    for case in FAILURES:
        transfer_id = failures.ended(case).id
        matrix.take(case, told_by_dashboard(boards[case.is_swapped], transfer_id))
        matrix.take(case, told_without_browser(failures.stage(case), transfer_id, spans_folder))
    lines = matrix.lines()
    request.config.pluginmanager.register(FailureSummary("where the causes stand", lines))
    (spans_folder / "causes.txt").write_text("\n".join(lines) + "\n")
    missing = matrix.missing()
    assert not missing, "\n".join(missing)


def told_by_dashboard(board: Dashboard, transfer_id: str) -> dict[str, str]:
    """The code as the list tells it, and as the transfer's own page does."""
    board.go("transfers")
    row = board.row(transfer_id)
    in_list = awaited(lambda: code_in(row))
    board.go(f"transfers/{transfer_id}")
    standing = board.page.locator("main").filter(has_text=transfer_id).locator(".standing")
    return {LIST: in_list, DETAIL: awaited(lambda: code_in(standing))}


def code_in(part: Locator) -> str:
    return " and ".join(part.locator(".code.bad-text").all_inner_texts()) or NOTHING
