"""What a later attempt makes of one that met a fault: it claims nothing, counts nothing twice, skips nothing."""

from dataclasses import replace
from typing import Any

import pytest

from ferry.control_plane import flow_pages
from ferry.data_plane.copying.blocks import block_bytes_of
from ferry.data_plane.copying.failures import destination_failed
from ferry.data_plane.listed_page import cut
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, IntentKind
from ferry.domain.secret import Secret
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import BlobItem, BlobPage, SourceBlob
from tests.unit.data_plane.test_shared_copy import Shared
from tests.unit.data_plane.world import Recorder, World

FIRST, SECOND = (Intent("copy", IntentKind.COPY, attempt=attempt) for attempt in (1, 2))


class Refusing:
    """ports.DestinationSide that refuses every blob, as a service does whose policy is not in force yet."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return self._refuse if name in ("put_from_url", "copy_from_url", "put") else getattr(self._inner, name)

    async def _refuse(self, *_: Any, **__: Any) -> WireAnswer:
        return WireAnswer(403, "AuthenticationFailed")


def test_what_is_done_is_told_of_the_list_that_the_next_attempt_works_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    flow = world.flow(world.prepared(world.process()), world.source_blobs(b=b"1", c=b"22", d=b"333"))
    watch = Recorder()

    def away(*_: Any, **__: Any) -> None:
        raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, "503", retryable=True)

    with monkeypatch.context() as patched:
        patched.setattr(world.writer, "put_bytes", away)
        with pytest.raises(EffectFailed):
            world.runner().run(flow, FIRST, watch=watch)
    world.source_blobs(a=b"NEW")

    result = world.runner().run(replace(flow, checkpoint=watch.seen[-1]), SECOND, watch=Recorder())

    delivered = {name for name in world.delivered() if name != flow.target.marker}
    assert delivered == {"data/b", "data/c", "data/d"}
    assert result["summary"]["blobs"] == len(delivered)  # type: ignore[index]


def test_blob_of_somebody_else_is_not_claimed_after_a_sas_that_was_not_in_force(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.cloud.add_container(world.consumer_account, "transfer-0001")
    flow = world.flow(world.prepared(world.process(managed=False)), world.source_blobs(a=b"NEW!"))
    world.cloud.add_blob(world.consumer_account, "transfer-0001", "data/a", b"OLD!")
    watch, real = Recorder(), world.sides.destination

    def refusing(endpoint: str, container: str, sas: Secret) -> Any:
        return Refusing(real(endpoint, container, sas))

    with monkeypatch.context() as patched:
        patched.setattr(world.sides, "destination", refusing)
        with pytest.raises(EffectFailed) as refused:
            world.runner(sas_grace_seconds=40.0).run(flow, FIRST, watch=watch)
    assert refused.value.fault.retryable

    with pytest.raises(EffectFailed) as taken:
        world.runner().run(replace(flow, checkpoint=watch.seen[-1]), SECOND, watch=Recorder())

    assert taken.value.fault.code == FaultCode.DESTINATION_EXISTS
    assert world.delivered()["data/a"] == b"OLD!"


def test_list_whose_pages_could_not_be_begun_is_counted_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Shared(world, world.source_blobs(**{f"n{number:03}": b"x" for number in range(12)}), page_blobs=4)
    real, calls = world.desk.begin, list[int]()

    def begin(pages: Any) -> None:
        calls.append(len(pages))
        if len(calls) == 2:
            raise EffectFailed.because(FaultCode.STORAGE_UNAVAILABLE, "busy", retryable=True)
        real(pages)

    monkeypatch.setattr(world.desk, "begin", begin)
    with pytest.raises(EffectFailed):
        shared.slice()
    for checkpoint in shared.watch.seen:
        shared.flow = flow_pages.saved(shared.flow, checkpoint, world.clock.now())
    shared.watch.seen.clear()

    saved = shared.slice()["checkpoint"]

    assert saved["total"] == [12, 12]  # type: ignore[index,call-overload]


@pytest.mark.parametrize(("blob_type", "cuts"), [("BlockBlob", 3), ("PageBlob", 1), ("AppendBlob", 1)])
def test_only_block_blobs_are_shared_by_their_blocks(blob_type: str, cuts: int) -> None:
    item = BlobItem("disk.vhd", 128 * 1024**3, '"e"', blob_type=blob_type)
    assert len(cut(BlobPage((item,)), page_blobs=5000, block_bytes=block_bytes_of)) == cuts


def test_sentence_of_a_service_is_not_kept_for_it_may_quote_what_was_sent() -> None:
    blob = SourceBlob(BlobItem("b", 1, '"e"'), "b")
    told = WireAnswer(400, "InvalidHeaderValue", {"x-ms-request-id": "1"}, b"...?sp=r&sig=QUOTED")
    ours = WireAnswer(400, "InvalidMetadata", {}, b"metadata name 'a b' is no identifier")
    assert "QUOTED" not in destination_failed(told, blob, "https://peer").fault.message
    assert "no identifier" in destination_failed(ours, blob, "https://peer").fault.message
