"""What every ObjectStorage tells of the containers in an account, and of whose they are."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.contract.storage_backend import PAGE_SIZE, StorageBackend


class ContainerListSuite:
    """Lists of containers."""

    def test_list_shows_names_owners_and_times_in_order(self, backend: StorageBackend, unique_name: str) -> None:
        storage, account = backend.storage, backend.destination
        names = [f"{unique_name}-{number}" for number in range(PAGE_SIZE + 1)]
        storage.create_container(account, names[2], "process-2", participant_id="did:web:ü.example%2Fa b")
        storage.create_container(account, names[1], "process-1")
        for name in (names[0], *names[3:]):
            backend.add_container(account, name)
        first = storage.list_containers(account, unique_name)
        second = storage.list_containers(account, unique_name, after=first.next_marker)
        items = [*first.items, *second.items]
        assert [(it.name, it.owner_id, it.participant_id) for it in items] == [
            (names[0], None, None),
            (names[1], "process-1", None),
            (names[2], "process-2", "did:web:ü.example%2Fa b"),
            (names[3], None, None),
        ]
        assert (len(first.items), second.next_marker) == (PAGE_SIZE, None)
        assert all(abs(it.last_modified_at - backend.now()) < timedelta(minutes=1) for it in items)

    def test_list_is_as_long_as_is_asked_for_and_of_all_that_begin_so_the_shortest_is_first(
        self, backend: StorageBackend, unique_name: str
    ) -> None:
        storage, account = backend.storage, backend.destination
        for name in (f"{unique_name}-2", unique_name, f"{unique_name}0"):
            storage.create_container(account, name, "process-1")
        found = storage.list_containers(account, unique_name, limit=1)
        assert [it.name for it in found.items] == [unique_name]
        assert found.next_marker is not None
        assert storage.list_containers(account, f"{unique_name}-x") == replace(found, items=(), next_marker=None)

    def test_deleted_container_is_not_listed(self, backend: StorageBackend, unique_name: str) -> None:
        storage, account = backend.storage, backend.destination
        storage.create_container(account, unique_name, "process-1")
        storage.delete_container(account, unique_name, "process-1")
        assert storage.list_containers(account, unique_name).items == ()

    def test_containers_of_an_account_that_is_not_there_are_asked_for_again(self, backend: StorageBackend) -> None:
        nowhere = replace(backend.destination, endpoint="https://127.0.0.1:1/nowhere")
        with pytest.raises(StorageFailed) as caught:
            backend.storage.list_containers(nowhere, "")
        assert (caught.value.problem, caught.value.fault.retryable) == (StorageProblem.UNAVAILABLE, True)
