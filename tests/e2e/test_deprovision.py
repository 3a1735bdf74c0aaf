"""Deprovisioning: whenever and however often it is asked for, the end is the same, and all that we created is gone."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
from azure.storage.blob import AccessPolicy

from ferry.cli.leftovers import destination_leftovers, secrets_since, vault_contents
from ferry.cli.management import TransferView
from ferry.cli.stack import CONSUMER, PROVIDER
from tests.e2e.pair import until
from tests.security.observed_stack import ObservedPair, is_transfer_request, is_write_by_sas, observed_stack
from tests.security.relay import Request

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

type NothingLeft = Callable[..., None]

BLOBS = {"one.txt": b"one", "nested/two.txt": b"two"}


@pytest.fixture(scope="module", params=[False, True], ids=["keys", "keyless"])
def pair(request: pytest.FixtureRequest) -> Iterator[ObservedPair]:
    """Both participants, with account keys in their vaults or without any."""
    with ObservedPair(observed_stack(request.config, keyless=request.param)) as made:
        yield made


@pytest.fixture
def nothing_left(pair: ObservedPair) -> NothingLeft:
    """Checks that all secrets since the beginning of the test are gone, deleted ones included, and the destination."""
    before = vault_contents(pair.stack)

    def check(container: str, *, marker: str = ".complete", managed: bool = True) -> None:
        def left() -> list[str]:
            there = destination_leftovers(pair.inbox, container, marker=marker, managed=managed)
            return [*there, *secrets_since(pair.stack, before)]

        # The provider's clean-up goes its own way.
        until(left, lambda found: not found, timeout_seconds=20.0)

    return check


@dataclass(frozen=True, slots=True)
class Running:
    """A transfer that was asked for, and where it goes."""

    transfer_id: str
    container: str


def started(pair: ObservedPair, *, blobs: str = "one.txt") -> Running:
    """A transfer into a container of ours whose name is known from the beginning."""
    container = f"dst-{uuid.uuid4().hex}"
    contract = pair.contract(BLOBS, None if blobs == "one.txt" else {"blobName": blobs})
    return Running(pair.transfer(contract, destination={"container": container}), container)


def deprovisioned(pair: ObservedPair, running: Running) -> TransferView:
    """The transfer once it is DEPROVISIONED, which its history must tell once."""
    view = pair.wait(running.transfer_id, "DEPROVISIONED")
    lines = [line for line in view.history if line.state == "DEPROVISIONED"]
    assert [line.step for line in lines] == [18]
    return view


def told_once(pair: ObservedPair, running: Running) -> bool:
    """Whether the consumer's log tells the end of this transfer exactly once."""
    lines = pair.stack.consumer.log_path.read_text().splitlines()
    return sum(running.transfer_id in line and '"state": "DEPROVISIONED"' in line for line in lines) == 1


def test_twice_is_like_once(pair: ObservedPair, nothing_left: NothingLeft) -> None:
    running = started(pair)
    assert pair.wait(running.transfer_id).state == "COMPLETED"
    pair.consumer.deprovision(running.transfer_id)
    first = deprovisioned(pair, running)
    pair.consumer.deprovision(running.transfer_id)
    assert deprovisioned(pair, running).history == first.history
    assert first.error is None
    assert told_once(pair, running)
    nothing_left(running.container)


def test_eight_at_once_are_like_one(pair: ObservedPair, nothing_left: NothingLeft) -> None:
    running = started(pair)
    assert pair.wait(running.transfer_id).state == "COMPLETED"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pair.consumer.deprovision, [running.transfer_id] * 8))
    deprovisioned(pair, running)
    assert told_once(pair, running)
    nothing_left(running.container)


def test_during_a_copy_ends_the_copy_as_well(pair: ObservedPair, nothing_left: NothingLeft) -> None:
    container = f"dst-{uuid.uuid4().hex}"
    contract = pair.contract(BLOBS)
    with pair.relays["blob"].holding(lambda request: is_write_by_sas(request, container)) as gate:
        running = Running(pair.transfer(contract, destination={"container": container}), container)
        gate.wait_for()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(pair.consumer.deprovision, [running.transfer_id] * 8))
        view = deprovisioned(pair, running)
    assert view.error is not None
    assert view.error.code == "DEPROVISIONED_BY_CLIENT"
    assert pair.wait_provider(view).state == "TERMINATED"
    assert told_once(pair, running)
    nothing_left(running.container)


def test_while_the_request_is_under_way_leaves_nothing_either(pair: ObservedPair, nothing_left: NothingLeft) -> None:
    container = f"dst-{uuid.uuid4().hex}"
    contract = pair.contract(BLOBS)
    agreement = contract.agreement_id.encode()

    def is_ours(request: Request) -> bool:
        return is_transfer_request(request) and agreement in request.body

    with pair.relays[PROVIDER].holding(is_ours) as gate, ThreadPoolExecutor(1) as pool:
        starting = pool.submit(pair.transfer, contract, destination={"container": container})
        gate.wait_for()
        (transfer_id,) = _transfers_to(pair, container)
        pair.consumer.deprovision(transfer_id)
        gate.open()
        assert starting.result() == transfer_id
    deprovisioned(pair, Running(transfer_id, container))
    nothing_left(container)


def test_after_a_failure_takes_everything_away(pair: ObservedPair, nothing_left: NothingLeft) -> None:
    running = started(pair, blobs="missing.txt")
    failed = pair.wait(running.transfer_id)
    assert failed.error is not None
    assert failed.error.code == "SOURCE_BLOB_MISSING"
    pair.consumer.deprovision(running.transfer_id)
    view = deprovisioned(pair, running)
    assert view.error == failed.error
    assert told_once(pair, running)
    nothing_left(running.container)


def test_protected_vault_is_no_obstacle_and_the_date_is_shown(pair: ObservedPair) -> None:
    admin, before = pair.stack.admin, vault_contents(pair.stack)
    admin.configure_vault(CONSUMER, purge_protection=True)
    try:
        running = started(pair)
        assert pair.wait(running.transfer_id).state == "COMPLETED"
        pair.consumer.deprovision(running.transfer_id)
        view = deprovisioned(pair, running)
    finally:
        admin.configure_vault(CONSUMER, purge_protection=False)
    assert datetime.fromisoformat(view.raw["secretPurgeAt"]) > datetime.now(UTC) + timedelta(days=1)
    assert "will purge" in view.history[-1].what
    (name,) = set(admin.secret_names(CONSUMER).deleted) - before[0].names
    assert name not in admin.secret_names(CONSUMER).live
    with pair.stack.vault(CONSUMER) as vault:
        vault.purge_deleted_secret(name)
    assert list(destination_leftovers(pair.inbox, running.container, marker=".complete", managed=True)) == []


def test_container_that_is_not_ours_stays_with_all_but_the_marker(
    pair: ObservedPair, nothing_left: NothingLeft
) -> None:
    container = f"dst-{uuid.uuid4().hex}"
    with pair.inbox.create_container(container) as owner:
        owner.upload_blob("bystander.txt", b"mine")
    contract = pair.contract(BLOBS)
    transfer_id = pair.transfer(contract, managed=False, destination={"container": container})
    completed = pair.wait(transfer_id)
    marker = completed.destination["completionMarker"]
    assert marker in pair.delivered(container)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(pair.consumer.deprovision, [transfer_id] * 8))
    deprovisioned(pair, Running(transfer_id, container))
    assert pair.delivered(container) == {**BLOBS, "bystander.txt": b"mine"}
    nothing_left(container, marker=marker, managed=False)


def test_policies_of_others_stay(pair: ObservedPair) -> None:
    container, now = f"dst-{uuid.uuid4().hex}", datetime.now(UTC)
    with pair.inbox.create_container(container) as owner:
        owner.set_container_access_policy({"mine": AccessPolicy("r", expiry=now + timedelta(hours=1), start=now)})
        transfer_id = pair.transfer(pair.contract(BLOBS), managed=False, destination={"container": container})
        assert pair.wait(transfer_id).state == "COMPLETED"
        pair.consumer.deprovision(transfer_id)
        deprovisioned(pair, Running(transfer_id, container))
        policies = owner.get_container_access_policy()["signed_identifiers"]
    assert [policy.id for policy in policies] == ["mine"]


def _transfers_to(pair: ObservedPair, container: str) -> list[str]:
    shown = cast("list[dict[str, Any]]", pair.consumer.call("POST", "/transferprocesses/request", {"limit": 200}))
    return [str(it["@id"]) for it in shown if it["dataDestination"]["container"] == container]
