"""Whose is a blob that exists already? Ours if an earlier attempt at its page may have written it, else somebody's."""

from dataclasses import replace

import pytest

from ferry.adapters.ids import SequentialIds
from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_queue import MemoryTaskQueue
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.control_plane.copy_lease import LEASE_SECONDS
from ferry.control_plane.engine import Engine
from ferry.control_plane.flows import FlowService
from ferry.control_plane.rules import FlowRules
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Limits
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind
from ferry.domain.states import FlowState
from ferry.effects.copies import Copying
from tests.unit.data_plane.world import SOURCE_CONTAINER, World

EVERYTHING = SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix="")


class Killed(BaseException):
    """The process dies here."""


def plane(world: World, *, slice_seconds: float = 240.0) -> FlowService:
    """A data plane in a process of its own, on stores that outlive it."""
    engine: Engine[DataFlow] = Engine(
        kind="DataFlow",
        store=MemoryProcessStore(DataFlow),
        queue=MemoryTaskQueue(world.clock),
        rules=FlowRules(),
        performers={},
        clock=world.clock,
        ids=SequentialIds("flow"),
        limits=Limits(),
    )
    runner = world.runner(slice_seconds=slice_seconds, window=1)
    engine.performers = {IntentKind.COPY: Copying(runner=runner, engine=lambda: engine).copy}
    return FlowService(engine=engine, queue_seconds=1.0)


def copied_until_killed(world: World, flows: FlowService, flow: DataFlow, *, written: str | None) -> None:
    """Begin or go on; the process dies at the first request after it has written that blob, or at the very first."""

    def die(_: MemoryRequest) -> None:
        if written is None or written in world.delivered():
            raise Killed

    world.cloud.before_request = die
    with pytest.raises(Killed):
        flows.run(flow)
    world.cloud.before_request = None
    world.clock.advance(LEASE_SECONDS + 1)


def two_blobs(world: World) -> DataFlow:
    return world.flow(world.prepared(world.process()), world.source_blobs(a=b"1", b=b"22"))


def test_copy_that_died_in_its_first_page_goes_on_with_what_it_wrote(world: World) -> None:
    flows, flow = plane(world), two_blobs(world)
    copied_until_killed(world, flows, flow, written="data/a")
    assert flows.run(flow).process.state is FlowState.COMPLETED
    assert set(world.delivered()) == {"data/a", "data/b", ".complete"}


def test_copy_that_died_in_a_later_slice_goes_on_with_what_it_wrote(world: World) -> None:
    flows, flow = plane(world, slice_seconds=0.0), two_blobs(world)
    assert flows.run(flow).process.state is FlowState.STARTED
    assert set(world.delivered()) == {"data/a"}
    copied_until_killed(world, flows, flow, written="data/b")
    assert flows.run(flow).process.state is FlowState.COMPLETED


def test_copy_that_failed_before_its_first_page_takes_nothing_of_others_for_its_own(world: World) -> None:
    flows, flow = plane(world), replace(two_blobs(world), source=EVERYTHING)
    world.cloud.add_blob(world.consumer_account, flow.target.container, "data/a", b"x")

    def be_away(_: MemoryRequest) -> None:
        raise EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, "away", retryable=True)

    world.cloud.before_request = be_away
    assert flows.run(flow).process.state is FlowState.STARTED
    world.cloud.before_request = None
    world.clock.advance(LEASE_SECONDS + 1)
    failed = flows.run(flow).process
    assert failed.error is not None and failed.error.code == FaultCode.DESTINATION_EXISTS


def test_marker_name_is_refused_by_every_attempt_at_the_first_page(world: World) -> None:
    world.single(".complete", b"1")
    flows, flow = plane(world), replace(two_blobs(world), source=EVERYTHING)
    copied_until_killed(world, flows, flow, written=None)
    failed = flows.run(flow).process
    assert failed.error is not None and failed.error.code == FaultCode.MARKER_NAME_TAKEN


def test_copy_that_failed_before_it_began_and_then_died_goes_on_with_what_it_wrote(world: World) -> None:
    flows, flow = plane(world), two_blobs(world)

    def be_away(_: MemoryRequest) -> None:
        raise EffectFailed.because(FaultCode.SOURCE_UNAVAILABLE, "away", retryable=True)

    world.cloud.before_request = be_away
    assert flows.run(flow).process.state is FlowState.STARTED
    world.clock.advance(LEASE_SECONDS + 1)
    copied_until_killed(world, flows, flow, written="data/a")
    assert flows.run(flow).process.state is FlowState.COMPLETED
