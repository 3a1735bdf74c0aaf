"""How blobs are copied when nothing goes wrong: which requests, how many, and what arrives."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from ferry.adapters.memory_sides import Mishap
from ferry.data_plane.copying.page import PageState
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import SourceBlob
from tests.unit.data_plane.copying.stage import KIB, Stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A pair of accounts between which the service copies."""
    stage = Stage()
    yield stage
    stage.close()


def assert_arrived(stage: Stage, blobs: list[SourceBlob]) -> None:
    """Every blob is at the destination as it is in the source."""
    for blob in blobs:
        assert stage.arrived[blob.target_name].content == stage.source_blobs[blob.item.name].content


def test_small_blobs_take_one_request_each(stage: Stage) -> None:
    blobs = [stage.add_random(f"b{number}", number) for number in range(300)]
    state = stage.run(stage.order(blobs))
    assert stage.requests() == {"Put Blob From URL": 300}
    assert state.done == set(range(300))
    assert state.bytes_done == sum(range(300))
    assert state.methods == {"put_from_url": 300}
    assert_arrived(stage, blobs)


def test_a_page_is_told_once_at_the_end(stage: Stage) -> None:
    stage.run(stage.order([stage.add_random("b", 5)]), tell=stage.keep, tell_seconds=5.0)
    assert [told.done for told in stage.told] == [{0}]


def test_a_page_that_is_done_sends_nothing(stage: Stage) -> None:
    blobs = [stage.add_random("b", 5)]
    assert stage.engine.run(stage.order(blobs), PageState(done={0}), tell=stage.keep)
    assert not stage.requests()


def test_a_large_blob_takes_its_blocks_and_a_commit(stage: Stage) -> None:
    blob = stage.add_random("big", 300 * KIB)
    state = stage.run(stage.order([blob]))
    block = stage.engine.options.sizes.block_bytes(300 * KIB)
    blocks = -(-300 * KIB // block)
    assert stage.requests() == {"Put Block From URL": blocks, "Put Block List": 1}
    assert state.staged == {}
    assert_arrived(stage, [blob])


def test_many_blobs_between_the_sizes_take_one_request_each(stage: Stage) -> None:
    blobs = [stage.add_random(f"b{number}", 65 * KIB) for number in range(8)]
    stage.run(stage.order(blobs))
    assert stage.requests() == {"Put Blob From URL": 8}


def test_few_blobs_between_the_sizes_go_in_blocks(stage: Stage) -> None:
    blobs = [stage.add_random(f"b{number}", 65 * KIB) for number in range(7)]
    stage.run(stage.order(blobs))
    assert set(stage.requests()) == {"Put Block From URL", "Put Block List"}


def test_a_large_blob_and_small_ones_get_on_together(stage: Stage) -> None:
    stage.sides.delay_seconds = 0.001
    blobs = [stage.add_random("big", 300 * KIB)]
    blobs += [stage.add_random(f"b{number}", 10) for number in range(400)]
    stage.run(stage.order(blobs))
    order = [request.operation for request in stage.cloud.requests]
    first_half = order[: len(order) // 2]
    assert "Put Block From URL" in first_half
    assert "Put Blob From URL" in first_half[:40]
    assert_arrived(stage, blobs)


def test_more_than_one_request_is_under_way(stage: Stage) -> None:
    stage.sides.delay_seconds = 0.002
    stage.run(stage.order([stage.add_random(f"b{number}", 10) for number in range(300)]))
    assert 16 <= stage.sides.peak_under_way <= stage.engine.options.window_cap


def test_a_source_that_gives_no_urls_is_streamed() -> None:
    stage = Stage(gives_urls=False)
    blobs = [stage.add_random("small", KIB), stage.add_random("large", 20 * KIB + 1), stage.add("empty", b"")]
    state = stage.run(stage.order(blobs))
    assert stage.requests("target") == {"Put Blob": 2, "Put Block": 11, "Put Block List": 1}
    assert stage.requests("origin") == {"Get Blob": 12}
    assert state.methods == {"stream": 3}
    assert_arrived(stage, blobs)
    stage.close()


def test_streams_stay_within_the_byte_budget() -> None:
    stage = Stage(gives_urls=False)
    blobs = [stage.add_random(f"b{number}", 30 * KIB) for number in range(20)]
    stage.run(stage.order(blobs))
    assert 0 < stage.engine.budget.peak_bytes <= stage.engine.options.memory_bytes
    assert_arrived(stage, blobs)
    stage.close()


@pytest.mark.parametrize("refused", [{"Put Blob From URL"}, {"Put Blob From URL", "Copy Blob From URL"}])
def test_an_operation_that_is_not_offered_is_asked_for_once(stage: Stage, refused: set[str]) -> None:
    stage.cloud.server_side -= refused
    blobs = [stage.add_random(f"b{number}", 100) for number in range(50)]
    stage.run(stage.order(blobs))
    asked = stage.requests()
    assert {asked[operation] for operation in refused} == {1}
    assert asked["Put Blob"] == (50 if "Copy Blob From URL" in refused else 0)
    assert_arrived(stage, blobs)


def test_copy_from_url_takes_over_for_a_put_that_is_not_offered(stage: Stage) -> None:
    stage.cloud.server_side -= {"Put Blob From URL"}
    state = stage.run(stage.order([stage.add_random(f"b{number}", 100) for number in range(50)]))
    assert stage.requests() == {"Put Blob From URL": 1, "Copy Blob From URL": 50}
    assert state.methods == {"copy_from_url": 50}


def test_blobs_above_the_limit_of_a_copy_go_in_blocks_where_puts_are_not_offered(stage: Stage) -> None:
    stage.cloud.server_side -= {"Put Blob From URL"}
    blobs = [stage.add_random(f"b{number}", 65 * KIB) for number in range(8)]
    state = stage.run(stage.order(blobs))
    assert "Copy Blob From URL" not in stage.requests()
    assert state.methods == {"blocks_from_url": 8}
    assert_arrived(stage, blobs)


def test_an_unreachable_source_takes_two_requests_to_find_out_and_none_later(stage: Stage) -> None:
    refused = Mishap(WireAnswer(404, "CannotVerifyCopySource"))
    stage.sides.mishap = lambda request: refused if "From URL" in request.operation else None
    blobs = [stage.add_random(f"b{number}", 100) for number in range(60)] + [stage.add_random("big", 300 * KIB)]
    stage.run(stage.order(blobs))
    asked = stage.requests()
    assert sum(asked[it] for it in asked if "From URL" in it) == 1
    assert asked["Get Blob Properties"] == 1
    more = [stage.add_random(f"c{number}", 100) for number in range(60)]
    stage.run(stage.order(more))
    asked = stage.requests()
    assert sum(asked[it] for it in asked if "From URL" in it) == 1
    assert_arrived(stage, blobs + more)


def test_a_name_whose_url_is_too_long_is_streamed_alone(stage: Stage) -> None:
    blobs = [stage.add_random("é" * 700, 100), stage.add_random("short", 100)]
    state = stage.run(stage.order(blobs))
    assert state.methods == {"stream": 1, "put_from_url": 1}
    assert_arrived(stage, blobs)


def test_append_and_page_blobs_keep_their_kind(stage: Stage) -> None:
    blobs = [
        stage.add_random("a", 25 * KIB, blob_type="AppendBlob"),
        stage.add_random("p", 17 * 512, blob_type="PageBlob"),
        stage.add("empty", b"", blob_type="AppendBlob"),
        stage.add_random("b", 100),
    ]
    state = stage.run(stage.order(blobs))
    assert {blob.target_name: stage.arrived[blob.target_name].blob_type for blob in blobs} == {
        "folder/a": "AppendBlob",
        "folder/p": "PageBlob",
        "folder/empty": "AppendBlob",
        "folder/b": "BlockBlob",
    }
    assert state.methods == {"append_from_url": 2, "pages_from_url": 1, "put_from_url": 1}
    assert_arrived(stage, blobs)


def test_what_the_source_keeps_arrives_with_the_blob() -> None:
    stage = Stage(sas="cwt")
    tags = {"project": "north"}
    blobs = [stage.add_random("b", 100, tags=tags, tier="Cool"), stage.add_random("big", 99 * KIB, tags=tags)]
    state = stage.run(stage.order(blobs))
    arrived = stage.arrived
    assert (arrived["folder/b"].tags, arrived["folder/b"].tier) == (tags, "Cool")
    assert arrived["folder/big"].tags == tags
    assert arrived["folder/big"].headers == stage.source_blobs["big"].headers
    assert not state.not_kept
    stage.close()


def test_tags_that_the_sas_may_not_set_are_counted(stage: Stage) -> None:
    state = stage.run(stage.order([stage.add_random(f"b{n}", 10, tags={"a": "b"}) for n in range(3)]))
    assert state.not_kept == {"tags": 3}


def test_several_threads_share_the_engine(stage: Stage) -> None:
    pages = [[stage.add_random(f"{page}/{number}", 50) for number in range(100)] for page in range(4)]
    with ThreadPoolExecutor(4) as pool:
        states = list(pool.map(stage.run, [stage.order(page) for page in pages]))
    assert [len(state.done) for state in states] == [100] * 4
    assert stage.requests() == {"Put Blob From URL": 400}
