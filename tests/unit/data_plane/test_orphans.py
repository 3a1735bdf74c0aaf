"""Orphans: which containers they are, and that nothing else is ever removed."""

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_store import MemoryProcessStore
from ferry.data_plane import orphans as orphans_module
from ferry.data_plane.orphans import Orphan, OrphanReason, Orphans, RemovalOutcome
from ferry.domain.faults import EffectFailed, FaultCode, InvalidInput
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowKind, PlaneFlowState
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.unit.data_plane.world import World

RETENTION = timedelta(days=30)
REST = timedelta(0)
MINE, ANOTHER = "consumer", "another"
OUTCOME = RemovalOutcome


@dataclass
class Yard:
    """A consumer's account with its containers, and the documents of whoever may own them."""

    world: World
    transfers: MemoryProcessStore[TransferProcess] = field(default_factory=lambda: MemoryProcessStore(TransferProcess))
    flows: MemoryProcessStore[PlaneFlow] = field(default_factory=lambda: MemoryProcessStore(PlaneFlow))

    @property
    def orphans(self) -> Orphans:
        """What is tested."""
        return Orphans(
            storage=self.world.storage,
            vault=self.world.consumer_vault,
            accounts=self.world.consumer_accounts,
            account_name="consumerdata",
            participant_id=MINE,
            transfers=self.transfers,
            plane_flows=self.flows,
            clock=self.world.clock,
            retention_seconds=RETENTION.total_seconds(),
            rest_seconds=REST.total_seconds(),
        )

    def container(self, name: str, owner_id: str = "gone", *, participant_id: str = MINE, marker: bool = False) -> None:
        """A container as it is made for a process."""
        account = self.world.consumer_account
        self.world.storage.create_container(account, name, owner_id, participant_id=participant_id)
        if marker:
            self.world.cloud.add_blob(account, name, ".complete", b"{}")

    def transfer(self, process_id: str, state: TransferState, *, age: timedelta = timedelta(0)) -> None:
        """A transfer that has been in this state for so long."""
        at = self.world.clock.now() - age
        self.transfers.insert(replace(self.world.process(), id=process_id, state=state, state_at=at))

    def flow(self, process_id: str, state: PlaneFlowState, *, age: timedelta = timedelta(0)) -> None:
        """The same of a flow that this plane has prepared for a control plane."""
        at = self.world.clock.now() - age
        self.flows.insert(
            PlaneFlow(
                id=process_id,
                created_at=at,
                state_at=at,
                kind=PlaneFlowKind.RECEIVE,
                state=state,
                participant_id=MINE,
                counter_party_id="provider",
                agreement_id="agreement-1",
                asset_id="asset-1",
                transfer_type="AzureStorage-PUSH",
                callback_address="https://control.test",
                secret_name="secret-1",
            )
        )

    def found(self) -> dict[str, OrphanReason]:
        """The orphans on the first page."""
        return {it.container: it.reason for it in self.orphans.find().orphans}

    def removed(self, *names: str, dry_run: bool = False) -> dict[str, RemovalOutcome]:
        """What becomes of these."""
        return {it.container: it.outcome for it in self.orphans.remove(names, dry_run=dry_run)}

    def there(self) -> set[str]:
        """The containers of the account."""
        return {name for account, name in self.world.cloud.containers() if account == "consumerdata"}


@pytest.fixture
def yard(world: World) -> Yard:
    return Yard(world)


# --- what is found ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("marker", [True, False])
def test_container_of_an_unknown_process_is_told_with_what_is_in_it(yard: Yard, marker: bool) -> None:
    yard.container("ferry-1", "p1", marker=marker)
    made_at = yard.world.clock.now().replace(microsecond=0)
    yard.world.clock.advance(1000)

    page = yard.orphans.find()

    assert page.orphans == (Orphan("ferry-1", "p1", made_at, marker, OrphanReason.UNKNOWN_PROCESS),)
    assert page.next_marker is None


def test_container_of_an_unknown_process_that_was_changed_lately_may_be_another_apps(yard: Yard) -> None:
    yard.container("ferry-1", "p1")
    orphans = replace(yard.orphans, rest_seconds=600.0)
    yard.world.clock.advance(599)
    assert orphans.find().orphans == ()
    assert [it.outcome for it in orphans.remove(["ferry-1"], dry_run=False)] == [RemovalOutcome.IN_USE]
    yard.world.clock.advance(2)
    assert [it.reason for it in orphans.find().orphans] == [OrphanReason.UNKNOWN_PROCESS]


@pytest.mark.parametrize("state", TransferState)
def test_transfer_keeps_its_container_unless_it_is_deprovisioned(yard: Yard, state: TransferState) -> None:
    yard.container("ferry-1", "p1")
    yard.transfer("p1", state, age=RETENTION - timedelta(seconds=1))
    is_over = state is TransferState.DEPROVISIONED
    assert yard.found() == ({"ferry-1": OrphanReason.DEPROVISIONED} if is_over else {})
    assert yard.removed("ferry-1") == {"ferry-1": OUTCOME.REMOVED if is_over else OUTCOME.IN_USE}
    assert ("ferry-1" in yard.there()) is not is_over


@pytest.mark.parametrize("state", [it for it in TransferState if it is not TransferState.DEPROVISIONED])
def test_only_a_terminated_transfer_loses_it_with_its_retention(yard: Yard, state: TransferState) -> None:
    yard.container("ferry-1", "p1")
    yard.transfer("p1", state, age=RETENTION)
    is_over = state is TransferState.TERMINATED
    assert yard.found() == ({"ferry-1": OrphanReason.TERMINATED} if is_over else {})


def test_orphan_of_an_ended_process_is_one_since_it_ended(yard: Yard) -> None:
    yard.container("ferry-1", "p1")
    yard.transfer("p1", TransferState.TERMINATED, age=2 * RETENTION)
    (orphan,) = yard.orphans.find().orphans
    assert orphan.since == yard.world.clock.now() - 2 * RETENTION


@pytest.mark.parametrize("state", PlaneFlowState)
def test_flow_keeps_its_container_unless_it_was_terminated_long_ago(yard: Yard, state: PlaneFlowState) -> None:
    yard.container("ferry-1", "p1")
    yard.flow("p1", state, age=RETENTION)
    is_over = state is PlaneFlowState.TERMINATED
    assert yard.found() == ({"ferry-1": OrphanReason.TERMINATED} if is_over else {})


@pytest.mark.parametrize(
    ("transfer", "flow"),
    [
        (TransferState.DEPROVISIONED, PlaneFlowState.STARTED),
        (TransferState.STARTED, PlaneFlowState.TERMINATED),
    ],
)
def test_container_that_either_of_two_processes_needs_is_none(
    yard: Yard, transfer: TransferState, flow: PlaneFlowState
) -> None:
    yard.container("ferry-1", "p1")
    yard.transfer("p1", transfer, age=RETENTION)
    yard.flow("p1", flow, age=RETENTION)
    assert yard.found() == {}
    assert yard.removed("ferry-1") == {"ferry-1": OUTCOME.IN_USE}


def test_containers_of_others_are_none(yard: Yard) -> None:
    yard.world.cloud.add_container(yard.world.consumer_account, "photos")
    yard.container("ferry-theirs", participant_id=ANOTHER)
    yard.container("ferry-older", participant_id="")
    assert yard.found() == {"ferry-older": OrphanReason.UNKNOWN_PROCESS}
    left_alone = {"photos": OUTCOME.NOT_OURS, "ferry-theirs": OUTCOME.NOT_OURS}
    assert yard.removed("photos", "ferry-theirs") == left_alone
    assert yard.there() == {"photos", "ferry-theirs", "ferry-older"}


def test_pages_lead_through_all_containers_and_each_costs_as_many_requests_as_it_has_orphans(
    yard: Yard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orphans_module, "CONTAINERS_PER_PAGE", 2)
    for number in range(5):
        yard.container(f"ferry-{number}", f"p{number}")
    for number in (0, 1, 3):
        yard.transfer(f"p{number}", TransferState.STARTED)
    pages: list[tuple[list[str], list[str]]] = []
    marker: str | None = None
    yard.world.operations()
    while not pages or marker is not None:
        page = yard.orphans.find(marker)
        pages.append(([it.container for it in page.orphans], yard.world.operations()))
        marker = page.next_marker
    listing, look = "List Containers", "Get Blob Properties"
    assert pages == [([], [listing]), (["ferry-2"], [listing, look]), (["ferry-4"], [listing, look])]


def test_container_that_goes_while_it_is_looked_at_is_left_out(yard: Yard) -> None:
    yard.container("ferry-1")
    yard.container("ferry-2")

    def goes(request: MemoryRequest) -> None:
        if request.operation == "Get Blob Properties" and request.container == "ferry-1":
            yard.world.cloud.accounts[yard.world.consumer_account.endpoint].containers.pop("ferry-1", None)

    yard.world.cloud.before_request = goes
    assert yard.found() == {"ferry-2": OrphanReason.UNKNOWN_PROCESS}


# --- what is removed ----------------------------------------------------------------------------------------------


def test_dry_run_tells_what_would_go_and_removes_nothing(yard: Yard) -> None:
    yard.container("ferry-1", "p1", marker=True)
    yard.world.operations()

    (removal,) = yard.orphans.remove(["ferry-1"], dry_run=True)

    assert removal.outcome is OUTCOME.REMOVABLE
    assert removal.orphan is not None and removal.orphan.delivered
    assert yard.world.operations() == ["List Containers", "Get Blob Properties"]
    assert yard.there() == {"ferry-1"}


def test_named_orphans_go_once_and_all_others_stay(yard: Yard) -> None:
    for name in ("ferry-1", "ferry-10", "ferry-2"):
        yard.container(name)
    assert yard.removed("ferry-1", "ferry-1") == {"ferry-1": OUTCOME.REMOVED}
    assert yard.removed("ferry-1", "ferry-3") == {"ferry-1": OUTCOME.GONE, "ferry-3": OUTCOME.GONE}
    assert yard.there() == {"ferry-10", "ferry-2"}


def test_process_that_begins_after_the_list_keeps_its_container(yard: Yard) -> None:
    yard.container("ferry-1", "p1")
    assert yard.found() == {"ferry-1": OrphanReason.UNKNOWN_PROCESS}
    yard.transfer("p1", TransferState.PREPARATION_REQUESTED)
    (removal,) = yard.orphans.remove(["ferry-1"], dry_run=False)
    assert (removal.outcome, yard.there()) == (OUTCOME.IN_USE, {"ferry-1"})
    assert "p1 is PREPARATION_REQUESTED" in removal.detail


@pytest.mark.parametrize("owner", [None, "p2"])
def test_container_that_changes_hands_before_it_goes_is_left_alone(yard: Yard, owner: str | None) -> None:
    yard.container("ferry-1", "p1")
    metadata = yard.world.cloud.containers()["consumerdata", "ferry-1"].metadata

    def changes_hands(request: MemoryRequest) -> None:
        if request.operation == "Delete Container":
            metadata.pop("ferry_process")
            metadata.update({} if owner is None else {"ferry_process": owner})

    yard.world.cloud.before_request = changes_hands
    assert yard.removed("ferry-1") == {"ferry-1": OUTCOME.NOT_OURS}
    assert yard.there() == {"ferry-1"}


def test_container_that_somebody_else_deletes_first_is_gone(yard: Yard) -> None:
    yard.container("ferry-1", "p1")

    def goes(request: MemoryRequest) -> None:
        if request.operation == "Delete Container":
            yard.world.cloud.accounts[yard.world.consumer_account.endpoint].containers.pop("ferry-1")

    yard.world.cloud.before_request = goes
    assert yard.removed("ferry-1") == {"ferry-1": OUTCOME.GONE}


def test_container_that_cannot_be_deleted_says_why_and_the_others_go(yard: Yard) -> None:
    for name in ("ferry-1", "ferry-2"):
        yard.container(name)

    def leased(request: MemoryRequest) -> None:
        if request.operation == "Delete Container" and request.container == "ferry-1":
            raise StorageFailed(StorageProblem.UNAVAILABLE, "it is leased; break the lease")

    yard.world.cloud.before_request = leased
    failed, removed = yard.orphans.remove(["ferry-1", "ferry-2"], dry_run=False)
    assert (failed.outcome, failed.detail) == (OUTCOME.FAILED, "it is leased; break the lease")
    assert removed.outcome is OUTCOME.REMOVED
    assert yard.there() == {"ferry-1"}


# --- what keeps it from looking -----------------------------------------------------------------------------------


def test_storage_that_is_away_is_told_as_the_destinations(yard: Yard) -> None:
    yard.container("ferry-1")

    def away(request: MemoryRequest) -> None:
        raise StorageFailed(StorageProblem.UNAVAILABLE, "away")

    yard.world.cloud.before_request = away
    for ask in (yard.orphans.find, lambda: yard.orphans.remove(["ferry-1"], dry_run=False)):
        with pytest.raises(EffectFailed) as caught:
            ask()
        assert (caught.value.fault.code, caught.value.fault.retryable) == (FaultCode.DESTINATION_UNAVAILABLE, True)


def test_missing_key_is_told(yard: Yard) -> None:
    yard.world.consumer_vault.delete("consumerdata-key1")
    with pytest.raises(EffectFailed, match="consumerdata-key1") as caught:
        yard.orphans.find()
    assert caught.value.fault.code == FaultCode.DESTINATION_KEY_MISSING


def test_participant_without_an_account_is_told_which_setting_is_missing(yard: Yard) -> None:
    nowhere = replace(yard.orphans, account_name="")
    for ask in (nowhere.find, lambda: nowhere.remove(["ferry-1"], dry_run=True)):
        with pytest.raises(InvalidInput) as caught:
            ask()
        assert [fault.path for fault in caught.value.faults] == ["FERRY_DESTINATION_ACCOUNT"]
    assert yard.world.operations() == []
