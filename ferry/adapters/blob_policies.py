"""Stored access policies of a container: the list is replaced as a whole, so two writers at once must be kept apart.

Set Container ACL knows no If-Match. A container that is ours alone is simply written. In one that others use, whoever
changes the list holds a short lease on the container meanwhile; our own threads queue without asking the service.
"""

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_errors import Refusal, attempt, storage_failed
from ferry.ports.clock import Clock
from ferry.ports.storage import Account, SasScope

if TYPE_CHECKING:
    from azure.storage.blob import AccessPolicy, BlobLeaseClient, ContainerClient

MAX_POLICIES = 5
_LEASE_SECONDS = 15
_PATIENCE_SECONDS = 8.0
_PAUSE_SECONDS = 0.15
_LEASED = "LeaseAlreadyPresent"

type _Policies = dict[str, AccessPolicy]


@dataclass(frozen=True, slots=True)
class _Acl:
    policies: "_Policies"
    public_access: str | None


class _LeasedByOthers(Exception):
    """Somebody keeps a lease without end on the container: its list of policies is not ours to change."""


class ContainerPolicies:
    """Adds and removes policies. Safe for threads and against other processes that do the same."""

    def __init__(self, clients: BlobClients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._lock = threading.Lock()
        self._queues: dict[tuple[str, str], tuple[threading.Lock, int]] = {}

    def add(self, account: Account, scope: SasScope, *, exclusive: bool) -> bool:
        """Put `scope.policy_id` on the list; False where it is full, or the container is leased for good."""
        if scope.policy_id is None:
            raise ValueError("a stored access policy needs an id")
        policy_id, policy = scope.policy_id, _policy(scope)
        if exclusive:
            self._write(account, scope.container, _Acl({policy_id: policy}, None), None)
            return True

        def add(policies: "_Policies") -> "_Policies | None":
            others = {key: kept for key, kept in policies.items() if key != policy_id}
            return {**others, policy_id: policy} if len(others) < MAX_POLICIES else None

        try:
            return self._change(account, scope.container, add)
        except _LeasedByOthers:
            return False

    def remove(self, account: Account, container: str, policy_id: str, *, exclusive: bool) -> None:
        """Take the policy off the list. Raises StorageFailed CONTAINER_MISSING among others."""
        if exclusive:
            self._write(account, container, _Acl({}, None), None)
            return

        def remove(policies: "_Policies") -> "_Policies | None":
            return {key: p for key, p in policies.items() if key != policy_id} if policy_id in policies else None

        try:
            self._change(account, container, remove)
        except _LeasedByOthers:
            # A change that cannot be made under the lease is made without; the lease guards against deletion alone.
            acl = self._read(account, container)
            kept = remove(acl.policies)
            if kept is not None:
                self._write(account, container, _Acl(kept, acl.public_access), None)

    def _change(self, account: Account, container: str, change: "Callable[[_Policies], _Policies | None]") -> bool:
        with self._queue(account, container), self._lease(account, container) as lease_id:
            acl = self._read(account, container)
            policies = change(acl.policies)
            if policies is None:
                return False
            self._write(account, container, _Acl(policies, acl.public_access), lease_id)
            return True

    def _read(self, account: Account, container: str) -> _Acl:
        client = self._clients.container(account, container)
        answer = attempt(client.get_container_access_policy)
        if isinstance(answer, Refusal):
            raise storage_failed(answer, account, f"container {container}")
        policies = {identifier.id: identifier.access_policy for identifier in answer["signed_identifiers"]}
        return _Acl(policies, answer["public_access"])

    def _write(self, account: Account, container: str, acl: _Acl, lease_id: str | None) -> None:
        client = self._clients.container(account, container)
        options: dict[str, Any] = {"lease": lease_id} if lease_id is not None else {}
        answer = attempt(lambda: client.set_container_access_policy(acl.policies, acl.public_access, **options))
        if isinstance(answer, Refusal):
            raise storage_failed(answer, account, f"container {container}")

    @contextmanager
    def _lease(self, account: Account, container: str) -> Generator[str]:
        client = self._clients.container(account, container)
        lease = self._acquire(account, client)
        try:
            yield lease.id
        finally:
            # What cannot be released runs out by itself.
            attempt(lease.release)

    def _acquire(self, account: Account, client: "ContainerClient") -> "BlobLeaseClient":
        waited_seconds = 0.0
        while True:
            lease = attempt(lambda: client.acquire_lease(_LEASE_SECONDS))
            if not isinstance(lease, Refusal):
                return lease
            if lease.code != _LEASED:
                raise storage_failed(lease, account, f"container {client.container_name}")
            if waited_seconds == 0.0 and _is_leased_for_good(client):
                raise _LeasedByOthers
            if waited_seconds >= _PATIENCE_SECONDS:
                busy = Refusal(503, _LEASED, was_sent=False)
                raise storage_failed(busy, account, f"the access policies of container {client.container_name}")
            self._clock.sleep(_PAUSE_SECONDS)
            waited_seconds += _PAUSE_SECONDS

    @contextmanager
    def _queue(self, account: Account, container: str) -> Generator[None]:
        key = (account.endpoint, container)
        with self._lock:
            lock, users = self._queues.get(key, (threading.Lock(), 0))
            self._queues[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._queues.pop(key)
                if users > 1:
                    self._queues[key] = (lock, users - 1)


def _is_leased_for_good(client: "ContainerClient") -> bool:
    properties = attempt(client.get_container_properties)
    return not isinstance(properties, Refusal) and properties.lease.duration == "infinite"


def _policy(scope: SasScope) -> "AccessPolicy":
    from azure.storage.blob import AccessPolicy

    return AccessPolicy(scope.permissions, expiry=_seconds(scope.expires_at), start=_seconds(scope.starts_at))


def _seconds(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(microsecond=0)
