"""All orders of everything that can happen to one transfer, and defects that the search must find."""

import pytest

from tests.explore.explorer import Budgets, Explorer, Report
from tests.explore.seeded import DEFECTS, Defect

pytestmark = pytest.mark.model

STATES_TO_FIND_A_DEFECT = 150_000


def described(report: Report) -> str:
    """The figures of an exploration, and how it came to a violation."""
    told = (
        f"{report.states} distinct states{' (the whole space)' if report.is_whole else ''}, {report.moves} visited, "
        f"{report.documents} documents, {report.rested} brought to rest, {report.seconds:.1f} s"
    )
    return "\n  ".join([told, *([f"VIOLATION: {report.violation}", *report.trace] if report.violation else [])])


@pytest.mark.timeout(1800)
def test_every_explored_order_keeps_the_invariants(pytestconfig: pytest.Config) -> None:
    states: int = pytestconfig.option.explore_states
    report = Explorer().explore(states=states, budgets=Budgets())
    print(f"\nall orders: {described(report)}")
    assert report.violation is None, described(report)
    assert report.states >= states or report.is_whole


@pytest.mark.timeout(300)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_seeded_defect_is_found(defect: Defect) -> None:
    explorer = Explorer(defect.decisions, rest_every=5, writes_blindly=defect.writes_blindly)
    report = explorer.explore(states=STATES_TO_FIND_A_DEFECT, budgets=Budgets())
    print(f"\nseeded '{defect.name}': {report.violation} after {report.states} states, {len(report.trace)} moves")
    assert report.violation is not None, f"not found in {report.states} states"
