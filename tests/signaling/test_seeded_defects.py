"""Each demand is met by Ferry in memory as well, and not any more when what it asks for is taken away."""

import pytest

from tests.signaling.control_demands import CONTROL_DEMANDS
from tests.signaling.defects import DEFECTS, Defect
from tests.signaling.memory_stage import memory_control, memory_plane
from tests.signaling.plane_demands import PLANE_DEMANDS

pytestmark = pytest.mark.model

EVERY = (*PLANE_DEMANDS, *CONTROL_DEMANDS)


def play(demand: str) -> None:
    """Play a demand against a fresh app."""
    if demand in PLANE_DEMANDS:
        PLANE_DEMANDS[demand](memory_plane())
    else:
        CONTROL_DEMANDS[demand](memory_control())


@pytest.mark.parametrize("demand", EVERY)
def test_demand_is_met_in_memory(demand: str) -> None:
    play(demand)


@pytest.mark.parametrize("defect", DEFECTS, ids=str)
def test_seeded_defect_is_found(defect: Defect, monkeypatch: pytest.MonkeyPatch) -> None:
    defect.patch(monkeypatch)
    with pytest.raises(AssertionError):
        play(defect.demand)


def test_every_demand_has_its_defect() -> None:
    assert sorted(defect.demand for defect in DEFECTS) == sorted(EVERY)
