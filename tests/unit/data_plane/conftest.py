"""The world of the data plane's unit tests."""

import pytest

from tests.unit.data_plane.world import World


@pytest.fixture
def world() -> World:
    """Two participants with keys."""
    return World()
