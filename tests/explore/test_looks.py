"""Looks in every order: they do not multiply, and an older one does nothing."""

import pytest

from ferry.control_plane import look_schedule
from ferry.domain.process import Process
from tests.explore.looks import Looks

pytestmark = pytest.mark.model

DEPTH = 6


def test_looks_in_every_order_stay_few_and_old_ones_do_nothing() -> None:
    report = Looks().search(DEPTH)
    print(f"\nlooks: {report.handled} handled in every order of {DEPTH} moves")
    assert report.violation is None, [report.violation, *report.trace]


def test_engine_without_epochs_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(process: Process, epoch: int | None) -> bool:
        del process, epoch
        return False

    monkeypatch.setattr(look_schedule, "is_stale", never)
    report = Looks().search(DEPTH)
    assert report.violation is not None, f"not found in {report.handled} looks"
