"""Which way a blob goes, and what is remembered of it."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ferry.adapters.memory_cloud import SERVER_SIDE, MemoryRequest
from ferry.data_plane.azure_storage_data_sink import AzureStorageDataSink, CopyStopped, SinkServices
from ferry.data_plane.azure_storage_data_source import AzureStorageDataSource
from ferry.data_plane.copy_methods import AccountPair, ByteBudget, CopyMethod, CopyVerdicts
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports import SourceBlob
from tests.unit.data_plane.world import SOURCE_CONTAINER, World

MIB = 1024 * 1024


def never() -> None:
    """Nothing stops."""


class Ends:
    """A sink on a prepared container, and its source."""

    def __init__(self, world: World, budget_bytes: int = 64 * MIB) -> None:
        self.world = world
        self.verdicts = CopyVerdicts()
        process = world.prepared(world.process())
        assert process.destination is not None
        endpoint = world.consumer_account.endpoint
        services = SinkServices(world.writer, self.verdicts, ByteBudget(budget_bytes), never)
        self.sink = AzureStorageDataSink(
            services,
            process.destination,
            endpoint=endpoint,
            sas=world.target("").sas,
            source_endpoint=world.provider_account.endpoint,
            may_read_source=True,
        )
        address = SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix="")
        self.source = AzureStorageDataSource(
            world.storage, world.clock, account=world.provider_account, address=address
        )
        self.pair = AccountPair(world.provider_account.endpoint, endpoint)

    def blob(self, name: str, *, said_bytes: int | None = None) -> SourceBlob:
        """A blob of three bytes that may be said to be larger."""
        self.world.cloud.add_blob(self.world.provider_account, SOURCE_CONTAINER, name, b"abc")
        item = self.world.storage.head_blob(self.world.provider_account, SOURCE_CONTAINER, name)
        assert item is not None
        return SourceBlob(replace(item, size_bytes=said_bytes) if said_bytes is not None else item, name)


@pytest.fixture
def ends(world: World) -> Ends:
    return Ends(world)


@pytest.mark.parametrize(
    ("server_side", "said_bytes", "method"),
    [
        ({"Put Blob From URL", "Copy Blob From URL"}, 256 * MIB, "put_from_url"),
        ({"Put Blob From URL", "Copy Blob From URL"}, 5000 * MIB, "put_from_url"),
        ({"Put Blob From URL", "Copy Blob From URL"}, 5000 * MIB + 1, "stream"),
        ({"Copy Blob From URL"}, 256 * MIB, "copy_from_url"),
        ({"Copy Blob From URL"}, 256 * MIB + 1, "stream"),
        (set[str](), 3, "stream"),
    ],
)
def test_kind_of_request_follows_size_and_service(
    world: World, ends: Ends, server_side: set[str], said_bytes: int, method: str
) -> None:
    world.cloud.server_side = frozenset(server_side)
    ends.sink.put(ends.source, ends.blob("a", said_bytes=said_bytes))
    assert ends.sink.methods == {method: 1}


def test_name_too_long_for_a_copys_url_is_streamed_and_says_nothing_of_the_pair(world: World, ends: Ends) -> None:
    ends.sink.put(ends.source, ends.blob("ü" * 400))
    ends.sink.put(ends.source, ends.blob("a"))
    assert ends.sink.methods == {"stream": 1, "put_from_url": 1}


def test_verdict_holds_for_the_pair(world: World, ends: Ends) -> None:
    world.cloud.server_side = frozenset()
    assert ends.verdicts.refused(ends.pair) is None
    ends.sink.put(ends.source, ends.blob("a"))
    assert ends.verdicts.refused(ends.pair) == {CopyMethod.PUT_FROM_URL, CopyMethod.COPY_FROM_URL}
    assert ends.verdicts.refused(AccountPair("elsewhere", ends.pair.destination)) is None


def test_refusal_after_a_success_is_not_held_against_the_pair(world: World, ends: Ends) -> None:
    ends.sink.put(ends.source, ends.blob("a"))
    world.cloud.server_side = frozenset()
    ends.sink.put(ends.source, ends.blob("b"))
    assert ends.verdicts.refused(ends.pair) == {CopyMethod.COPY_FROM_URL}
    world.cloud.server_side = SERVER_SIDE
    ends.sink.put(ends.source, ends.blob("c"))
    assert ends.sink.methods == {"put_from_url": 2, "stream": 1}


def test_missing_source_leaves_no_verdict(world: World, ends: Ends) -> None:
    blob = ends.blob("a")
    world.storage.delete_blob(world.provider_account, SOURCE_CONTAINER, "a")
    with pytest.raises(EffectFailed) as caught:
        ends.sink.put(ends.source, blob)
    assert caught.value.fault.code == FaultCode.SOURCE_BLOB_MISSING
    assert ends.verdicts.refused(ends.pair) is None


def test_failed_stream_leaves_no_verdict(world: World, ends: Ends) -> None:
    world.cloud.server_side = frozenset()

    def away(request: MemoryRequest) -> None:
        if request.operation == "Put Blob":
            raise EffectFailed.because(FaultCode.SAS_REFUSED, "refused")

    world.cloud.before_request = away
    with pytest.raises(EffectFailed):
        ends.sink.put(ends.source, ends.blob("a"))
    assert ends.verdicts.refused(ends.pair) is None


def test_one_blob_finds_out_for_all_that_come_at_once(world: World, ends: Ends) -> None:
    world.cloud.server_side = frozenset({"Copy Blob From URL"})
    blobs = [ends.blob(f"b{number}") for number in range(16)]
    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(ends.sink.put, ends.source, blob) for blob in blobs]:
            future.result()
    assert world.operations().count("Put Blob From URL") == 1


def test_budget_bounds_the_bytes_in_flight() -> None:
    budget, most, held, lock = ByteBudget(10), 0, 0, threading.Lock()

    def stream(size: int) -> None:
        nonlocal most, held
        with budget.hold(size, never):
            with lock:
                held += size
                most = max(most, held)
            threading.Event().wait(0.01)
            with lock:
                held -= size

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(stream, [4] * 12))
    assert most == 8


def test_more_than_the_budget_goes_alone() -> None:
    with ByteBudget(10).hold(11, never):
        pass


def test_waiting_for_the_budget_ends_with_the_flow() -> None:
    def stop() -> None:
        raise CopyStopped

    budget = ByteBudget(10)
    with budget.hold(10, never), pytest.raises(CopyStopped), budget.hold(1, stop):
        pass
