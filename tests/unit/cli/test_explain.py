"""The stories of transfers: the twelve failures as the participants have recorded them, and those that go well."""

import ast
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from ferry.cli.explain.clock import duration
from ferry.cli.explain.explanation import Explainer, Explanation
from ferry.cli.explain.steps import STEPS, StepStatus
from ferry.cli.explain.view import show
from ferry.cli.output import Output
from ferry.domain.causes import CAUSES
from ferry.domain.faults import FaultCode
from ferry.domain.states import TRANSFER_FINAL, TransferState
from tests.unit.cli.recorded_transfers import NOW, names, recorded

CASES_FILE = Path(__file__).parents[2] / "e2e" / "failure_cases.py"


@dataclass(frozen=True, slots=True)
class Told:
    """What must be told of a failure: code, step, whether another try helps, a word of the remedy.

    `done`, `unseen`: the last step that is done for sure, and those that only the provider knows of, without its side.
    """

    code: str
    step: int
    again: bool
    remedy: str
    done: int
    unseen: tuple[int, ...] = ()


FAILURES = {
    "source-blob-missing": Told("SOURCE_BLOB_MISSING", 10, False, "asset's data address", 9),
    "source-key-missing": Told("SOURCE_KEY_MISSING", 8, False, "keyName", 7),
    "sas-invalid": Told("SAS_REFUSED", 11, False, "new transfer", 10),
    "container-deleted-in-mid-copy": Told("DESTINATION_GONE", 13, False, "who deletes", 7, (8, 9, 10, 11, 12)),
    "provider-down-for-good": Told("PEER_UNREACHABLE", 5, True, "ferry doctor --peer", 4),
    "unknown-agreement": Told("AGREEMENT_UNKNOWN", 5, False, "ferry negotiate", 4),
    "agreement-of-somebody-else": Told("AGREEMENT_UNKNOWN", 5, False, "ferry negotiate", 4),
    "consumers-key-missing": Told("DESTINATION_KEY_MISSING", 2, False, "keyName", 1),
    "remote-data-plane-down": Told("DATA_PLANE_UNAVAILABLE", 7, True, "FERRY_DATA_PLANE_URL", 6),
    "forged-marker": Told("VERIFICATION_FAILED", 13, True, "ferry verify", 7, (8, 9, 10, 11, 12)),
    "deadline-passed": Told("DEADLINE_EXCEEDED", 11, True, "FERRY_DEADLINES", 7, (8, 9, 10)),
    "vault-down": Told("VAULT_UNAVAILABLE", 2, True, "ferry doctor", 1),
}


def explained(name: str, *, with_peer: bool) -> Explanation:
    ours, theirs = recorded(name)
    return Explainer(now=NOW).explain(ours, theirs if with_peer else None)


def statuses(told: Explanation, *wanted: StepStatus) -> list[int]:
    return [step.number for step in told.steps if step.status in wanted]


def test_every_failure_that_is_brought_about_end_to_end_has_its_recording() -> None:
    calls = [node for node in ast.walk(ast.parse(CASES_FILE.read_text())) if isinstance(node, ast.Call)]
    cases = [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "FailureCase"]
    told = {str(ast.literal_eval(it.value)) for case in cases for it in case.keywords if it.arg == "name"}
    assert {name.replace(" ", "-").replace("'", "").lower() for name in told} == FAILURES.keys()
    assert names() == FAILURES.keys() | {"completed", "copying", "deprovisioned"}


@pytest.mark.parametrize("name", FAILURES)
def test_failure_tells_step_cause_remedy_and_whether_a_retry_helps(name: str) -> None:
    wanted = FAILURES[name]
    told = explained(name, with_peer=False)
    assert told.error is not None
    assert told.cause is not None
    assert (told.error.code, told.error.step, told.error.retryable) == (wanted.code, wanted.step, wanted.again)
    assert wanted.remedy in told.cause.remedy
    assert statuses(told, StepStatus.FAILED) == [wanted.step]
    sure = statuses(told, StepStatus.DONE, StepStatus.IMPLIED)
    assert [number for number in sure if number <= 13] == list(range(1, wanted.done + 1))
    assert statuses(told, StepStatus.UNSEEN) == list(wanted.unseen)
    assert statuses(told, StepStatus.NOW) == []
    ours, _ = recorded(name)
    assert told.next_commands == (
        f"ferry transfer start {ours.raw['contractId']}",
        f"ferry transfer deprovision {ours.id}",
    )


@pytest.mark.parametrize("name", FAILURES)
def test_failure_is_shown_with_both_sides_lines_in_the_order_of_time(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs = recorded(name)
    told = explained(name, with_peer=True)
    times = [it.line.at for it in told.timeline]
    assert times == sorted(times)
    assert len(times) == len(ours.history) + (len(theirs.history) if theirs else 0)
    show(told, Output())
    shown = capsys.readouterr().out
    assert f"It failed at step {FAILURES[name].step} with {FAILURES[name].code}: " in shown
    assert ("Trying again may help: " in shown) == FAILURES[name].again
    assert ("Trying again alone does not help: " in shown) != FAILURES[name].again
    assert f"Transfer {ours.id} (consumer) is TERMINATED for " in shown
    assert ("--peer-profile" in shown) == (theirs is None and ours.correlation_id is not None)


def test_provider_of_a_failed_transfer_is_told_what_to_mend_and_nothing_to_start() -> None:
    _, theirs = recorded("source-key-missing")
    assert theirs is not None
    told = Explainer(now=NOW).explain(theirs)
    assert told.side == "provider"
    assert told.next_commands == ()
    assert statuses(told, StepStatus.FAILED) == [8]


def test_transfer_that_went_well_has_every_step_of_the_participants_done() -> None:
    told = explained("deprovisioned", with_peer=True)
    assert statuses(told, StepStatus.DONE) == [*range(1, 14), 16, 17, 18]
    assert told.next_commands == ()
    assert told.waits_for is None


def test_steps_of_the_other_side_are_implied_where_only_one_side_is_known() -> None:
    told = explained("completed", with_peer=False)
    assert statuses(told, StepStatus.IMPLIED) == [6, 8, 9, 10, 11, 12]
    assert told.next_commands == (f"ferry transfer deprovision {told.view.id}",)


def test_copy_under_way_is_at_step_11_and_waits_for_the_provider(capsys: pytest.CaptureFixture[str]) -> None:
    told = explained("copying", with_peer=False)
    assert statuses(told, StepStatus.NOW) == [11]
    assert statuses(told, StepStatus.UNSEEN) == [8, 9, 10, 12]
    assert told.next_commands == (f"ferry transfer watch {told.view.id}",)
    show(told, Output())
    shown = capsys.readouterr().out
    assert "It waits for the provider to copy everything and to write the marker." in shown
    assert "If nothing happens it ends by itself in 23 h 55 min." in shown


def test_claim_that_all_is_there_is_not_the_check_of_it() -> None:
    ours, _ = recorded("completed")
    history = tuple(line for line in ours.history if line.state != "COMPLETED")
    assert history[-1].step == 13
    claimed = replace(ours, state="COMPLETING", history=history, delivered={})
    told = Explainer(now=NOW).explain(claimed)
    assert statuses(told, StepStatus.NOW) == [13]
    assert told.waits_for == "its own check of what has arrived"
    checked = next(step for step in explained("completed", with_peer=False).steps if step.number == 13)
    assert checked.what == "data is there and verified"


def test_deadline_that_has_passed_points_at_the_timer() -> None:
    ours, _ = recorded("copying")
    told = Explainer(now=NOW + timedelta(days=2)).explain(ours)
    assert any("the app's timer does not run" in remark for remark in told.remarks)


def test_pull_has_no_table_of_steps() -> None:
    ours, _ = recorded("completed")
    pull = replace(ours, raw={**ours.raw, "transferType": "HttpData-PULL"})
    assert Explainer(now=NOW).explain(pull).steps == []


@pytest.mark.parametrize("state", [state for state in TransferState if state not in TRANSFER_FINAL])
@pytest.mark.parametrize("role", ["CONSUMER", "PROVIDER"])
def test_every_state_that_waits_says_for_what(state: TransferState, role: str) -> None:
    never = {("CONSUMER", "INITIAL"), ("CONSUMER", "STARTING"), ("PROVIDER", "PREPARATION_REQUESTED")}
    never |= {("PROVIDER", "REQUESTING"), ("PROVIDER", "REQUESTED")}
    ours, _ = recorded("copying")
    seen = replace(ours, state=state.value, raw={**ours.raw, "type": role, "state": state.value})
    assert (Explainer(now=NOW).explain(seen).waits_for is None) == ((role, state.value) in never)


def test_every_code_has_its_meaning_and_remedy() -> None:
    assert CAUSES.keys() == {code.value for code in FaultCode}
    assert all(cause.meaning and cause.remedy and not cause.remedy.endswith(".") for cause in CAUSES.values())


def test_every_step_is_in_the_table() -> None:
    assert list(STEPS) == list(range(1, 19))


def test_text_of_the_peer_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    ours, _ = recorded("source-blob-missing")
    assert ours.error is not None
    evil = replace(ours, error=replace(ours.error, message="gone\x1b[2J\r[bold]not markup"))
    show(Explainer(now=NOW).explain(evil), Output())
    shown = capsys.readouterr().out
    assert "\x1b" not in shown
    assert "gone\\x1b[2J\\r[bold]not markup" in shown


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.04, "0.0 s"),
        (9.96, "10.0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (7200, "2 h"),
        (90000, "1 d 1 h"),
    ],
)
def test_duration_is_told_with_its_two_largest_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words
