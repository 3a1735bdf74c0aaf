"""A process dies before and after each of its effects, on every path: the same end on both sides, nothing left over."""

from collections.abc import Callable

import pytest

from tests.crash.points import FAILURES
from tests.crash.runner import Report, crash_everywhere
from tests.crash.scenarios import SCENARIOS, Scenario
from tests.crash.shared_copies import SHARED_COPIES

pytestmark = pytest.mark.model

type RecordProperty = Callable[[str, object], None]

# The happy path alone has more, and each failure path has its own.
LEAST_POINTS = 60

WITH_FAILURES = (
    "happy path",
    "data plane in another app",
    "unmanaged container with a bystander",
    "source blob missing",
    "client terminates",
    "deprovisioned during the copy",
    "shared copy",
)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scenario", (*SCENARIOS, *SHARED_COPIES), ids=str)
def test_death_at_any_point_leads_to_the_same_end(scenario: Scenario, record_property: RecordProperty) -> None:
    report = crash_everywhere(scenario)
    _tell(report, record_property)
    assert report.failures == []
    assert report.unreached == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize("again_after", [1, 4])
def test_second_death_soon_after_the_first_leads_to_the_same_end(again_after: int) -> None:
    report = crash_everywhere(SCENARIOS[0], again_after=again_after)
    assert report.failures == []
    assert len(report.points) >= LEAST_POINTS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", WITH_FAILURES)
def test_failed_effect_or_lost_answer_anywhere_leads_to_the_same_end(name: str) -> None:
    scenario = next(it for it in (*SCENARIOS, *SHARED_COPIES) if it.name == name)
    report = crash_everywhere(scenario, faults=FAILURES)
    assert report.failures == []
    assert report.runs == 2 * len(report.points)


def _tell(report: Report, record_property: RecordProperty) -> None:
    record_property("scenario", report.scenario.name)
    record_property("crash_points", len(report.points))
    record_property("crash_runs", report.runs)
    record_property("verdict", "failed" if report.failures or report.unreached else "passed")
