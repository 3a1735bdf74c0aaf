"""All orders of everything that can happen to one transfer, and defects that the search must find."""

import pytest

from tests.explore.explorer import Explorer
from tests.explore.seeded import DEFECTS, DEFECTS_OF_PAUSES, NO_DEADLINES, Defect

pytestmark = pytest.mark.model

STATES_TO_FIND_A_DEFECT = 150_000
STATES_OF_PAUSES = 100_000
WALKS = 8_000
LONGEST_WALK = 45


@pytest.mark.timeout(1800)
def test_every_explored_order_keeps_the_invariants(pytestconfig: pytest.Config) -> None:
    states: int = pytestconfig.option.explore_states
    report = Explorer().explore(states=states, whole_up_to=1)
    print(f"\nall orders: {report}")
    assert report.violation is None, str(report)
    assert report.states >= states
    assert report.whole_up_to >= 1, "not all orders were seen in which one thing goes wrong"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.name)
def test_seeded_defect_is_found(defect: Defect) -> None:
    explorer = Explorer(defect.decisions, rest_every=5, writes_blindly=defect.writes_blindly, only=defect.needs)
    report = explorer.explore(states=STATES_TO_FIND_A_DEFECT)
    print(f"\nseeded '{defect.name}': {report.violation} after {report.states} states, {len(report.trace)} moves")
    assert report.violation is not None, f"not found in {report.states} states"


@pytest.mark.timeout(600)
def test_every_explored_order_of_pauses_keeps_the_invariants() -> None:
    report = Explorer(pauses=True).explore(states=STATES_OF_PAUSES)
    print(f"\npauses: {report}")
    assert report.violation is None, str(report)


@pytest.mark.timeout(600)
@pytest.mark.parametrize("mishaps", [("",), NO_DEADLINES], ids=["all", "no deadlines"])
def test_every_random_walk_with_pauses_and_mishaps_keeps_the_invariants(mishaps: tuple[str, ...]) -> None:
    report = Explorer(pauses=True, only=mishaps).wander(walks=WALKS, longest=LONGEST_WALK, seed=1)
    print(f"\nwalks: {report}")
    assert report.violation is None, str(report)
    assert report.rested == WALKS


@pytest.mark.timeout(300)
@pytest.mark.parametrize("defect", DEFECTS_OF_PAUSES, ids=lambda defect: defect.name)
def test_seeded_defect_of_a_pause_is_found(defect: Defect) -> None:
    explorer = Explorer(defect.decisions, pauses=True, only=defect.needs)
    report = explorer.wander(walks=WALKS, longest=LONGEST_WALK, seed=1)
    print(f"\nseeded '{defect.name}': {report.violation} after {report.rested} walks, {len(report.trace)} moves")
    assert report.violation is not None, f"not found in {report.rested} walks"
