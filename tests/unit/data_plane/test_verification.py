"""Whether a delivery is what its marker says: only the listing decides."""

from dataclasses import replace

import pytest

from ferry.data_plane.manifest import MARKER_LIMIT_BYTES, DeliveryTally, Manifest
from ferry.domain.decision import ClaimSource
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import IntentKind, JsonObject
from ferry.domain.transfer_process import TransferProcess
from tests.unit.data_plane.world import AGREEMENT, CONSUMER_PID, CONTAINER, PROVIDER_PID, World, intent

VERIFY = intent(IntentKind.VERIFY_DELIVERY)
BY_MESSAGE = intent(IntentKind.VERIFY_DELIVERY, {"claim": ClaimSource.MESSAGE.value})


def tally_of(sizes: dict[str, int]) -> DeliveryTally:
    tally = DeliveryTally()
    for name in sorted(sizes):
        tally.add(name, sizes[name])
    return tally


def manifest_of(sizes: dict[str, int], *, consumer_pid: str = CONSUMER_PID) -> Manifest:
    return tally_of(sizes).manifest(consumer_pid=consumer_pid, provider_pid=PROVIDER_PID, agreement_id=AGREEMENT)


def put(world: World, name: str, content: bytes = b"") -> None:
    world.cloud.add_blob(world.consumer_account, CONTAINER, name, content)


def deliver(world: World, process: TransferProcess, *names: str, manifest: Manifest | None = None) -> None:
    """Blobs of three bytes, and the marker for just them or with another manifest."""
    assert process.destination is not None
    for name in names:
        put(world, name, b"abc")
    content = (manifest or manifest_of(dict.fromkeys(names, 3))).encode()
    put(world, process.destination.marker, content)


def verdict(world: World, process: TransferProcess) -> JsonObject:
    return world.verifier().verify(process, VERIFY)


@pytest.fixture
def managed(world: World) -> TransferProcess:
    return world.prepared(world.process())


@pytest.fixture
def unmanaged(world: World) -> TransferProcess:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    put(world, "bystander", b"old")
    put(world, "in/old", b"old")
    world.clock.advance(3600)
    return world.prepared(world.process(managed=False, folder="in/"))


def test_delivery_is_verified_in_two_requests(world: World, managed: TransferProcess) -> None:
    deliver(world, managed, "a")
    world.operations()
    result = verdict(world, managed)
    assert (result["outcome"], result["blobs"], result["bytes"]) == ("verified", 1, 3)
    assert world.operations() == ["Get Blob", "List Blobs"]


def test_no_marker_is_absent_in_one_request(world: World, managed: TransferProcess) -> None:
    put(world, "a")
    world.operations()
    assert verdict(world, managed) == {"outcome": "absent"}
    assert world.operations() == ["Get Blob"]


def test_container_that_is_gone_is_told(world: World) -> None:
    with pytest.raises(EffectFailed) as caught:
        verdict(world, world.process())
    fault = caught.value.fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_GONE, 13, False)


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        (manifest_of({"a": 3, "b": 3}), "1 of 2 blobs are missing: 'b'"),
        (manifest_of({"a": 4}), "'a' has 3 bytes, not 4"),
        (manifest_of({"a": 3}, consumer_pid="other"), "another transfer"),
        (replace(manifest_of({"a": 3}), provider_pid="other"), "another process"),
        (replace(manifest_of({"a": 3}), agreement_id="other"), "another contract"),
        (manifest_of({}), "lists nothing"),
        (manifest_of({".complete": 3}), "not asked for"),
        (replace(manifest_of({"a": 3}), entries=None, root="0" * 64), "not of those names"),
        (replace(manifest_of({"a": 3}), entries=None, blobs=2), "1 of 3 bytes are there"),
    ],
)
def test_forged_marker_is_a_mismatch(world: World, managed: TransferProcess, manifest: Manifest, reason: str) -> None:
    deliver(world, managed, "a", manifest=manifest)
    result = verdict(world, managed)
    assert result["outcome"] == "mismatch"
    assert reason in str(result["detail"])


def test_surplus_blob_in_our_own_container_is_a_mismatch(world: World, managed: TransferProcess) -> None:
    deliver(world, managed, "a")
    put(world, "surplus")
    assert "'surplus' is there and is not in the manifest" in str(verdict(world, managed)["detail"])


@pytest.mark.parametrize("content", [b"{", b"[]", b"\xff", b" " * (MARKER_LIMIT_BYTES + 5)])
def test_garbage_marker_is_a_mismatch(world: World, managed: TransferProcess, content: bytes) -> None:
    put(world, ".complete", content)
    assert verdict(world, managed)["outcome"] == "mismatch"


def test_without_entries_the_root_of_the_listing_decides(world: World, managed: TransferProcess) -> None:
    deliver(world, managed, "a", "b/c", "ü", manifest=replace(manifest_of({"a": 3, "b/c": 3, "ü": 3}), entries=None))
    assert verdict(world, managed)["outcome"] == "verified"


def test_bystanders_in_a_shared_container_do_not_matter(world: World, unmanaged: TransferProcess) -> None:
    deliver(world, unmanaged, "in/a", "in/b")
    put(world, "in/somebody-elses-new-blob")
    assert verdict(world, unmanaged)["outcome"] == "verified"


def test_single_blob_in_a_shared_container_lists_little(world: World, unmanaged: TransferProcess) -> None:
    deliver(world, unmanaged, "in/a")
    for number in range(20):
        put(world, f"in/other-{number}")
    world.cloud.page_size = 5
    world.operations()
    assert verdict(world, unmanaged)["outcome"] == "verified"
    assert world.operations() == ["Get Blob", "List Blobs"]


def test_shared_container_without_entries_counts_what_is_new_in_the_folder(
    world: World, unmanaged: TransferProcess
) -> None:
    deliver(world, unmanaged, "in/a", "in/b", manifest=replace(manifest_of({"in/a": 3, "in/b": 3}), entries=None))
    assert verdict(world, unmanaged)["outcome"] == "verified"


def test_manifest_that_claims_an_old_bystander_is_a_mismatch(world: World, unmanaged: TransferProcess) -> None:
    deliver(world, unmanaged, manifest=manifest_of({"in/old": 3}))
    assert "1 of 1 blobs are missing" in str(verdict(world, unmanaged)["detail"])


def test_manifest_that_leaves_the_folder_is_a_mismatch(world: World, unmanaged: TransferProcess) -> None:
    deliver(world, unmanaged, manifest=manifest_of({"bystander": 3}))
    assert "not asked for: 'bystander'" in str(verdict(world, unmanaged)["detail"])


@pytest.mark.parametrize("has_entries", [True, False])
def test_large_listing_is_checked_in_slices(has_entries: bool) -> None:
    world = World(page_size=2)
    process = world.prepared(world.process())
    names = [f"blob-{number}" for number in range(7)]
    manifest = manifest_of(dict.fromkeys(names, 3))
    deliver(world, process, *names, manifest=manifest if has_entries else replace(manifest, entries=None))
    slices = 0
    while (result := world.verifier(slice_seconds=0).verify(process, VERIFY))["outcome"] == "slice":
        cursor = result["cursor"]
        assert isinstance(cursor, dict)
        process = replace(process, verify_cursor=cursor)
        slices += 1
    assert (result["outcome"], slices) == ("verified", 3)


def test_blob_missing_in_a_late_slice_is_a_mismatch() -> None:
    world = World(page_size=2)
    process = world.prepared(world.process())
    names = [f"blob-{number}" for number in range(5)]
    deliver(world, process, *names, manifest=manifest_of(dict.fromkeys([*names, "blob-9"], 3)))
    while (result := world.verifier(slice_seconds=0).verify(process, VERIFY))["outcome"] == "slice":
        cursor = result["cursor"]
        assert isinstance(cursor, dict)
        process = replace(process, verify_cursor=cursor)
    assert result == {"outcome": "mismatch", "detail": "1 of 6 blobs are missing"}


def test_empty_marker_of_another_connector_is_counted(world: World, managed: TransferProcess) -> None:
    put(world, "a", b"abc")
    put(world, ".complete")
    assert verdict(world, managed) == {"outcome": "unmarked", "blobs": 1, "bytes": 3}


def test_empty_marker_without_data_is_a_mismatch(world: World, managed: TransferProcess) -> None:
    put(world, ".complete")
    assert verdict(world, managed)["outcome"] == "mismatch"


def test_marker_named_after_the_blob_counts_with_the_message_alone(world: World, managed: TransferProcess) -> None:
    put(world, "a", b"abc")
    put(world, "a.complete")
    assert verdict(world, managed) == {"outcome": "absent"}
    assert world.verifier().verify(managed, BY_MESSAGE)["outcome"] == "unmarked"


def test_message_without_any_marker_is_absent(world: World, managed: TransferProcess) -> None:
    put(world, "a", b"abc")
    assert world.verifier().verify(managed, BY_MESSAGE) == {"outcome": "absent"}
