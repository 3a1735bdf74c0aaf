"""Stopping, slices, and going on: what is sent again, what is taken for ours, and what is not."""

import threading
import time
from collections.abc import Iterator

import pytest

from ferry.adapters.memory_sides import Mishap
from ferry.data_plane.copying.engine import CopyStopped
from ferry.data_plane.copying.page import PageState, StagedBlob
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import WireAnswer
from tests.unit.data_plane.copying.stage import KIB, Stage
from tests.unit.data_plane.copying.watched import WatchedDestination


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A pair of accounts between which the service copies."""
    stage = Stage()
    yield stage
    stage.close()


def test_a_stop_sends_nothing_new_and_accounts_for_what_is_under_way(stage: Stage) -> None:
    stage.sides.delay_seconds = 0.01
    blobs = [stage.add_random(f"b{number}", 10) for number in range(2000)]
    state = PageState()
    with pytest.raises(CopyStopped):
        stage.run(stage.order(blobs), state, tell=lambda _: False, tell_seconds=0.02)
    assert 0 < len(state.done) < 2000
    assert {f"folder/b{index}" for index in state.done} == set(stage.arrived)
    assert stage.requests() == {"Put Blob From URL": len(state.done)}


def test_a_stop_ends_within_a_second_in_the_middle_of_a_stream() -> None:
    stage = Stage(gives_urls=False)
    stage.sides.delay_seconds = 0.01
    blob = stage.add_random("big", 2000 * KIB)
    state, asked_at = PageState(), list[float]()

    def tell(_: PageState) -> bool:
        asked_at.append(time.monotonic())
        return False

    with pytest.raises(CopyStopped):
        stage.run(stage.order([blob]), state, tell=tell, tell_seconds=0.05)
    assert time.monotonic() - asked_at[0] < 1.0
    assert len(asked_at) == 1
    sent = stage.requests()["Put Block"]
    assert state.staged[0].blocks
    assert len(state.staged[0].blocks) == sent
    stage.close()


def test_an_answer_that_does_not_come_is_not_awaited_for_long(stage: Stage) -> None:
    stage.sides.delay_seconds = 60.0
    began_at = time.monotonic()
    with pytest.raises(CopyStopped):
        stage.run(stage.order([stage.add_random("b", 10)]), tell=lambda _: False, tell_seconds=0.01)
    assert time.monotonic() - began_at < 5.0


def test_a_resumed_page_sends_only_what_is_left(stage: Stage) -> None:
    blobs = [stage.add_random(f"b{number}", 10) for number in range(100)]
    state = PageState.from_json(PageState(done=set(range(0, 100, 2))).to_json())
    stage.run(stage.order(blobs, was_begun=True), state)
    assert stage.requests() == {"Put Blob From URL": 50}
    assert state.done == set(range(100))


@pytest.mark.parametrize("gives_urls", [True, False])
def test_staged_blocks_are_not_sent_again(gives_urls: bool) -> None:
    stage = Stage(gives_urls=gives_urls)
    stage.sides.delay_seconds = 0.02
    watched = WatchedDestination(stage.destination)
    blob = stage.add_random("big", 300 * KIB)
    state = PageState()
    with pytest.raises(CopyStopped):
        order = stage.order([blob], destination=watched)
        stage.run(order, state, tell=lambda told: not any(it.blocks for it in told.staged.values()), tell_seconds=0.003)
    assert state.staged[0].blocks
    state = PageState.from_json(state.to_json())
    stage.run(stage.order([blob], destination=watched, was_begun=True), state)
    assert set(watched.sent.values()) == {1}
    assert stage.arrived["folder/big"].content == stage.source_blobs["big"].content
    stage.close()


def test_blocks_that_the_service_lists_are_not_sent_again() -> None:
    stage = Stage(sas="cwrl")
    watched = WatchedDestination(stage.destination)
    blob = stage.add_random("big", 300 * KIB)
    with pytest.raises(CopyStopped):
        stage.sides.delay_seconds = 0.002
        order = stage.order([blob], destination=watched)
        stage.run(order, tell=lambda told: len(told.staged) == 0, tell_seconds=0.003)
    sent_before = sum(watched.sent.values())
    stage.run(stage.order([blob], destination=watched, may_list=True))
    assert sent_before > 0
    assert set(watched.sent.values()) == {1}
    assert stage.requests()["Get Block List"] >= 1
    stage.close()


def test_a_listed_block_of_another_size_is_sent_again() -> None:
    stage = Stage(sas="cwrl")
    blob = stage.add_random("big", 300 * KIB)
    watched = WatchedDestination(stage.destination)
    stage.run(stage.order([blob], destination=watched))
    (name, block_id), *_ = watched.sent
    container = stage.cloud.accounts[stage.target_account.endpoint].containers["to"]
    container.blobs.clear()
    container.staged[name] = {block_id: b"cut off"}
    watched.sent.clear()
    stage.run(stage.order([blob], destination=watched, may_list=True))
    assert watched.sent[name, block_id] == 1
    assert stage.arrived[name].content == stage.source_blobs["big"].content
    stage.close()


def test_a_slice_that_is_over_does_one_blob_at_least(stage: Stage) -> None:
    blobs = [stage.add_random(f"b{number}", 10) for number in range(50)]
    state = PageState()
    is_done = stage.engine.run(stage.order(blobs, seconds=-1.0), state, tell=stage.keep)
    assert not is_done
    assert 1 <= len(state.done) < 50
    assert stage.told[-1] == state


def test_a_slice_ends_in_time_and_the_next_one_goes_on(stage: Stage) -> None:
    stage.sides.delay_seconds = 0.01
    blobs = [stage.add_random(f"b{number}", 10) for number in range(3000)]
    state, slices = PageState(), 1
    while not stage.engine.run(stage.order(blobs, seconds=0.05), state, tell=stage.keep):
        slices += 1
    assert slices > 1
    assert stage.requests() == {"Put Blob From URL": 3000}


def test_a_name_that_is_taken_is_told_and_left_alone(stage: Stage) -> None:
    stage.cloud.add_blob(stage.target_account, "to", "folder/b1", b"theirs")
    blobs = [stage.add_random(f"b{number}", 10) for number in range(3)]
    with pytest.raises(EffectFailed, match=r"folder/b1") as failed:
        stage.run(stage.order(blobs))
    assert failed.value.fault.code == FaultCode.DESTINATION_EXISTS
    assert stage.arrived["folder/b1"].content == b"theirs"


def test_a_name_that_is_taken_is_overwritten_where_that_is_wanted(stage: Stage) -> None:
    stage.cloud.add_blob(stage.target_account, "to", "folder/b", b"theirs")
    stage.run(stage.order([stage.add_random("b", 10)], overwrite=True))
    assert stage.arrived["folder/b"].content == stage.source_blobs["b"].content


def test_a_name_that_an_earlier_attempt_may_have_written_is_ours(stage: Stage) -> None:
    blob = stage.add_random("b", 10)
    stage.run(stage.order([blob]))
    state = stage.run(stage.order([blob], was_begun=True))
    assert (state.done, state.bytes_done) == ({0}, 10)


@pytest.mark.parametrize("operation", ["Put Blob From URL", "Put Block List", "Put Blob"])
@pytest.mark.parametrize("answer", [None, WireAnswer(500, "InternalError"), WireAnswer(504)])
def test_a_write_whose_answer_was_lost_is_ours(operation: str, answer: WireAnswer | None) -> None:
    stage = Stage(gives_urls=operation != "Put Blob")
    left = [Mishap(answer, is_carried_out=True)]
    stage.sides.mishap = lambda request: left.pop() if left and request.operation == operation else None
    blob = stage.add_random("b", 300 * KIB if operation == "Put Block List" else KIB)
    state = stage.run(stage.order([blob]))
    assert state.done == {0}
    assert stage.requests()[operation] == 2
    stage.close()


def test_a_503_at_the_door_makes_nothing_ours(stage: Stage) -> None:
    stage.cloud.add_blob(stage.target_account, "to", "folder/b", b"theirs")
    left = [Mishap(WireAnswer(503, "ServerBusy"))]
    stage.sides.mishap = lambda _: left.pop() if left else None
    with pytest.raises(EffectFailed) as failed:
        stage.run(stage.order([stage.add_random("b", 10)]))
    assert failed.value.fault.code == FaultCode.DESTINATION_EXISTS


def test_parts_of_a_blob_are_staged_by_many_and_committed_by_one(stage: Stage) -> None:
    blob = stage.add_random("big", 300 * KIB)
    block_bytes = stage.engine.options.sizes.block_bytes(300 * KIB)
    count = -(-300 * KIB // block_bytes)
    states = [PageState(), PageState()]
    for state, blocks in zip(states, [range(count // 2), range(count // 2, count)], strict=True):
        assert stage.engine.run(stage.order([blob], blocks=blocks), state, tell=stage.keep)
    assert stage.requests() == {"Put Block From URL": count}
    assert sum(state.bytes_done for state in states) == 300 * KIB
    merged = PageState(
        staged={0: StagedBlob(blob.item.etag, block_bytes, states[0].staged[0].blocks | states[1].staged[0].blocks)}
    )
    assert stage.engine.run(stage.order([blob], commits=True), merged, tell=stage.keep)
    assert merged.done == {0}
    assert stage.arrived["folder/big"].content == stage.source_blobs["big"].content


def test_streamed_parts_of_a_blob_are_committed_without_a_record() -> None:
    stage = Stage(gives_urls=False)
    blob = stage.add_random("big", 300 * KIB)
    for blocks in (range(2), range(2, 99)):
        assert stage.engine.run(stage.order([blob], blocks=blocks), PageState(), tell=stage.keep)
    state = PageState()
    assert stage.engine.run(stage.order([blob], commits=True), state, tell=stage.keep)
    assert stage.requests("target")["Put Block List"] == 2
    assert stage.arrived["folder/big"].content == stage.source_blobs["big"].content
    stage.close()


def test_parts_that_are_missing_are_not_committed(stage: Stage) -> None:
    blob = stage.add_random("big", 300 * KIB)
    state = PageState(staged={0: StagedBlob(blob.item.etag, stage.engine.options.sizes.block_bytes(300 * KIB), {0})})
    with pytest.raises(EffectFailed, match="not staged"):
        stage.engine.run(stage.order([blob], commits=True), state, tell=stage.keep)
    assert not stage.requests()


def test_blocks_that_have_vanished_are_sent_once_more(stage: Stage) -> None:
    blob = stage.add_random("big", 300 * KIB)
    block_bytes = stage.engine.options.sizes.block_bytes(300 * KIB)
    count = -(-300 * KIB // block_bytes)
    state = PageState(staged={0: StagedBlob(blob.item.etag, block_bytes, set(range(count)))})
    stage.run(stage.order([blob], was_begun=True), state)
    assert stage.requests() == {"Put Block List": 2, "Put Block From URL": count}
    assert stage.arrived["folder/big"].content == stage.source_blobs["big"].content


def test_an_error_of_the_one_who_is_told_stops_the_copy(stage: Stage) -> None:
    stage.sides.delay_seconds = 0.01

    def tell(_: PageState) -> bool:
        raise RuntimeError("the table is gone")

    with pytest.raises(RuntimeError, match="table"):
        stage.run(stage.order([stage.add_random(f"b{n}", 10) for n in range(2000)]), tell=tell, tell_seconds=0.01)
    assert len(stage.arrived) < 2000


def test_an_engine_that_is_closed_begins_anew_when_used(stage: Stage) -> None:
    stage.run(stage.order([stage.add_random("a", 10)]))
    stage.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "ferry-copy" and not thread.is_alive()]
    stage.run(stage.order([stage.add_random("b", 10)]))
    assert len(stage.arrived) == 2
