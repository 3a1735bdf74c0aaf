"""A copy from the secrets to the marker: names, methods, faults, and what happens when it is interrupted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.data_plane.listed_page import encode
from ferry.data_plane.manifest import Manifest
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed, Fault, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.secret import Secret
from ferry.ports.storage import BlobHeaders, BlobPage
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.unit.data_plane.world import SOURCE_CONTAINER, Recorder, World, intent, step_numbers

COPY = intent(IntentKind.COPY)
SECOND = replace(COPY, attempt=2)
VERIFY = intent(IntentKind.VERIFY_DELIVERY)


def copy(world: World, flow: DataFlow) -> JsonObject:
    return world.runner().run(flow, COPY, watch=Recorder())


def fault_of(world: World, flow: DataFlow) -> Fault:
    with pytest.raises(EffectFailed) as caught:
        copy(world, flow)
    return caught.value.fault


def ready(world: World, source: SourceAddress, *, folder: str = "", blob_name: str | None = None) -> DataFlow:
    """A flow to a fresh managed container; the requests so far are forgotten."""
    process = world.prepared(world.process(folder=folder, blob_name=blob_name))
    flow = world.flow(process, source)
    world.operations()
    return flow


def test_single_blob_is_copied_in_three_requests(world: World) -> None:
    flow = ready(world, world.single("report.csv", b"1,2"))
    result = copy(world, flow)
    assert world.operations() == ["Get Blob Properties", "Put Blob From URL", "Put Blob"]
    assert step_numbers(result) == [8, 9, 10, 11, 12]
    assert world.delivered().pop("report.csv") == b"1,2"
    summary = result["summary"]
    assert isinstance(summary, dict)
    assert (summary["blobs"], summary["bytes"], summary["marker"]) == (1, 3, ".complete")
    assert summary["methods"] == {"put_from_url": 1}


def test_what_is_copied_is_verified(world: World) -> None:
    process = world.prepared(world.process(folder="in/"))
    address = world.source_blobs(a=b"1", b=b"", c=b"333")
    assert copy(world, world.flow(process, address))["finished"] is True
    assert set(world.delivered()) == {"in/data/a", "in/data/b", "in/data/c", ".complete"}
    assert world.verifier().verify(process, VERIFY)["outcome"] == "verified"


@pytest.mark.parametrize(("blobs", "name"), [({"a": b"1"}, "in/new.csv"), ({"a": b"1", "b": b"2"}, "in/data/a")])
def test_rename_holds_for_a_single_blob_alone(world: World, blobs: dict[str, bytes], name: str) -> None:
    flow = ready(world, world.source_blobs(**blobs), folder="in/", blob_name="new.csv")
    copy(world, flow)
    assert world.delivered()[name] == b"1"
    assert len(world.delivered()) == len(blobs) + 1


def test_manifest_names_the_transfer_and_what_was_delivered(world: World) -> None:
    flow = ready(world, world.source_blobs(a=b"1", b=b"22"))
    copy(world, flow)
    manifest = Manifest.parse(world.delivered()[".complete"])
    assert (manifest.consumer_pid, manifest.provider_pid) == (flow.consumer_pid, flow.id)
    assert manifest.entries == (("data/a", 1), ("data/b", 2))


def test_service_that_cannot_copy_is_asked_once_per_pair(world: World) -> None:
    world.cloud.server_side = frozenset({"Copy Blob From URL"})
    runner = world.runner()
    flow = ready(world, world.source_blobs(**{f"b{n}": b"x" for n in range(30)}))
    result = runner.run(flow, COPY, watch=Recorder())
    operations = world.operations()
    assert operations.count("Put Blob From URL") == 1
    assert operations.count("Copy Blob From URL") == 30
    summary = result["summary"]
    assert isinstance(summary, dict) and summary["methods"] == {"copy_from_url": 30}


def test_without_server_side_copy_bytes_are_streamed_with_their_headers(world: World) -> None:
    world.cloud.server_side = frozenset()
    headers = BlobHeaders(content_type="text/csv", metadata={"owner": "x"})
    content = bytes(range(256)) * 40_000
    world.cloud.add_blob(world.provider_account, SOURCE_CONTAINER, "big", content, headers)
    flow = ready(world, SourceAddress("providerdata", SOURCE_CONTAINER, blob_name="big"))
    copy(world, flow)
    blob = world.container.blobs["big"]
    assert (blob.content, blob.headers) == (content, headers)


@pytest.mark.parametrize("prefix", ["", "data/"])
def test_source_without_blobs_is_missing(world: World, prefix: str) -> None:
    flow = ready(world, SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix=prefix))
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.SOURCE_BLOB_MISSING, 10, False)
    assert world.delivered() == {}


def test_missing_source_blob_is_told_by_name(world: World) -> None:
    flow = ready(world, SourceAddress("providerdata", SOURCE_CONTAINER, blob_name="gone.csv"))
    fault = fault_of(world, flow)
    assert (fault.code, fault.step) == (FaultCode.SOURCE_BLOB_MISSING, 10)
    assert "'gone.csv'" in fault.message


def test_missing_source_key_is_told_with_its_alias(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.provider_vault.delete("providerdata-key1")
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.SOURCE_KEY_MISSING, 8, False)
    assert "'providerdata-key1'" in fault.message


def test_wrong_source_key_is_refused_in_step_10(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.provider_vault.store("providerdata-key1", Secret("d3Jvbmc="))
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.SOURCE_KEY_MISSING, 10, False)


@pytest.mark.parametrize(("stored", "code"), [(None, FaultCode.SAS_MISSING), ("{}", FaultCode.SAS_MISSING)])
def test_missing_sas_is_told(world: World, stored: str | None, code: FaultCode) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.provider_vault.delete("sas-provider")
    if stored is not None:
        world.provider_vault.store("sas-provider", Secret(stored))
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (code, 9, False)


def test_expired_sas_is_refused_before_anything_is_read(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.clock.advance(3 * 3600)
    assert fault_of(world, flow).code == FaultCode.SAS_REFUSED
    assert world.operations() == []


def test_revoked_sas_is_refused_in_step_11(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.container.policies.clear()
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.SAS_REFUSED, 11, False)


def test_sas_whose_policy_is_new_may_still_come_into_force(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    policies = dict(world.container.policies)
    world.container.policies.clear()
    with pytest.raises(EffectFailed) as caught:
        world.runner(sas_grace_seconds=40).run(flow, COPY, watch=Recorder())
    assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.SAS_REFUSED, True)
    world.clock.advance(41)
    with pytest.raises(EffectFailed) as caught:
        world.runner(sas_grace_seconds=40).run(flow, COPY, watch=Recorder())
    assert not caught.value.fault.retryable
    world.container.policies.update(policies)
    assert copy(world, flow)["finished"] is True


def test_container_that_is_gone_is_told(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    world.storage.delete_container(world.consumer_account, flow.target.container, flow.consumer_pid)
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_GONE, 11, False)


def test_forbidden_endpoint_is_never_called(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    flow = replace(flow, destination=replace(flow.target, endpoint="http://10.0.0.1/consumerdata"))
    fault = fault_of(world, flow)
    assert (fault.code, fault.step) == (FaultCode.ADDRESS_FORBIDDEN, 11)
    assert world.operations() == []


@pytest.mark.parametrize(
    ("source", "folder", "blob_name"),
    [
        (SourceAddress("providerdata", SOURCE_CONTAINER, blob_name=".complete"), "", None),
        (SourceAddress("providerdata", SOURCE_CONTAINER, blob_prefix=""), "", None),
        (SourceAddress("providerdata", SOURCE_CONTAINER, blob_name="a"), "", ".complete"),
    ],
)
def test_blob_on_the_markers_name_is_refused_before_anything_is_copied(
    world: World, source: SourceAddress, folder: str, blob_name: str | None
) -> None:
    for name in (".complete", "a"):
        world.single(name, b"1")
    fault = fault_of(world, ready(world, source, folder=folder, blob_name=blob_name))
    assert (fault.code, fault.retryable) == (FaultCode.MARKER_NAME_TAKEN, False)
    assert world.delivered() == {}


def test_blob_called_like_the_marker_is_fine_in_a_folder(world: World) -> None:
    flow = ready(world, world.single(".complete", b"1"), folder="in/")
    copy(world, flow)
    assert set(world.delivered()) == {"in/.complete", ".complete"}


def test_blob_that_is_there_is_not_overwritten(world: World) -> None:
    flow = ready(world, world.single("a", b"new"))
    world.cloud.add_blob(world.consumer_account, flow.target.container, "a", b"old")
    fault = fault_of(world, flow)
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_EXISTS, 11, False)
    assert world.delivered() == {"a": b"old"}


def test_lost_reply_is_recognised_by_the_attempt(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    recorder = Recorder()

    def crash_after_the_write(request: MemoryRequest) -> None:
        if request.blob_name == ".complete":
            raise StorageFailed(StorageProblem.UNAVAILABLE, "the process dies here")

    world.cloud.before_request = crash_after_the_write
    with pytest.raises(StorageFailed):
        world.runner().run(flow, COPY, watch=recorder)
    world.cloud.before_request = None
    resumed = replace(flow, checkpoint=recorder.seen[0])
    assert copy(world, resumed)["finished"] is True
    assert set(world.delivered()) == {"a", ".complete"}


def test_finished_copy_that_runs_again_finds_its_own_marker(world: World) -> None:
    flow = ready(world, world.single("a", b"1"))
    first = copy(world, flow)
    again = world.runner().run(flow, SECOND, watch=Recorder())
    assert again["summary"] == first["summary"]


def run_in_slices(world: World, flow: DataFlow) -> tuple[JsonObject, int]:
    slices = 1
    runner = world.runner(slice_seconds=0, window=2)
    while (result := runner.run(flow, COPY, watch=Recorder()))["finished"] is False:
        checkpoint = result["checkpoint"]
        assert isinstance(checkpoint, dict)
        flow = replace(flow, checkpoint=checkpoint)
        slices += 1
    return result, slices


def test_slices_add_up_to_the_whole_and_list_once(world: World) -> None:
    blobs = {f"b{n:02d}": b"x" * n for n in range(11)}
    process = world.prepared(world.process())
    result, slices = run_in_slices(world, world.flow(process, world.source_blobs(**blobs)))
    assert slices >= 3
    assert world.operations().count("List Blobs") == 1
    summary = result["summary"]
    assert isinstance(summary, dict)
    assert (summary["blobs"], summary["bytes"]) == (11, 55)
    assert world.verifier().verify(process, VERIFY)["outcome"] == "verified"


def test_later_slice_works_on_the_list_that_was_kept(world: World) -> None:
    flow = ready(world, world.source_blobs(a=b"1", b=b"22"))
    first = world.runner(slice_seconds=0, window=1).run(flow, COPY, watch=Recorder())
    assert first["finished"] is False and isinstance(first["checkpoint"], dict)
    world.source_blobs(**{"0-new": b"not listed"})
    result = copy(world, replace(flow, checkpoint=first["checkpoint"]))
    assert result["finished"] is True
    assert set(world.delivered()) == {"data/a", "data/b", ".complete"}


def test_list_of_another_attempt_is_the_truth(world: World) -> None:
    flow = ready(world, world.source_blobs(a=b"1"))
    world.manifests.keep(flow.id, 0, encode(BlobPage(())))
    world.source_blobs(b=b"22")
    recorder = Recorder()
    result = world.runner(slice_seconds=0, window=1).run(flow, COPY, watch=recorder)
    assert (result["finished"], result["stopped"]) == (False, True)
    checkpoint = result["checkpoint"]
    assert isinstance(checkpoint, dict)
    assert (checkpoint["kept"], checkpoint["page"], checkpoint["begun"]) == (True, {}, True)


def test_small_copy_keeps_no_list_and_asks_nobody(world: World) -> None:
    flow, recorder = ready(world, world.source_blobs(a=b"1", b=b"2")), Recorder()
    assert world.runner().run(flow, COPY, watch=recorder)["finished"] is True
    assert (recorder.seen, recorder.asked, list(world.manifests.flows())) == ([], 0, [])
    assert world.operations() == ["List Blobs", "Put Blob From URL", "Put Blob From URL", "Put Blob"]


def test_stopped_copy_writes_no_marker(world: World) -> None:
    flow = ready(world, world.source_blobs(a=b"1", b=b"2"))
    result = world.runner(heartbeat_seconds=0.0).run(flow, COPY, watch=Recorder(answers=[False]))
    assert (result["finished"], result["stopped"]) == (False, True)
    assert ".complete" not in world.delivered()


def test_stop_reaches_a_stream_under_way(world: World) -> None:
    world.cloud.server_side = frozenset()
    flow = ready(world, world.single("big", b"x" * 30_000_000))

    def hold(request: MemoryRequest) -> None:
        if request.operation == "Get Blob":
            world.sides.delay_seconds = 60.0

    world.cloud.before_request = hold
    recorder = Recorder(answers=[True, False])
    result = world.runner(heartbeat_seconds=0.0, tell_seconds=0.05).run(flow, COPY, watch=recorder)
    assert result["stopped"] is True
    assert "Get Blob" in world.operations()
    assert world.delivered() == {}


def test_heartbeat_goes_on_during_one_long_blob(world: World) -> None:
    flow, recorder = ready(world, world.single("slow", b"x")), Recorder()

    def slow_down(_: MemoryRequest) -> None:
        world.sides.delay_seconds = 0.5

    world.cloud.before_request = slow_down
    result = world.runner(heartbeat_seconds=0.0, tell_seconds=0.02).run(flow, COPY, watch=recorder)
    assert result["finished"] is True
    assert len(recorder.seen) >= 4


def lasting(world: World, recorder: Recorder, **options: float) -> None:
    """Three blobs, one after the other, each of which takes a second."""
    flow = ready(world, world.source_blobs(a=b"1", b=b"2", c=b"3"))

    def pass_time(_: MemoryRequest) -> None:
        world.clock.advance(1.0)
        world.sides.delay_seconds = 0.1

    world.cloud.before_request = pass_time
    result = world.runner(tell_seconds=0.02, window=1, **options).run(flow, COPY, watch=recorder)
    assert result["finished"] is True


def test_copy_that_lasts_asks_between_its_heartbeats_whether_it_is_wanted(world: World) -> None:
    recorder = Recorder()
    lasting(world, recorder, first_heartbeat_seconds=5.0)
    assert recorder.asked >= 2
    assert recorder.seen == []


def test_first_heartbeat_comes_early_and_the_next_one_does_not(world: World) -> None:
    recorder = Recorder()
    lasting(world, recorder)
    assert len(recorder.seen) == 1


def test_fault_saves_what_was_done_and_stops_the_others(world: World) -> None:
    flow = ready(world, world.source_blobs(**{f"b{n:03d}": b"x" for n in range(200)}))

    def away(request: MemoryRequest) -> None:
        if request.operation == "Put Blob From URL" and request.blob_name == "data/b050":
            raise EffectFailed.because(FaultCode.DESTINATION_UNAVAILABLE, "away", retryable=True)

    world.cloud.before_request = away
    recorder = Recorder()
    with pytest.raises(EffectFailed) as caught:
        world.runner(window=4).run(flow, COPY, watch=recorder)
    assert (caught.value.fault.code, caught.value.fault.step) == (FaultCode.DESTINATION_UNAVAILABLE, 11)
    world.cloud.before_request = None
    resumed = replace(flow, checkpoint=recorder.seen[-1])
    assert copy(world, resumed)["finished"] is True
    assert len(world.delivered()) == 201


def test_source_that_changes_under_the_copy_is_told(world: World) -> None:
    flow = ready(world, world.single("a", b"old"))

    def change(request: MemoryRequest) -> None:
        if request.operation == "Put Blob From URL":
            world.cloud.add_blob(world.provider_account, SOURCE_CONTAINER, "a", b"new")

    world.cloud.before_request = change
    assert fault_of(world, flow).code == FaultCode.SOURCE_CHANGED
    assert world.delivered() == {}


def test_keyless_source_and_destination_are_copied() -> None:
    world = World(keyless=True)
    process = world.prepared(world.process())
    assert copy(world, world.flow(process, world.source_blobs(a=b"1", b=b"2")))["finished"] is True
    assert world.verifier().verify(process, VERIFY)["outcome"] == "verified"


def test_read_sas_is_renewed_before_it_ends(world: World) -> None:
    flow = ready(world, world.source_blobs(a=b"1", b=b"2"))
    flow = replace(flow, destination=replace(flow.target, sas_expires_at=world.clock.now() + timedelta(hours=2)))

    def pass_time(request: MemoryRequest) -> None:
        if request.operation == "Put Blob From URL":
            world.clock.advance(50 * 60)

    world.cloud.before_request = pass_time
    result = world.runner(window=1).run(flow, COPY, watch=Recorder())
    summary = result["summary"]
    assert isinstance(summary, dict) and summary["methods"] == {"put_from_url": 2}


def test_address_of_the_source_is_for_the_blob_that_is_copied_alone(world: World) -> None:
    world.source_blobs(a=b"1", b=b"2")
    world.prepared(world.process())
    services, target = world.services(), world.target("")
    source = services.sides.source(world.provider_account, SOURCE_CONTAINER, gives_urls=True)
    destination = services.sides.destination(target.endpoint, target.container, target.sas)
    first, second = services.engine.call(source.list_page("data/", after=None)).items
    own = source.url(first)
    assert own is not None
    others = own.reveal().replace(first.name, second.name)
    put = destination.put_from_url
    assert services.engine.call(put("first", own.reveal(), first, overwrite=False)).is_done
    assert not services.engine.call(put("second", others, second, overwrite=False)).is_done


def test_service_that_a_peer_runs_gets_bytes_and_no_url_of_ours() -> None:
    world = World(destination_endpoint="https://storage.peer.example")
    flow = ready(world, world.source_blobs(a=b"1", b=b"2"))
    flow = replace(flow, destination=replace(flow.target, endpoint=world.consumer_account.endpoint))

    summary = copy(world, flow)["summary"]

    assert isinstance(summary, dict) and summary["methods"] == {"stream": 2}
    assert not set(world.operations()) & {"Put Blob From URL", "Copy Blob From URL"}
