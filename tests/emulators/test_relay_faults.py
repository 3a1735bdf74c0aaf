"""The plans of faults: whose turn it is."""

from ferry.emulators.faults import FaultPlan
from ferry.emulators.relay_faults import RelayFault, RelayFaultPlan


def _statuses(plan: RelayFaultPlan, count: int, *, method: str = "GET", path: str = "/acc/con") -> list[int | None]:
    taken = [plan.take("blob", method, path) for _ in range(count)]
    return [None if fault is None else fault.status for fault in taken]


def test_every_third_request_is_spoilt() -> None:
    plan = RelayFaultPlan()
    plan.plan(RelayFault("status", every=3))
    assert _statuses(plan, 6) == [None, None, 503, None, None, 503]


def test_limit_reached_nothing_more_is_spoilt() -> None:
    plan = RelayFaultPlan()
    plan.plan(RelayFault("status", status=500, limit=2))
    assert _statuses(plan, 4) == [500, 500, None, None]


def test_request_that_does_not_fit_is_not_counted() -> None:
    plan = RelayFaultPlan()
    plan.plan(RelayFault("status", every=2, service="blob", method="PUT", path_contains=".complete"))
    assert _statuses(plan, 3, method="PUT") == [None, None, None]
    assert _statuses(plan, 3, path="/acc/con/.complete") == [None, None, None]
    assert plan.take("table", "PUT", "/acc/.complete") is None
    assert _statuses(plan, 2, method="PUT", path="/acc/con/.complete") == [None, 503]


def test_two_faults_due_at_once_first_one_wins() -> None:
    plan = RelayFaultPlan()
    plan.plan(RelayFault("status", status=500, every=2), RelayFault("status", status=503))
    assert _statuses(plan, 4) == [503, 500, 503, 500]


def test_cleared_plan_spoils_and_delays_nothing() -> None:
    plan = RelayFaultPlan()
    plan.plan(RelayFault("reset"))
    plan.delay_seconds = 1.0
    plan.clear()
    assert _statuses(plan, 1) == [None]
    assert plan.delay_seconds == 0.0


def test_fault_for_two_calls_third_call_is_answered() -> None:
    faults = FaultPlan()
    faults.plan(429, calls=2, retry_after_seconds=1.5)
    first, second, third = faults.take(), faults.take(), faults.take()
    assert first is not None
    assert second is not None
    assert (first.status, first.headers["Retry-After"]) == (429, "1.5")
    assert third is None


def test_fault_whose_time_is_over_is_not_taken() -> None:
    faults = FaultPlan()
    faults.plan(503, seconds=0.0)
    assert faults.take() is None


def test_fault_without_an_end_lasts_until_cleared() -> None:
    faults = FaultPlan()
    faults.plan(503)
    assert all(faults.take() for _ in range(5))
    faults.clear()
    assert faults.take() is None
