"""The plans of the kit's tests, held to the kit's number of tests and to the management API, without Java."""

from ferry.api.management.routes import MANAGEMENT_ROUTES
from tests.tck.plans import CATALOG, PLANS, TESTS, Order

_METADATA_TESTS = 1
# The data plane's own words; nobody orders them.
_OF_THE_PLANE = {Order.START, Order.FINISH}


def test_plans_with_catalog_and_metadata_are_all_tests_of_the_kit() -> None:
    assert len(PLANS) + len(CATALOG) + _METADATA_TESTS == TESTS


def test_every_order_of_a_plan_is_an_operation_of_the_management_api() -> None:
    paths = {route.path for route in MANAGEMENT_ROUTES if route.method == "POST"}
    for subject, steps in PLANS.items():
        noun = "transferprocesses" if subject.startswith("ATP") else "contractnegotiations"
        for order in {step.order for step in steps} - _OF_THE_PLANE:
            assert f"management/v3/{noun}/{{id}}/{order.value}" in paths, f"{order.value} of {subject}"
