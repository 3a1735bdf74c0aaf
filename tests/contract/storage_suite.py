"""What every ObjectStorage does; a test module gives the fixture `backend` and subclasses this."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.copying import BlobTarget, PutOutcome
from ferry.ports.storage import Account, BlobHeaders, ContainerState
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.contract.storage_backend import PAGE_SIZE, ContainersOfOneName, StorageBackend


class ContainerSuite:
    """Containers and who owns them."""

    def test_container_is_created_once_and_known_again_by_its_owner(
        self, backend: StorageBackend, unique_name: str
    ) -> None:
        storage, account = backend.storage, backend.destination
        assert not storage.container_exists(account, unique_name)
        assert storage.create_container(account, unique_name, "process-1") is ContainerState.CREATED
        assert storage.create_container(account, unique_name, "process-1") is ContainerState.OURS
        assert storage.create_container(account, unique_name, "process-2") is ContainerState.FOREIGN
        assert storage.container_exists(account, unique_name)

    def test_container_is_deleted_by_its_owner_alone(self, backend: StorageBackend, unique_name: str) -> None:
        storage, account = backend.storage, backend.destination
        storage.create_container(account, unique_name, "process-1")
        assert storage.delete_container(account, unique_name, "process-2") is False
        assert storage.container_exists(account, unique_name)
        assert storage.delete_container(account, unique_name, "process-1") is True
        assert storage.delete_container(account, unique_name, "process-1") is False

    def test_containers_of_two_owners_at_once_have_one_owner(self, backend: StorageBackend, unique_name: str) -> None:
        owners = [f"process-{number}" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            futures = [
                pool.submit(backend.storage.create_container, backend.destination, unique_name, owner)
                for owner in owners
            ]
            states = [future.result() for future in futures]
        assert sorted(states) == [ContainerState.CREATED, *[ContainerState.FOREIGN] * 3]

    def test_account_that_is_not_there_is_retried(self, backend: StorageBackend, unique_name: str) -> None:
        nowhere = replace(backend.destination, endpoint="https://127.0.0.1:1/nowhere")
        with pytest.raises(StorageFailed) as caught:
            backend.storage.create_container(nowhere, unique_name, "process-1")
        assert (caught.value.problem, caught.value.fault.retryable) == (StorageProblem.UNAVAILABLE, True)


class BlobSuite(ContainersOfOneName):
    """Listing, reading, deleting blobs."""

    def test_listing_shows_names_sizes_and_versions_in_order(self, backend: StorageBackend, container: str) -> None:
        account = backend.destination
        for name, content in {"b/ü ö.txt": b"22", "a": b"", "b/#?%": b"333", "c": b"4"}.items():
            backend.seed(account, container, name, content)
        first = backend.storage.list_blobs(account, container, "")
        second = backend.storage.list_blobs(account, container, "", after=first.next_marker)
        assert [(item.name, item.size_bytes) for item in (*first.items, *second.items)] == [
            ("a", 0),
            ("b/#?%", 3),
            ("b/ü ö.txt", 2),
            ("c", 1),
        ]
        assert (len(first.items), second.next_marker) == (PAGE_SIZE, None)
        assert [item.name for item in backend.storage.list_blobs(account, container, "b/").items] == [
            "b/#?%",
            "b/ü ö.txt",
        ]
        assert backend.storage.list_blobs(account, container, "x").items == ()

    def test_head_and_listing_tell_the_same(self, backend: StorageBackend, container: str) -> None:
        headers = BlobHeaders("text/csv", cache_control="no-store", metadata={"owner": "x"})
        backend.seed(backend.destination, container, "a", b"1", headers)
        head = backend.storage.head_blob(backend.destination, container, "a")
        assert head is not None
        assert head.headers == headers
        assert head.content_md5 == "xMpCOKC5I4INzFCab3WEmw=="
        assert head.created_at is not None
        assert abs(head.created_at - backend.now()) < timedelta(minutes=1)
        assert backend.storage.list_blobs(backend.destination, container, "a").items == (head,)

    def test_missing_blob_is_none(self, backend: StorageBackend, container: str) -> None:
        assert backend.storage.head_blob(backend.destination, container, "gone") is None
        assert backend.storage.read_blob(backend.destination, container, "gone", limit_bytes=10) is None
        backend.storage.delete_blob(backend.destination, container, "gone")

    @pytest.mark.parametrize(("content", "shown"), [(b"", b""), (b"12345", b"12345"), (b"1234567", b"12345")])
    def test_small_blob_is_read_up_to_the_limit(
        self, backend: StorageBackend, container: str, content: bytes, shown: bytes
    ) -> None:
        backend.seed(backend.destination, container, "a", content)
        assert backend.storage.read_blob(backend.destination, container, "a", limit_bytes=5) == shown

    def test_deleted_blob_is_gone(self, backend: StorageBackend, container: str) -> None:
        backend.seed(backend.destination, container, "a", b"1")
        backend.storage.delete_blob(backend.destination, container, "a")
        assert backend.storage.head_blob(backend.destination, container, "a") is None

    def test_container_that_is_gone_cannot_be_read(self, backend: StorageBackend, unique_name: str) -> None:
        account, storage = backend.destination, backend.storage
        for ask in (
            lambda: storage.list_blobs(account, unique_name, ""),
            lambda: storage.head_blob(account, unique_name, "a"),
            lambda: storage.read_blob(account, unique_name, "a", limit_bytes=5),
        ):
            with pytest.raises(StorageFailed) as caught:
                ask()
            assert caught.value.problem is StorageProblem.CONTAINER_MISSING
            assert not caught.value.fault.retryable
        storage.delete_blob(account, unique_name, "a")

    @pytest.mark.parametrize(("start", "size", "part"), [(0, 3, b"012"), (4, 2, b"45"), (8, 100, b"89")])
    def test_range_gives_its_part_and_no_more_than_there_is(
        self, backend: StorageBackend, container: str, start: int, size: int, part: bytes
    ) -> None:
        backend.seed(backend.destination, container, "a", b"0123456789")
        item = backend.storage.list_blobs(backend.destination, container, "a").items[0]
        assert backend.storage.read_range(backend.destination, container, item, start=start, size_bytes=size) == part

    def test_range_of_another_version_or_of_nothing_is_refused(self, backend: StorageBackend, container: str) -> None:
        backend.seed(backend.destination, container, "a", b"old")
        item = backend.storage.list_blobs(backend.destination, container, "a").items[0]
        backend.seed(backend.destination, container, "a", b"new")
        with pytest.raises(StorageFailed) as changed:
            backend.storage.read_range(backend.destination, container, item, start=0, size_bytes=2)
        backend.storage.delete_blob(backend.destination, container, "a")
        with pytest.raises(StorageFailed) as missing:
            backend.storage.read_range(backend.destination, container, item, start=0, size_bytes=2)
        assert (changed.value.problem, missing.value.problem) == (
            StorageProblem.BLOB_CHANGED,
            StorageProblem.BLOB_MISSING,
        )
        assert changed.value.fault.code == FaultCode.SOURCE_CHANGED

    def test_account_of_somebody_else_is_read_by_its_sas_alone(self, backend: StorageBackend, container: str) -> None:
        backend.seed(backend.destination, container, "a", b"theirs")
        scope = backend.scope(container, "rl")
        owner = backend.destination
        theirs = Account(owner.name, owner.endpoint, sas=backend.storage.issue_sas(owner, scope))
        (item,) = backend.storage.list_blobs(theirs, container, "").items
        assert backend.storage.head_blob(theirs, container, "a") == backend.storage.head_blob(owner, container, "a")
        assert backend.storage.read_range(theirs, container, item, start=0, size_bytes=6) == b"theirs"
        reading = Account(
            owner.name, owner.endpoint, sas=backend.storage.issue_sas(owner, backend.scope(container, "r"))
        )
        with pytest.raises(StorageFailed) as refused:
            backend.storage.list_blobs(reading, container, "")
        assert refused.value.problem is StorageProblem.REFUSED


class AccessSuite(ContainersOfOneName):
    """SAS: what they allow, and how they end."""

    def test_sas_writes_into_its_container_alone(
        self, backend: StorageBackend, container: str, unique_name: str
    ) -> None:
        other = f"{unique_name}-2"
        backend.storage.create_container(backend.destination, other, "process-2")
        target = backend.target(container, "a")
        assert backend.writer.put_bytes(target, b"1", "text/plain") is PutOutcome.WRITTEN
        assert refusal(backend, replace(target, container=other)) == FaultCode.SAS_REFUSED

    @pytest.mark.parametrize(("begins", "ends"), [(-60, -5), (10, 30)])
    def test_sas_counts_between_its_times_alone(
        self, backend: StorageBackend, container: str, begins: int, ends: int
    ) -> None:
        now = backend.now()
        scope = replace(
            backend.scope(container),
            starts_at=now + timedelta(minutes=begins),
            expires_at=now + timedelta(minutes=ends),
        )
        assert refusal(backend, backend.target(container, "a", scope)) == FaultCode.SAS_REFUSED

    def test_sas_of_one_blob_writes_that_blob_alone(self, backend: StorageBackend, container: str) -> None:
        target = backend.target(container, "a", replace(backend.scope(container), blob_name="a"))
        assert backend.writer.put_bytes(target, b"1", "text/plain") is PutOutcome.WRITTEN
        assert refusal(backend, replace(target, name="b")) == FaultCode.SAS_REFUSED

    def test_read_sas_does_not_write(self, backend: StorageBackend, container: str) -> None:
        target = backend.target(container, "a", backend.scope(container, "r"))
        assert refusal(backend, target) == FaultCode.SAS_REFUSED


class PolicySuite(ContainersOfOneName):
    """Stored access policies; only accounts that are used by key have them."""

    @pytest.mark.parametrize("exclusive", [True, False])
    def test_sas_dies_with_its_policy(self, backend: StorageBackend, container: str, exclusive: bool) -> None:
        account, scope = backend.destination, backend.scope(container, policy_id="policy-1")
        assert backend.storage.add_access_policy(account, scope, exclusive=exclusive)
        target = backend.target(container, "a", scope)
        assert "si=policy-1" in target.sas.reveal()
        assert not {"sp=", "se=", "st="} & {part[:3] for part in target.sas.reveal().split("&")}
        assert backend.writer.put_bytes(target, b"1", "text/plain") is PutOutcome.WRITTEN
        for _ in range(2):
            backend.storage.remove_access_policy(account, container, "policy-1", exclusive=exclusive)
        assert refusal(backend, replace(target, name="b")) == FaultCode.SAS_REFUSED

    def test_policy_ends_when_it_says(self, backend: StorageBackend, container: str) -> None:
        scope = replace(backend.scope(container, policy_id="policy-1"), expires_at=backend.now() - timedelta(minutes=1))
        assert backend.storage.add_access_policy(backend.destination, scope)
        assert refusal(backend, backend.target(container, "a", scope)) == FaultCode.SAS_REFUSED

    def test_sixth_policy_is_refused_and_the_five_stay(self, backend: StorageBackend, container: str) -> None:
        account = backend.destination
        scopes = [backend.scope(container, policy_id=f"policy-{number}") for number in range(6)]
        assert [backend.storage.add_access_policy(account, scope) for scope in scopes] == [True] * 5 + [False]
        assert backend.storage.add_access_policy(account, scopes[2])
        for number, scope in enumerate(scopes[:5]):
            target = backend.target(container, f"blob-{number}", scope)
            assert backend.writer.put_bytes(target, b"", "text/plain") is PutOutcome.WRITTEN

    def test_policies_added_at_once_are_all_there(self, backend: StorageBackend, container: str) -> None:
        scopes = [backend.scope(container, policy_id=f"policy-{number}") for number in range(4)]
        together = threading.Barrier(4)

        def add(number: int) -> bool:
            together.wait(10)
            return backend.storage.add_access_policy(backend.destination, scopes[number])

        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(add, range(4)))
        for number, scope in enumerate(scopes):
            target = backend.target(container, f"blob-{number}", scope)
            assert backend.writer.put_bytes(target, b"", "text/plain") is PutOutcome.WRITTEN

    def test_policies_removed_and_added_at_once_do_not_harm_each_other(
        self, backend: StorageBackend, container: str
    ) -> None:
        account = backend.destination
        old = [backend.scope(container, policy_id=f"old-{number}") for number in range(2)]
        new = [backend.scope(container, policy_id=f"new-{number}") for number in range(2)]
        for scope in old:
            backend.storage.add_access_policy(account, scope)
        with ThreadPoolExecutor(4) as pool:
            removing = [
                pool.submit(backend.storage.remove_access_policy, account, container, scope.policy_id or "")
                for scope in old
            ]
            adding = [pool.submit(backend.storage.add_access_policy, account, scope) for scope in new]
            assert all(future.result() for future in adding)
            assert [future.result() for future in removing] == [None, None]
        assert [refusal(backend, backend.target(container, "a", scope)) for scope in old] == [FaultCode.SAS_REFUSED] * 2
        for number, scope in enumerate(new):
            target = backend.target(container, f"blob-{number}", scope)
            assert backend.writer.put_bytes(target, b"", "text/plain") is PutOutcome.WRITTEN

    @pytest.mark.parametrize("exclusive", [True, False])
    def test_container_that_is_gone_takes_no_policy_and_loses_any(
        self, backend: StorageBackend, unique_name: str, exclusive: bool
    ) -> None:
        account, scope = backend.destination, backend.scope(unique_name, policy_id="policy-1")
        with pytest.raises(StorageFailed) as caught:
            backend.storage.add_access_policy(account, scope, exclusive=exclusive)
        assert caught.value.problem is StorageProblem.CONTAINER_MISSING
        backend.storage.remove_access_policy(account, unique_name, "policy-1", exclusive=exclusive)

    def test_wrong_key_is_refused_and_not_shown(self, backend: StorageBackend, unique_name: str) -> None:
        wrong = Account(backend.destination.name, backend.destination.endpoint, backend.source.key)
        with pytest.raises(StorageFailed) as caught:
            backend.storage.create_container(wrong, unique_name, "process-1")
        failed = caught.value
        assert (failed.problem, failed.with_key, failed.fault.retryable) == (StorageProblem.REFUSED, True, False)
        assert backend.source.key is not None
        assert backend.source.key.reveal() not in str(failed)


def refusal(backend: StorageBackend, target: BlobTarget) -> str:
    """The code with which a write is refused."""
    with pytest.raises(EffectFailed) as caught:
        backend.writer.put_bytes(target, b"", "text/plain")
    assert not caught.value.fault.retryable
    return caught.value.fault.code
