"""A copy that is told to stop in the middle of a page says what it has written, and asks for none of it again."""

from collections import Counter
from dataclasses import replace
from typing import cast

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.data_plane.copy_runner import CopyRunner
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.domain.process import Intent, IntentKind
from tests.unit.data_plane.copying.stage import SMALL
from tests.unit.data_plane.world import Recorder, World

BLOBS = {f"blob-{number:03}": b"x" * 100 for number in range(300)}
LARGE_BYTES = 301 * 1024


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_stopped_copy_goes_on_behind_everything_that_it_has_written(world: World, workers: int) -> None:
    flow = world.flow(world.prepared(world.process()), world.source_blobs(**BLOBS))
    world.sides.delay_seconds = 0.01
    runner = world.runner(window=workers, heartbeat_seconds=0.0, tell_seconds=0.02)
    watch = Recorder(answers=[True, False])

    stopped = runner.run(flow, Intent("copy", IntentKind.COPY, attempt=1), watch=watch)
    checkpoint = stopped["checkpoint"]
    assert stopped["stopped"] is True and isinstance(checkpoint, dict)
    assert 0 < len(world.delivered()) < len(BLOBS)
    assert checkpoint["done"] == [len(world.delivered()), 100 * len(world.delivered())]

    resumed = replace(flow, checkpoint=checkpoint)
    finished = runner.run(resumed, Intent("copy", IntentKind.COPY, attempt=2), watch=Recorder())
    assert finished["finished"] is True
    assert set(puts(world.cloud.requests).values()) == {1}
    assert len(world.delivered()) == len(BLOBS) + 1


def puts(requests: list[MemoryRequest]) -> Counter[str]:
    return Counter(it.blob_name for it in requests if it.operation.startswith("Put Blob"))


def test_copy_of_one_large_blob_tells_its_blocks_before_the_blob_is_whole(world: World) -> None:
    flow = world.flow(world.prepared(world.process()), world.source_blobs(large=b"x" * LARGE_BYTES))
    world.sides.delay_seconds = 0.01
    services = world.services(heartbeat_seconds=0.0, tell_seconds=0.005)
    runner = CopyRunner(replace(services, engine=CopyEngine(EngineOptions(window_cap=2, sizes=SMALL))))
    watch = Recorder()

    finished = runner.run(flow, Intent("copy", IntentKind.COPY, attempt=1), watch=watch)

    assert finished["finished"] is True
    sizes_bytes = [cast("list[int]", it["done"])[1] for it in watch.seen if "done" in it]
    assert any(0 < it < LARGE_BYTES for it in sizes_bytes)
    assert sizes_bytes == sorted(sizes_bytes) and max(sizes_bytes) <= LARGE_BYTES
