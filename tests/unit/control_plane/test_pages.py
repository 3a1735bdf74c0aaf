"""The pages of a large copy leave with their flow, a part at a time; what is left of flows that are gone is found."""

from dataclasses import replace

import pytest

from ferry.adapters.memory_manifests import MemoryPageManifests
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane import pages
from ferry.control_plane.engine import Engine
from ferry.control_plane.page_decisions import PageRules
from ferry.control_plane.pages import PageService
from ferry.domain.copy_page import CopyPage, copy_page_id
from ferry.domain.data_flow import FlowPages
from tests.unit.control_plane.bench import flow_bench
from tests.unit.control_plane.test_flow_decisions import asked_for
from tests.unit.control_plane.test_page_decisions import asked_for as page_asked_for


def service_of(count: int) -> tuple[PageService, MemoryProcessStore[CopyPage], MemoryPageManifests]:
    """The pages of a flow that has begun so many of them, and its lists."""
    flows = flow_bench()
    flows.put(replace(asked_for(None), pages=FlowPages(begun=count)))
    store, manifests = MemoryProcessStore(CopyPage), MemoryPageManifests()
    for number in range(count):
        store.insert(replace(page_asked_for(), id=copy_page_id("flow-1", number), number=number))
    manifests.keep("flow-1", 0, b"x")
    engine = Engine[CopyPage](
        kind="CopyPage",
        store=store,
        queue=flows.queue,
        rules=PageRules(),
        performers={},
        clock=flows.clock,
        ids=flows.engine.ids,
        limits=flows.engine.limits,
    )
    return PageService(engine=engine, flows=flows.engine, manifests=manifests), store, manifests


def test_pages_and_lists_leave_with_their_flow() -> None:
    service, store, manifests = service_of(3)
    assert service.leave("flow-1")
    assert (store.ids(), list(manifests.flows())) == ([], [])
    assert service.leave("unknown")


def test_many_pages_leave_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "LEAVING_PAGES", 2)
    service, store, manifests = service_of(5)
    assert not service.leave("flow-1")
    assert len(store.ids()) == 3
    assert list(manifests.flows()) == ["flow-1"]
    assert not service.leave("flow-1")
    assert service.leave("flow-1")
    assert (store.ids(), list(manifests.flows())) == ([], [])


def test_lists_and_pages_of_a_flow_that_is_gone_are_removed_and_others_stay() -> None:
    service, store, manifests = service_of(3)
    manifests.keep("flow-2", 0, b"y")
    service.sweep()
    assert (len(store.ids()), list(manifests.flows())) == (3, ["flow-1"])
    service.flows.store.delete("flow-1")
    service.sweep()
    assert (store.ids(), list(manifests.flows())) == ([], [])
