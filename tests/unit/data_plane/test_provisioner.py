"""Preparing a destination and taking it away again: repeatable, and never at the cost of what is not ours."""

import json
from datetime import datetime, timedelta

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, IntentKind
from ferry.domain.transfer_process import NEW_END, TransferProcess
from ferry.ports.copying import PutOutcome
from ferry.ports.storage import Account, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.unit.data_plane.world import CONSUMER_PID, CONTAINER, World, intent, step_numbers

PREPARE = intent(IntentKind.PREPARE_DESTINATION)
REVOKE = intent(IntentKind.REVOKE_ACCESS)
REMOVE = intent(IntentKind.REMOVE_DESTINATION)


def prepare_fault(world: World, process: TransferProcess) -> EffectFailed:
    with pytest.raises(EffectFailed) as caught:
        world.provisioner.prepare(process, PREPARE)
    return caught.value


def refused(world: World) -> str:
    with pytest.raises(EffectFailed) as caught:
        world.writer.put_bytes(world.target("x"), b"", "text/plain")
    return caught.value.fault.code


def test_managed_destination_is_prepared_in_two_requests(world: World) -> None:
    result = world.provisioner.prepare(world.process(), PREPARE)
    assert world.operations() == ["Create Container", "Set Container ACL"]
    assert result["policy"] is True
    assert step_numbers(result) == [2, 3, 4]
    assert world.container.metadata == {"ferry_process": CONSUMER_PID}


def test_secret_is_edcs_token_and_ends_with_the_sas(world: World) -> None:
    process = world.prepared(world.process())
    stored = world.consumer_vault.get("sas-consumer")
    assert stored is not None
    token = json.loads(stored.reveal())
    assert token["edctype"] == "dataspaceconnector:azuretoken"
    assert token["sas"].startswith("?") and "si=policy-1" in token["sas"] and "se=" not in token["sas"]
    assert process.destination is not None and process.destination.sas_expires_at is not None
    assert token["expiration"] == process.destination.sas_expires_at.timestamp() * 1000


def test_prepared_twice_is_prepared_once(world: World) -> None:
    process = world.process()
    world.prepared(process)
    first = world.target("x")
    assert world.provisioner.prepare(process, PREPARE)["policy"] is True
    assert world.target("x") == first
    assert list(world.container.policies) == ["policy-1"]


def test_container_of_somebody_else_is_not_taken(world: World) -> None:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    fault = prepare_fault(world, world.process()).fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.CONTAINER_TAKEN, 3, False)


def test_unmanaged_container_must_exist(world: World) -> None:
    fault = prepare_fault(world, world.process(managed=False)).fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.CONTAINER_MISSING, 3, False)
    assert (("consumerdata", CONTAINER)) not in world.cloud.containers()


def test_unmanaged_container_keeps_the_policies_of_others(world: World) -> None:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    add_policy(world, "theirs")
    process = world.prepared(world.process(managed=False))
    assert set(world.container.policies) == {"theirs", "policy-1"}
    world.provisioner.revoke(process, REVOKE)
    assert set(world.container.policies) == {"theirs"}


def test_sixth_transfer_gets_a_plain_sas_of_an_hour(world: World) -> None:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    for number in range(5):
        add_policy(world, f"theirs-{number}")
    result = world.provisioner.prepare(world.process(managed=False), PREPARE)
    assert result["policy"] is False
    assert world.writer.put_bytes(world.target("x"), b"", "text/plain") is PutOutcome.WRITTEN
    world.clock.advance(3601)
    assert refused(world) == FaultCode.SAS_REFUSED


def test_identity_needs_no_key_and_gets_an_hour() -> None:
    world = World(keyless=True)
    result = world.provisioner.prepare(world.process(), PREPARE)
    assert result["policy"] is False
    assert world.writer.put_bytes(world.target("x"), b"", "text/plain") is PutOutcome.WRITTEN
    world.clock.advance(3601)
    assert refused(world) == FaultCode.SAS_REFUSED


def test_extended_sas_on_a_policy_is_the_same_one_and_lasts_longer(world: World) -> None:
    process = world.prepared(world.process())
    held = world.target("x")
    ends_at = world.clock.now() + timedelta(hours=5)
    result = world.provisioner.extend(process, extension(ends_at))
    assert result == {"policy": True, "sas_expires_at": ends_at.isoformat()}
    assert world.operations()[2:] == ["Set Container ACL"]
    assert world.container.policies["policy-1"].expires_at == ends_at
    assert world.consumer_vault.expires_at("sas-consumer") == ends_at
    world.clock.advance(4 * 3600)
    assert world.writer.put_bytes(held, b"", "text/plain") is PutOutcome.WRITTEN


def test_extended_twice_is_extended_once(world: World) -> None:
    process = world.prepared(world.process())
    intent = extension(world.clock.now() + timedelta(hours=5))
    assert world.provisioner.extend(process, intent) == world.provisioner.extend(process, intent)
    assert list(world.container.policies) == ["policy-1"]


def test_extension_keeps_the_policies_of_others(world: World) -> None:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    for number in range(4):
        add_policy(world, f"theirs-{number}")
    process = world.prepared(world.process(managed=False))
    assert world.provisioner.extend(process, extension(world.clock.now() + timedelta(hours=5)))["policy"] is True
    assert len(world.container.policies) == 5


def test_extended_delegation_sas_is_another_one_of_an_hour_at_most() -> None:
    world = World(keyless=True)
    process = world.process()
    world.provisioner.prepare(process, PREPARE)
    held = world.target("x")
    world.clock.advance(2400)
    result = world.provisioner.extend(process, extension(world.clock.now() + timedelta(hours=5)))
    hour = world.clock.now() + timedelta(hours=1)
    assert result == {"policy": False, "sas_expires_at": hour.isoformat()}
    assert world.target("x") != held
    # The one before is not revoked: whoever writes with it may go on until its end.
    assert world.writer.put_bytes(held, b"", "text/plain") is PutOutcome.WRITTEN
    world.clock.advance(2400)
    assert world.writer.put_bytes(world.target("y"), b"", "text/plain") is PutOutcome.WRITTEN


def test_container_that_is_gone_is_not_extended(world: World) -> None:
    process = world.prepared(world.process())
    world.provisioner.remove(process, REMOVE)
    with pytest.raises(EffectFailed) as caught:
        world.provisioner.extend(process, extension(world.clock.now() + timedelta(hours=5)))
    assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.DESTINATION_GONE, False)


def extension(ends_at: datetime) -> Intent:
    return intent(IntentKind.EXTEND_ACCESS, {NEW_END: ends_at.isoformat()})


def test_missing_key_names_alias_and_setting(world: World) -> None:
    world.consumer_vault.delete("consumerdata-key1")
    fault = prepare_fault(world, world.process()).fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_KEY_MISSING, 2, False)
    assert "'consumerdata-key1'" in fault.message and "FERRY_ACCOUNTS" in fault.message
    assert world.operations() == []


def test_wrong_key_is_told_as_a_missing_one(world: World) -> None:
    assert world.provider_account.key is not None
    world.consumer_vault.store("consumerdata-key1", world.provider_account.key)
    fault = prepare_fault(world, world.process()).fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_KEY_MISSING, 3, False)


def test_storage_that_is_away_is_tried_again(world: World) -> None:
    def away(request: MemoryRequest) -> None:
        raise StorageFailed(StorageProblem.UNAVAILABLE, f"{request.account} is away")

    world.cloud.before_request = away
    fault = prepare_fault(world, world.process()).fault
    assert (fault.code, fault.step, fault.retryable) == (FaultCode.DESTINATION_UNAVAILABLE, 3, True)


def test_revoked_sas_is_dead_and_its_secret_gone(world: World) -> None:
    process = world.prepared(world.process())
    target = world.target("x")
    assert world.provisioner.revoke(process, REVOKE) == {"purge_at": None}
    with pytest.raises(EffectFailed) as caught:
        world.writer.put_bytes(target, b"", "text/plain")
    assert caught.value.fault.code == FaultCode.SAS_REFUSED
    assert world.consumer_vault.get("sas-consumer") is None


def test_revoked_twice_or_without_container_is_fine(world: World) -> None:
    process = world.prepared(world.process())
    world.provisioner.remove(process, REMOVE)
    world.provisioner.revoke(process, REVOKE)
    assert world.provisioner.revoke(process, REVOKE) == {"purge_at": None}


def test_delivery_is_known_by_its_marker(world: World) -> None:
    process = world.prepared(world.process())
    assert not world.provisioner.is_delivered(process)
    world.writer.put_bytes(world.target("data.bin"), b"", "text/plain")
    assert not world.provisioner.is_delivered(process)
    world.writer.put_bytes(world.target(".complete"), b"{}", "application/json")
    assert world.provisioner.is_delivered(process)
    world.provisioner.remove(process, REMOVE)
    assert not world.provisioner.is_delivered(process)


def test_delivery_is_not_guessed_where_storage_is_away(world: World) -> None:
    process = world.prepared(world.process())

    def away(request: MemoryRequest) -> None:
        raise StorageFailed(StorageProblem.UNAVAILABLE, "busy")

    world.cloud.before_request = away
    with pytest.raises(EffectFailed) as caught:
        world.provisioner.is_delivered(process)
    assert caught.value.fault.retryable


def test_revoke_tells_when_a_protected_secret_is_purged(world: World) -> None:
    process = world.prepared(world.process())
    world.consumer_vault.purge_protection = True
    purge_at = world.provisioner.revoke(process, REVOKE)["purge_at"]
    assert purge_at == (world.clock.now() + timedelta(days=90)).isoformat()


def test_key_away_at_revocation_is_retried_and_the_secret_is_deleted_all_the_same(world: World) -> None:
    process = world.prepared(world.process())
    world.consumer_vault.delete("consumerdata-key1")
    with pytest.raises(EffectFailed) as caught:
        world.provisioner.revoke(process, REVOKE)
    assert caught.value.fault.code == FaultCode.DESTINATION_KEY_MISSING
    assert caught.value.fault.retryable
    assert world.consumer_vault.get("sas-consumer") is None


def test_managed_container_is_removed_once(world: World) -> None:
    process = world.prepared(world.process())
    assert world.provisioner.remove(process, REMOVE) == {"removed": True}
    assert world.provisioner.remove(process, REMOVE) == {"removed": False}
    assert (("consumerdata", CONTAINER)) not in world.cloud.containers()


def test_container_that_changed_hands_is_left_alone(world: World) -> None:
    process = world.prepared(world.process())
    world.container.metadata["ferry_process"] = "somebody-else"
    assert world.provisioner.remove(process, REMOVE) == {"removed": False}
    assert ("consumerdata", CONTAINER) in world.cloud.containers()


def test_unmanaged_container_loses_the_marker_alone(world: World) -> None:
    world.cloud.add_container(world.consumer_account, CONTAINER)
    process = world.prepared(world.process(managed=False))
    for name in ("bystander", ".complete", f".{CONSUMER_PID}.complete"):
        world.cloud.add_blob(world.consumer_account, CONTAINER, name, b"")
    assert world.provisioner.remove(process, REMOVE) == {"removed": False}
    assert set(world.delivered()) == {"bystander", ".complete"}


def add_policy(world: World, policy_id: str) -> None:
    account: Account = world.consumer_account
    now = world.clock.now()
    scope = SasScope(CONTAINER, "r", now, now + timedelta(days=1), policy_id=policy_id)
    assert world.storage.add_access_policy(account, scope)
