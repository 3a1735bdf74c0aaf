"""Sorts the tests: those marked `emulators` or `e2e` may open sockets, those marked `model` run whole flows in memory,
those marked `fuzz` send generated requests, every other one is a unit test.

It also brings the options that a conftest below tests/ would bring too late.
"""

import pytest

TIERS_WITH_SOCKETS = ("emulators", "e2e")
TIERS_IN_MEMORY = ("model", "fuzz")


def pytest_addoption(parser: pytest.Parser) -> None:
    """What runs the participants of end-to-end tests, how far the explorer goes, how long tests kill and fuzz."""
    parser.addoption("--explore-states", type=int, default=200_000, help="how many states the explorer visits")
    parser.addoption("--fuzz-examples", type=int, default=25, help="requests to each operation (tests/fuzz)")
    parser.addoption("--host", choices=("devhost", "func"), default="devhost", help="host of the e2e participants")
    parser.addoption("--kill-seconds", type=float, default=15.0, help="for how long processes are killed (tests/kill)")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test with its tier before `-m` selects."""
    for item in items:
        needs_sockets = any(item.get_closest_marker(tier) for tier in TIERS_WITH_SOCKETS)
        if needs_sockets:
            item.add_marker("enable_socket")
        elif not any(item.get_closest_marker(tier) for tier in TIERS_IN_MEMORY):
            item.add_marker("unit")
