"""ObjectStorageProvisioner: makes ready where blobs go, and takes it away again (steps 2-4 and 16-18).

Every method may be repeated: all names come from the process. A container that is not ours is never created or deleted,
and of its blobs only our marker is.

The SAS is for the container, also where one blob is asked for: the provider writes the marker with it, too, and how
many blobs an asset has is known only there. Its letters are `cw`. With an account key it hangs on a stored access
policy and dies with that; without one, or in a container that has its five, it is a plain SAS of at most 60 minutes.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Protocol

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.sas_token import SasToken
from ferry.data_plane.sides import at_destination, at_step, while_preparing
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, Json, JsonObject
from ferry.domain.transfer_process import NEW_END, Destination
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, ContainerState, ObjectStorage, SasScope
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from ferry.ports.vault import Vault

WRITE_PERMISSIONS = "cw"
PLAIN_SAS_SECONDS = 3600.0
_CLOCK_SKEW = timedelta(minutes=5)
_STEP_KEY, _STEP_CONTAINER, _STEP_SECRET, _STEP_CLEAN_UP = 2, 3, 4, 16


class Provisioned(Protocol):
    """Whatever has a destination of ours: a consumer's transfer, or a flow of its data plane."""

    @property
    def id(self) -> str:
        """What a container of ours names as its owner."""
        ...

    @property
    def destination(self) -> Destination | None:
        """Where it delivers to."""
        ...


@dataclass(frozen=True, slots=True)
class _Access:
    """A SAS, when it ends, and whether it dies with a policy."""

    token: SasToken
    expires_at: datetime
    has_policy: bool


class ObjectStorageProvisioner:
    """Containers, access policies, SAS and their secrets. `sas_seconds` holds where the process names no expiry.

    `participant_id` is told in the metadata of every container that is made.
    """

    def __init__(
        self,
        storage: ObjectStorage,
        vault: Vault,
        *,
        accounts: AccountDirectory,
        clock: Clock,
        sas_seconds: float = PLAIN_SAS_SECONDS,
        participant_id: str = "",
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._accounts = accounts
        self._clock = clock
        self._sas_seconds = sas_seconds
        self._participant_id = participant_id

    def prepare(self, process: Provisioned, intent: Intent) -> JsonObject:
        """Container and SAS; the SAS lies in the vault under `destination.secret_name` when this returns.

        Gives `steps` as pairs of number and time, `policy` (whether the SAS can be revoked) and `sas_expires_at`.
        """
        destination = destination_of(process)
        steps: list[Json] = []
        account = self._account(destination, KeyNeed(FaultCode.DESTINATION_KEY_MISSING, _STEP_KEY))
        self._note(steps, _STEP_KEY)
        with while_preparing(_STEP_CONTAINER):
            self._ready_container(account, destination, process.id)
            access = self._issue(account, destination)
        self._note(steps, _STEP_CONTAINER)
        with at_step(_STEP_SECRET):
            self._vault.store(destination.secret_name, access.token.to_secret(), expires_at=access.expires_at)
        self._note(steps, _STEP_SECRET)
        return {"steps": steps, "policy": access.has_policy, "sas_expires_at": access.expires_at.isoformat()}

    def extend(self, process: Provisioned, intent: Intent) -> JsonObject:
        """A SAS with the end that the intent names lies in the vault, under the name of the one before.

        On a stored access policy it is the same SAS, and the policy ends later: whoever is writing with it notices
        nothing. Else it is another one, and the one before dies at its end. Gives what `prepare` gives but the steps.
        """
        ends_at = datetime.fromisoformat(str(intent.detail[NEW_END]))
        destination = replace(destination_of(process), sas_expires_at=ends_at)
        need = KeyNeed(FaultCode.DESTINATION_KEY_MISSING, _STEP_KEY, retryable=True)
        account = self._account(destination, need)
        with at_destination(_STEP_CONTAINER):
            access = self._issue(account, destination)
        with at_step(_STEP_SECRET):
            self._vault.store(destination.secret_name, access.token.to_secret(), expires_at=access.expires_at)
        return {"policy": access.has_policy, "sas_expires_at": access.expires_at.isoformat()}

    def revoke(self, process: Provisioned, intent: Intent) -> JsonObject:
        """The SAS is worth nothing and its secret is gone when this returns, as far as that can be (`policy`).

        Gives `purge_at` where the vault keeps deleted secrets for a while.
        """
        destination = destination_of(process)
        try:
            self._withdraw(destination)
        finally:
            # Either of the two may be away; the other half is done all the same.
            with at_step(_STEP_CLEAN_UP):
                purge_at = self._vault.delete(destination.secret_name)
        return {"purge_at": purge_at.isoformat() if purge_at is not None else None}

    def is_delivered(self, process: Provisioned) -> bool:
        """Whether a complete delivery lies there: its marker does. Nothing lies in a container that is gone."""
        destination = destination_of(process)
        account = self._account_again(destination)
        with at_destination(_STEP_CLEAN_UP):
            try:
                return self._storage.head_blob(account, destination.container, destination.marker) is not None
            except StorageFailed as failed:
                if failed.problem is StorageProblem.CONTAINER_MISSING:
                    return False
                raise

    def remove(self, process: Provisioned, intent: Intent) -> JsonObject:
        """Delete the container if we created it for this process, else just our marker. Gives `removed`."""
        destination = destination_of(process)
        account = self._account_again(destination)
        with at_destination(_STEP_CLEAN_UP):
            if destination.managed:
                return {"removed": self._storage.delete_container(account, destination.container, process.id)}
            self._storage.delete_blob(account, destination.container, destination.marker)
        return {"removed": False}

    def _ready_container(self, account: Account, destination: Destination, owner_id: str) -> None:
        where = f"container {destination.container} in account {destination.account}"
        if destination.managed:
            state = self._storage.create_container(
                account, destination.container, owner_id, participant_id=self._participant_id
            )
            if state is ContainerState.FOREIGN:
                raise EffectFailed.because(
                    FaultCode.CONTAINER_TAKEN,
                    f"{where} exists and belongs to somebody else; start again with another name, or with "
                    "managedResources false to use it as it is",
                )
        elif not self._storage.container_exists(account, destination.container):
            raise EffectFailed.because(
                FaultCode.CONTAINER_MISSING,
                f"{where} does not exist; create it, or start again with managedResources true",
            )

    def _issue(self, account: Account, destination: Destination) -> _Access:
        now = self._clock.now()
        expires_at = destination.sas_expires_at or now + timedelta(seconds=self._sas_seconds)
        starts_at = now - _CLOCK_SKEW
        if account.key is not None and destination.policy_id is not None:
            scope = SasScope(
                destination.container, WRITE_PERMISSIONS, starts_at, expires_at, policy_id=destination.policy_id
            )
            if self._storage.add_access_policy(account, scope, exclusive=destination.managed):
                return _Access(SasToken(self._storage.issue_sas(account, scope), expires_at), expires_at, True)
        expires_at = min(expires_at, now + timedelta(seconds=PLAIN_SAS_SECONDS))
        scope = SasScope(destination.container, WRITE_PERMISSIONS, starts_at, expires_at)
        return _Access(SasToken(self._storage.issue_sas(account, scope), expires_at), expires_at, False)

    def _withdraw(self, destination: Destination) -> None:
        if destination.policy_id is None:
            return
        account = self._account_again(destination)
        if account.key is None:
            return
        with at_destination(_STEP_CLEAN_UP):
            self._storage.remove_access_policy(
                account, destination.container, destination.policy_id, exclusive=destination.managed
            )

    def _account_again(self, destination: Destination) -> Account:
        """The account when cleaning up: a key that is away now was there before and may come back."""
        return self._account(destination, KeyNeed(FaultCode.DESTINATION_KEY_MISSING, _STEP_CLEAN_UP, retryable=True))

    def _account(self, destination: Destination, need: KeyNeed) -> Account:
        with at_step(need.step):
            return self._accounts.resolve(
                destination.account, destination.key_name, destination.endpoint, vault=self._vault, need=need
            )

    def _note(self, steps: list[Json], step: int) -> None:
        steps.append([step, self._clock.now().isoformat()])


def destination_of(process: Provisioned) -> Destination:
    """Where the process delivers to; a consumer's process always has it."""
    if process.destination is None:
        raise ValueError(f"process {process.id} has no destination")
    return process.destination
