"""A copy that is told to stop in the middle of a page says what it has written, and asks for none of it again."""

from collections import Counter
from dataclasses import replace

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.domain.process import Intent, IntentKind
from tests.unit.data_plane.world import Recorder, World

BLOBS = {f"blob-{number:03}": b"x" * 100 for number in range(300)}


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
