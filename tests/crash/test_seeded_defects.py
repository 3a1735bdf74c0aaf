"""Defects put in on purpose are found by killing processes; a search that finds none of them would prove nothing."""

import uuid

import pytest

from ferry.control_plane import transfers
from tests.crash.defects import DEFECTS, Defect
from tests.crash.runner import Report, crash_everywhere
from tests.crash.scenarios import SCENARIOS

pytestmark = pytest.mark.model


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_seeded_defect_is_found(defect: Defect) -> None:
    scenario = next(it for it in SCENARIOS if it.name == defect.scenario)
    report = crash_everywhere(scenario, defect.install, only=lambda point: defect.at in point.effect)
    assert any(defect.sign in failure for failure in report.failures), _missed(report)


def test_provider_pid_that_is_not_derived_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def random_pid(peer_id: str, consumer_pid: str) -> str:
        del peer_id, consumer_pid
        return str(uuid.uuid4())

    monkeypatch.setattr(transfers, "provider_pid_of", random_pid)
    report = crash_everywhere(SCENARIOS[0], only=lambda point: point.side == "provider")
    assert any("2 transfers" in failure for failure in report.failures), _missed(report)


def _missed(report: Report) -> str:
    return f"{len(report.points)} points, {report.runs} runs: {report.failures or 'nothing was found'}"
