"""Sorts the tests: those marked `emulators` or `e2e` may open sockets, every other one is a unit test and may not."""

import pytest

TIERS_WITH_SOCKETS = ("emulators", "e2e")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier before `-m` selects."""
    for item in items:
        needs_sockets = any(item.get_closest_marker(tier) for tier in TIERS_WITH_SOCKETS)
        item.add_marker("enable_socket" if needs_sockets else "unit")
