"""A copy that is shared: listed once, begun as pages, copied in any order, delivered with one marker."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.control_plane import flow_pages
from ferry.data_plane.copy_page import PageCopier
from ferry.data_plane.copy_runner import CopyRunner
from ferry.data_plane.listed_page import decode
from ferry.data_plane.manifest import Manifest
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import OPEN_PAGES_LIMIT
from ferry.domain.decision import PageReport
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.secret import Secret
from tests.unit.data_plane.world import SOURCE_CONTAINER, Recorder, World, intent

COPY = replace(intent(IntentKind.COPY), attempt=1)
VERIFY = intent(IntentKind.VERIFY_DELIVERY)
MIB = 1024 * 1024


class Shared:
    """A flow whose slices and pages a test runs by hand, as the control plane would."""

    def __init__(self, world: World, source: SourceAddress, **options: Any) -> None:
        self.world = world
        self.process = world.prepared(world.process())
        self.flow = world.flow(self.process, source)
        self.services = world.services(**options)
        self.watch = Recorder()
        world.operations()

    def slice(self) -> JsonObject:
        """One slice of the flow, and what it told."""
        result = CopyRunner(self.services).run(self.flow, COPY, watch=self.watch)
        for checkpoint in [*self.watch.seen, result.get("checkpoint")]:
            if isinstance(checkpoint, dict):
                self.flow = flow_pages.saved(self.flow, checkpoint, self.world.clock.now())
        self.watch.seen.clear()
        return result

    def copy_page(self, number: int) -> JsonObject:
        """One page to its end, as one worker would do it, and told to the flow."""
        result = self.page_slice(number)
        while result["finished"] is False:
            assert result.get("waits") is None
            result = self.page_slice(number)
        report = result["report"]
        assert isinstance(report, dict)
        methods, changes = report["methods"], report["changes"]
        told = PageReport(
            number,
            int(str(report["blobs"])),
            int(str(report["bytes"])),
            is_done=True,
            methods=methods if isinstance(methods, dict) else {},
            has_changes=changes is True,
        )
        self.flow = flow_pages.told(self.flow, told, self.world.clock.now())
        return result

    def page_slice(self, number: int) -> JsonObject:
        """One slice of a page."""
        page = self.page(number)
        result = PageCopier(self.services).run(page, self.flow, COPY, watch=Recorder())
        checkpoint = result.get("checkpoint")
        if isinstance(checkpoint, dict):
            self.world.desk.pages[number] = replace(page, checkpoint=checkpoint)
        return result

    def page(self, number: int) -> CopyPage:
        return self.world.desk.pages[number]

    def copy_all(self, order: Sequence[int]) -> JsonObject:
        """All pages in that order, then the end of the flow."""
        for number in order:
            self.copy_page(number)
        return self.slice()

    def is_verified(self) -> bool:
        return self.world.verifier().verify(self.process, VERIFY)["outcome"] == "verified"


def five(world: World) -> SourceAddress:
    return world.source_blobs(**{f"b{number}": b"x" * (number + 1) for number in range(5)})


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_pages_copied_in_any_order_are_one_delivery(world: World, order: tuple[int, ...]) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    assert shared.slice()["waits"] is True
    assert [(it.listing, it.first, it.last) for it in world.desk.pages.values()] == [(0, 0, 2), (1, 0, 2), (2, 0, 1)]
    assert world.delivered() == {}

    result = shared.copy_all(order)

    assert result["finished"] is True
    summary = result["summary"]
    assert isinstance(summary, dict)
    assert (summary["blobs"], summary["bytes"], summary["methods"]) == (5, 15, {"put_from_url": 5})
    assert shared.is_verified()
    operations = world.operations()
    assert (operations.count("Put Blob From URL"), operations.count("Put Blob")) == (5, 1)


def test_marker_names_the_blobs_in_the_order_of_the_listing_and_the_lists(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    shared.copy_all((2, 0, 1))
    manifest = Manifest.parse(world.delivered()[".complete"])
    assert manifest.entries == tuple((f"data/b{number}", number + 1) for number in range(5))
    assert world.delivered()[".complete"].count(b'"lists":[') == 1


def test_nothing_is_finished_before_the_last_page(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    shared.copy_page(0)
    shared.copy_page(2)
    assert shared.slice()["waits"] is True
    assert ".complete" not in world.delivered()
    assert world.desk.looked_after[-1][0] == (1,)


def test_what_was_listed_once_is_copied_though_the_source_has_changed_since(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    before = shared.flow
    shared.slice()
    world.source_blobs(**{"a-new": b"not listed", "a-newer": b"neither"})
    shared.flow = before

    shared.slice()

    listed = [decode(world.manifests.read(before.id, number) or b"") for number in range(3)]
    assert [item.name for page in listed for item in page.items] == [f"data/b{number}" for number in range(5)]
    assert world.desk.begun == [0, 1, 2, 0, 1, 2]
    shared.copy_all((0, 1, 2))
    assert "data/a-new" not in world.delivered()


def test_no_more_pages_are_open_than_may_be_and_listing_goes_on_when_there_is_room(world: World) -> None:
    blobs = {f"b{number:03d}": b"0123456789" for number in range(OPEN_PAGES_LIMIT + 6)}
    shared = Shared(world, world.source_blobs(**blobs), page_bytes=10)
    shared.slice()
    assert len(world.desk.pages) == OPEN_PAGES_LIMIT
    assert shared.slice()["waits"] is True
    assert len(world.desk.pages) == OPEN_PAGES_LIMIT

    for number in range(4):
        shared.copy_page(number)
    shared.slice()
    assert len(world.desk.pages) == OPEN_PAGES_LIMIT + 4
    for number in range(4, OPEN_PAGES_LIMIT):
        shared.copy_page(number)
    shared.slice()
    result = shared.copy_all(range(OPEN_PAGES_LIMIT, OPEN_PAGES_LIMIT + 6))
    assert result["finished"] is True
    # What is listed is kept; a later slice does not list it again. The name of the marker is asked for once.
    assert world.operations().count("List Blobs") == 1
    assert shared.is_verified()


def test_very_large_blob_is_shared_by_its_blocks_and_committed_last(world: World) -> None:
    content = bytes(range(256)) * (80 * MIB // 256)
    world.cloud.add_blob(world.provider_account, SOURCE_CONTAINER, "big", content)
    shared = Shared(world, SourceAddress("providerdata", SOURCE_CONTAINER, blob_name="big"), page_bytes=64 * MIB)
    shared.slice()
    assert [(it.first_block, it.last_block, it.commits) for it in world.desk.pages.values()] == [
        (0, 2, False),
        (2, 3, False),
        (None, None, True),
    ]
    assert shared.page_slice(2) == {"finished": False, "waits": True}
    shared.copy_page(1)
    assert shared.page_slice(2) == {"finished": False, "waits": True}
    shared.copy_page(0)
    assert "big" not in world.delivered()

    result = shared.copy_all((2,))

    assert result["finished"] is True
    assert world.delivered()["big"] == content
    summary = result["summary"]
    assert isinstance(summary, dict) and (summary["blobs"], summary["bytes"]) == (1, 80 * MIB)
    assert shared.flow.pages is not None
    assert (shared.flow.pages.blobs, shared.flow.pages.size_bytes) == (1, 80 * MIB)
    operations = world.operations()
    assert (operations.count("Put Block From URL"), operations.count("Put Block List")) == (3, 1)
    assert shared.is_verified()


def test_blob_that_changes_is_delivered_at_its_new_size_where_that_is_wanted(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2, takes_changes=True)
    shared.slice()
    world.cloud.add_blob(world.provider_account, SOURCE_CONTAINER, "data/b3", b"longer than before")
    result = shared.copy_all((0, 1, 2))
    assert result["finished"] is True
    assert dict(Manifest.parse(world.delivered()[".complete"]).entries or ())["data/b3"] == 18
    assert shared.is_verified()


def test_blob_that_changes_fails_its_page_where_that_is_not_wanted(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    world.cloud.add_blob(world.provider_account, SOURCE_CONTAINER, "data/b3", b"longer than before")
    with pytest.raises(EffectFailed) as caught:
        shared.copy_page(1)
    assert (caught.value.fault.code, caught.value.fault.step) == (FaultCode.SOURCE_CHANGED, 11)


def test_name_of_the_marker_is_refused_before_anything_is_begun(world: World) -> None:
    for name in (".complete", "a", "b"):
        world.single(name, b"1")
    shared = Shared(world, SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix=""), page_blobs=1)
    with pytest.raises(EffectFailed) as caught:
        shared.slice()
    assert caught.value.fault.code == FaultCode.MARKER_NAME_TAKEN
    assert world.desk.pages == {}
    assert list(world.manifests.flows()) == []


def test_page_that_was_begun_before_takes_what_it_finds_for_its_own(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    world.cloud.add_blob(world.consumer_account, shared.flow.target.container, "data/b1", b"xx")
    with pytest.raises(EffectFailed) as caught:
        shared.copy_page(0)
    assert caught.value.fault.code == FaultCode.DESTINATION_EXISTS
    second = replace(COPY, attempt=2)
    result = PageCopier(shared.services).run(shared.page(0), shared.flow, second, watch=Recorder())
    assert result["finished"] is True


def test_page_that_failed_before_it_began_says_that_it_begins_before_it_writes(world: World) -> None:
    shared, watch = Shared(world, five(world), page_blobs=2), Recorder()
    shared.slice()
    world.desk.pages[0] = replace(shared.page(0), checkpoint={"begun": False})
    watch.on_report = lambda: noted.append(dict(world.delivered()))
    noted: list[dict[str, bytes]] = []
    PageCopier(shared.services).run(shared.page(0), shared.flow, replace(COPY, attempt=2), watch=watch)
    assert watch.seen[0]["begun"] is True
    assert noted[0] == {}


def test_flow_that_may_have_written_before_it_was_shared_begins_pages_that_know_it(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    CopyRunner(shared.services).run(shared.flow, replace(COPY, attempt=2), watch=Recorder())
    assert {it.was_begun for it in world.desk.pages.values()} == {True}


def test_lister_that_is_not_wanted_any_more_begins_nothing_new(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.watch.answers = [False]
    result = shared.slice()
    assert (result["finished"], result["stopped"]) == (False, True)
    assert len(world.desk.pages) == 1


def test_page_whose_list_is_gone_says_so(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    world.manifests.forget(shared.flow.id)
    with pytest.raises(EffectFailed) as caught:
        shared.copy_page(0)
    assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.UNEXPECTED, False)


def test_pages_that_nobody_has_begun_are_called_for_only_now_and_then(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    rings: list[bool] = []
    for _ in range(10):
        shared.slice()
        rings.append(world.desk.looked_after[-1][1])
        world.clock.advance(15)
    assert rings == [False, False, False, False, True, False, False, False, True, False]


def test_renewed_sas_is_taken_by_a_page_in_the_middle(world: World) -> None:
    shared = Shared(world, five(world), page_blobs=2)
    shared.slice()
    good, vault = world.provider_vault.get("sas-provider"), world.provider_vault
    assert good is not None
    vault.store("sas-provider", Secret(good.reveal().replace("sig=", "sig=x")))

    def renew(request: MemoryRequest) -> None:
        if request.operation == "Put Blob From URL":
            vault.store("sas-provider", good)

    world.cloud.before_request = renew
    shared.copy_page(0)
    assert {"data/b0", "data/b1"} <= set(world.delivered())
