"""Orphans: containers that were made for a process which has no use for them any more.

That of a process which is not known any more may hold data that were delivered and that nobody has had taken away. So
nothing here deletes by itself: who deletes names the containers, and each of them is looked at again before it goes.
A container that names another participant in its metadata is none of ours, whatever process it names.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.sides import at_destination
from ferry.domain.faults import FaultCode, InvalidInput
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.process import Process
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, ContainerItem, ObjectStorage
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.ports.stores import ProcessStore
from ferry.ports.vault import Vault

log = logging.getLogger("ferry.orphans")

# So many containers are looked at for a page: each may cost two reads of documents and one of a blob.
CONTAINERS_PER_PAGE = 100
_MARKER = ".complete"
_STEP_CLEAN_UP = 16


class OrphanReason(StrEnum):
    """Why nobody needs a container any more."""

    UNKNOWN_PROCESS = "UNKNOWN_PROCESS"  # its document has left with its retention
    DEPROVISIONED = "DEPROVISIONED"  # what was to be taken away is still there
    TERMINATED = "TERMINATED"  # for longer than the retention


class RemovalOutcome(StrEnum):
    """What became of a container that somebody wanted to be removed."""

    REMOVED = "REMOVED"
    REMOVABLE = "REMOVABLE"  # it would be removed, were this not a dry run
    GONE = "GONE"
    NOT_OURS = "NOT_OURS"
    IN_USE = "IN_USE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A container that nobody needs. `delivered`: a marker lies in it, so a delivery into it was complete.

    `since` is when its process ended; where that is not known any more, when the container was changed last.
    """

    container: str
    process_id: str
    since: datetime
    delivered: bool
    reason: OrphanReason


@dataclass(frozen=True, slots=True)
class OrphanPage:
    """The orphans among one page of containers, which may be none; `next_marker` None on the last page."""

    orphans: tuple[Orphan, ...]
    next_marker: str | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of one container, and the orphan that it was; `detail` says why it was left alone."""

    container: str
    outcome: RemovalOutcome
    orphan: Orphan | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class _Owner:
    """How the process of a container stands; `reason` None: it may still need it."""

    state: str
    since: datetime
    reason: OrphanReason | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphans:
    """The orphans in one account of a participant, the one that its transfers go to.

    A container is owned by a transfer, or by a flow that this plane has prepared for a control plane. One whose process
    nobody here knows must have rested for `rest_seconds`: another app of the same participant may be at it.
    """

    storage: ObjectStorage
    vault: Vault
    accounts: AccountDirectory
    account_name: str
    participant_id: str
    transfers: ProcessStore[TransferProcess]
    plane_flows: ProcessStore[PlaneFlow]
    clock: Clock
    retention_seconds: float
    rest_seconds: float

    def find(self, after: str | None = None) -> OrphanPage:
        """The orphans in a page of the account's containers. Raises EffectFailed; InvalidInput without an account."""
        account = self._account()
        with at_destination(_STEP_CLEAN_UP):
            page = self.storage.list_containers(account, "", after=after, limit=CONTAINERS_PER_PAGE)
            found = [self._orphan(account, item, self._owner(item)) for item in page.items if self._is_ours(item)]
        return OrphanPage(tuple(it for it in found if it is not None), page.next_marker)

    def remove(self, containers: Iterable[str], *, dry_run: bool) -> tuple[Removal, ...]:
        """Remove those that are still orphans, one result for each name in turn.

        May be repeated: what was removed is GONE. Raises EffectFailed where a container cannot even be looked at.
        """
        account = self._account()
        with at_destination(_STEP_CLEAN_UP):
            return tuple(self._remove(account, name, dry_run=dry_run) for name in dict.fromkeys(containers))

    def _remove(self, account: Account, name: str, *, dry_run: bool) -> Removal:
        item = self._item(account, name)
        if item is None:
            return Removal(name, RemovalOutcome.GONE)
        if not self._is_ours(item):
            what = f"its metadata names no process of participant {self.participant_id}"
            return Removal(name, RemovalOutcome.NOT_OURS, detail=what)
        owner = self._owner(item)
        if owner.reason is None:
            what = f"process {item.owner_id} is {owner.state}; to take its container away, deprovision the process"
            return Removal(name, RemovalOutcome.IN_USE, detail=what)
        orphan = self._orphan(account, item, owner)
        if orphan is None:
            return Removal(name, RemovalOutcome.GONE)
        return Removal(name, RemovalOutcome.REMOVABLE, orphan) if dry_run else self._delete(account, orphan)

    def _delete(self, account: Account, orphan: Orphan) -> Removal:
        """Delete the container, if its metadata still names that process when it goes."""
        try:
            deleted = self.storage.delete_container(account, orphan.container, orphan.process_id)
        except StorageFailed as failed:
            log.warning("the orphan container %s was not removed: %s", orphan.container, failed)
            return Removal(orphan.container, RemovalOutcome.FAILED, orphan, failed.fault.message)
        if not deleted and self._item(account, orphan.container) is not None:
            return Removal(orphan.container, RemovalOutcome.NOT_OURS, detail="it has changed hands meanwhile")
        if not deleted:
            return Removal(orphan.container, RemovalOutcome.GONE)
        told = (orphan.container, account.name, orphan.process_id, orphan.reason)
        log.info("removed the orphan container %s of account %s (process %s, %s)", *told)
        return Removal(orphan.container, RemovalOutcome.REMOVED, orphan)

    def _orphan(self, account: Account, item: ContainerItem, owner: _Owner) -> Orphan | None:
        """The orphan that the container is; None where its process may need it, or it has gone meanwhile."""
        if owner.reason is None or item.owner_id is None:
            return None
        try:
            marker = self.storage.head_blob(account, item.name, _MARKER)
        except StorageFailed as failed:
            if failed.problem is StorageProblem.CONTAINER_MISSING:
                return None
            raise
        return Orphan(item.name, item.owner_id, owner.since, marker is not None, owner.reason)

    def _owner(self, item: ContainerItem) -> _Owner:
        """How the processes of that id stand: any that may need the container keeps it."""
        rested = item.last_modified_at <= self.clock.now() - timedelta(seconds=self.rest_seconds)
        reason = OrphanReason.UNKNOWN_PROCESS if rested else None
        owner = _Owner("not known to this app, and maybe to another", item.last_modified_at, reason)
        for load in (self.transfers.load, self.plane_flows.load):
            record = load(item.owner_id or "")
            if record is not None:
                owner = self._standing(record.document)
                if owner.reason is None:
                    break
        return owner

    def _standing(self, process: Process) -> _Owner:
        """A process that has delivered, or ended a short while ago, may need what it has made, like one that runs."""
        state, reason = process.state_name, None
        if state == TransferState.DEPROVISIONED:
            reason = OrphanReason.DEPROVISIONED
        elif state == TransferState.TERMINATED:
            ended_until = self.clock.now() - timedelta(seconds=self.retention_seconds)
            reason = OrphanReason.TERMINATED if process.state_at <= ended_until else None
        return _Owner(state, process.state_at, reason)

    def _is_ours(self, item: ContainerItem) -> bool:
        return item.owner_id is not None and item.participant_id in (None, self.participant_id)

    def _item(self, account: Account, name: str) -> ContainerItem | None:
        """The container of that name: of all names that begin like that it is the first one."""
        found = self.storage.list_containers(account, name, limit=1).items
        return found[0] if found and found[0].name == name else None

    def _account(self) -> Account:
        if not self.account_name:
            message = "is not set: this participant has no account that its transfers go to"
            raise InvalidInput.at("FERRY_DESTINATION_ACCOUNT", message)
        need = KeyNeed(FaultCode.DESTINATION_KEY_MISSING, _STEP_CLEAN_UP, retryable=True)
        return self.accounts.resolve(self.account_name, None, None, vault=self.vault, need=need)
