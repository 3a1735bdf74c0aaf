"""A copy that is told to stop in the middle of a page says what it has written, and asks for none of it again."""

import time
from collections import Counter
from dataclasses import replace
from itertools import count

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.domain.process import Intent, IntentKind, JsonObject
from tests.unit.data_plane.world import World

BLOBS = {f"blob-{number:02}": b"x" * 100 for number in range(40)}


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_stopped_copy_goes_on_behind_everything_that_it_has_written(world: World, workers: int) -> None:
    flow = world.flow(world.prepared(world.process()), world.source_blobs(**BLOBS))
    world.cloud.before_request = lambda _: time.sleep(0.002)
    runner, heartbeats = world.runner(workers=workers, heartbeat_seconds=0.0), count()

    def progress(checkpoint: JsonObject) -> bool:
        del checkpoint
        return next(heartbeats) < 12

    stopped = runner.run(flow, Intent("copy", IntentKind.COPY, attempt=1), progress=progress)
    checkpoint = stopped["checkpoint"]
    assert stopped["stopped"] is True and isinstance(checkpoint, dict)
    assert 0 < len(world.delivered()) < len(BLOBS)
    assert checkpoint["blobs"] == len(world.delivered())

    resumed = replace(flow, checkpoint=checkpoint)
    finished = runner.run(resumed, Intent("copy", IntentKind.COPY, attempt=2), progress=lambda _: True)
    assert finished["finished"] is True
    assert set(puts(world.cloud.requests).values()) == {1}
    assert len(world.delivered()) == len(BLOBS) + 1


def puts(requests: list[MemoryRequest]) -> Counter[str]:
    return Counter(it.blob_name for it in requests if it.operation.startswith("Put Blob"))
