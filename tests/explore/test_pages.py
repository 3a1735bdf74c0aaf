"""All orders of everything that can happen to a shared copy, and defects that the search must find."""

from dataclasses import replace

import pytest

from ferry.control_plane import flow_pages
from ferry.domain.data_flow import DataFlow, FlowPages
from ferry.domain.process import Intent
from tests.explore.pages import search

pytestmark = pytest.mark.model

STATES = 50_000


def test_shared_copy_comes_to_its_end_once_in_every_order() -> None:
    report = search(STATES)
    print(f"\nshared copies: {report.states} states, {report.ended} ends")
    assert report.violation is None, [report.violation, *report.trace]
    assert 1000 < report.states < STATES, "not all of them were seen"
    assert report.ended > 0


def test_page_that_counts_each_time_it_tells_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: FlowPages, number: int) -> bool:
        del self, number
        return False

    monkeypatch.setattr(FlowPages, "is_done", never)
    assert search(STATES).violation is not None


def test_flow_that_waits_and_is_never_due_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgets(flow: DataFlow, copy: Intent, now: object) -> DataFlow:
        del now
        return flow.without_intent(copy.id)

    monkeypatch.setattr(flow_pages, "waiting", forgets)
    assert search(STATES).violation == "at rest, and not at its end"


def test_lister_that_overwrites_what_pages_have_told_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = flow_pages.saved

    def forgetful(flow: DataFlow, checkpoint: dict[str, object], now: object) -> DataFlow:
        begun = checkpoint["pages"]
        assert isinstance(begun, int)
        return replace(usual(replace(flow, pages=None), checkpoint, now), pages=FlowPages(begun=begun))  # type: ignore[arg-type]

    monkeypatch.setattr(flow_pages, "saved", forgetful)
    assert search(STATES).violation is not None
