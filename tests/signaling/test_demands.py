"""The 38 demands of Data Plane Signaling over HTTP, each as a test under its id."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.signaling.control_demands import CONTROL_DEMANDS
from tests.signaling.plane_demands import PLANE_DEMANDS
from tests.signaling.stage import HttpApp, HttpPlane, open_control, open_plane

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpPlane]:
    """A data plane as an app of its own."""
    with ExitStack() as exits:
        yield open_plane(exits, _folder(tmp_path_factory, "plane"))


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HttpApp]:
    """A control plane with somebody else's data plane."""
    with ExitStack() as exits:
        yield open_control(exits, _folder(tmp_path_factory, "control"))


@pytest.mark.parametrize("demand", PLANE_DEMANDS)
def test_data_plane_does_what_is_demanded(plane: HttpPlane, demand: str) -> None:
    try:
        PLANE_DEMANDS[demand](plane)
    finally:
        plane.release()


@pytest.mark.parametrize("demand", CONTROL_DEMANDS)
def test_control_plane_does_what_is_demanded(control: HttpApp, demand: str) -> None:
    CONTROL_DEMANDS[demand](control)


def test_there_are_as_many_demands_as_the_specification_has() -> None:
    assert (len(PLANE_DEMANDS), len(CONTROL_DEMANDS)) == (28, 10)


def _folder(factory: pytest.TempPathFactory, name: str) -> Path:
    return factory.mktemp(name)
