"""Twelve failures: each ends TERMINATED with code, sentence, step and advice on both sides; access is withdrawn."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from ferry.cli.hosts import HostKind
from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions

from .failure_cases import CLOSED_PORT_URL, FAILURES, FailureCase
from .failure_causes import API, CLI, TRACE, CauseMatrix, recording, told_without_browser
from .failure_stage import FailureStage
from .failure_summary import FailureSummary
from .pair import until

# The first test pays for the stack of the file.
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

DEADLINES = {"PREPARATION_REQUESTED": 5, "REQUESTING": 8, "REQUESTED": 12, "STARTED": 15}
ENVIRONMENT = {
    CONSUMER: {"FERRY_DEADLINES": json.dumps(DEADLINES), "FERRY_DATA_PLANE_URL": f"{CLOSED_PORT_URL}/api"},
    # The emulator's access policies are in force at once.
    PROVIDER: {"FERRY_SAS_GRACE_SECONDS": "0"},
}
END_SECONDS = 30.0
WITHDRAWAL_SECONDS = 10.0


class Failures:
    """The transfers that are made to fail, all at once, on one stack."""

    def __init__(self, stage: FailureStage, swapped: FailureStage) -> None:
        self._stages = {False: stage, True: swapped}
        self._transfers: dict[str, str] = {}

    def begin(self) -> None:
        """Begin all but those that the others would feel, those with the longest deadlines first."""
        for case in reversed(FAILURES):
            if not case.is_alone:
                self._begin(case)

    def stage(self, case: FailureCase) -> FailureStage:
        return self._stages[case.is_swapped]

    def ended(self, case: FailureCase) -> TransferView:
        """The consumer's view of the case once it is TERMINATED."""
        if case.name not in self._transfers:
            for other in FAILURES:
                if other.name in self._transfers:
                    self.ended(other)
            self._begin(case)
        view = self.stage(case).wait(self._transfers[case.name], "TERMINATED", "COMPLETED", seconds=END_SECONDS)
        if case.is_alone:
            self.stage(case).stack.admin.clear_vault_faults(CONSUMER)
        return view

    def _begin(self, case: FailureCase) -> None:
        self._transfers[case.name] = case.begin(self.stage(case))


@pytest.fixture(scope="module")
def spans_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where both participants write their spans."""
    return tmp_path_factory.mktemp("spans")


@pytest.fixture(scope="module")
def failures(host_kind: HostKind, spans_folder: Path) -> Iterator[Failures]:
    """All cases under way."""
    environment = recording(ENVIRONMENT, spans_folder)
    options = StackOptions(relay=True, environment=environment, host=host_kind, ready_seconds=120)
    with (
        LocalStack.start(options) as stack,
        FailureStage(stack) as stage,
        FailureStage(stack, swapped=True) as swapped,
    ):
        begun = Failures(stage, swapped)
        begun.begin()
        yield begun


@pytest.fixture(scope="module")
def summary(request: pytest.FixtureRequest) -> FailureSummary:
    """The table at the end of the run."""
    made = FailureSummary("twelve failures")
    request.config.pluginmanager.register(made)
    return made


@pytest.mark.parametrize("case", FAILURES, ids=lambda case: case.name)
def test_failure_ends_terminated_with_its_cause(case: FailureCase, failures: Failures, summary: FailureSummary) -> None:
    stage = failures.stage(case)
    view = failures.ended(case)
    check_cause(case, view)
    if case.by_provider:
        theirs = stage.wait_provider(view, "TERMINATED")
        check_cause(case, theirs)
        until(lambda: stage.access_left(stage.provider_name, theirs.id), is_empty, timeout_seconds=WITHDRAWAL_SECONDS)
    until(lambda: stage.access_left(stage.consumer_name, view.id), is_empty, timeout_seconds=WITHDRAWAL_SECONDS)
    summary.lines.append(table_line(case, view))


def test_cause_of_each_failure_stands_in_cli_api_and_trace(
    failures: Failures, spans_folder: Path, request: pytest.FixtureRequest
) -> None:
    matrix = CauseMatrix((CLI, API, TRACE))
    for case in FAILURES:
        transfer_id = failures.ended(case).id
        matrix.take(case, told_without_browser(failures.stage(case), transfer_id, spans_folder))
    request.config.pluginmanager.register(FailureSummary("where the causes stand", matrix.lines()))
    missing = matrix.missing()
    assert not missing, "\n".join(missing)


def check_cause(case: FailureCase, view: TransferView) -> None:
    """The cause as the API shows it, and the same in the line of history that ends the transfer."""
    assert view.state == "TERMINATED", view
    assert view.error is not None
    assert view.error.code == case.code, view.error
    assert view.error.step == case.step, view.error
    assert view.error.retryable == case.is_retryable, view.error
    assert case.says in view.error.message
    end = next(line for line in view.history if line.state == "TERMINATED")
    assert end.what == f"{case.code}: {view.error.message}"
    assert end.step == view.error.step


def table_line(case: FailureCase, view: TransferView) -> str:
    error = view.error
    assert error is not None
    end = next(line for line in view.history if line.state == "TERMINATED")
    seconds = (end.at - view.history[0].at).total_seconds()
    again = "retry helps" if error.retryable else "no retry"
    return f"{case.name:30} {error.code:24} step {error.step!s:2} {again:11} {seconds:4.1f} s  {error.message}"


def is_empty(left: object) -> bool:
    return not left


def test_deprovision_after_each_failure_leaves_nothing(failures: Failures) -> None:
    ended = [(failures.stage(case), failures.ended(case)) for case in FAILURES]
    for stage, view in ended:
        stage.consumer.deprovision(view.id)
    for stage, view in ended:
        stage.wait(view.id, "DEPROVISIONED")
        assert not stage.container_exists(view.destination["container"])
