"""Hosts and places for the tests of the local host."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from ferry.emulators.azurite import StorageAccount
from tests.devhost.running_host import TEST_APP, HostPlace, RunningHost


class HostStarter(Protocol):
    """Starts a host in the test's place."""

    def __call__(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        app: Path = TEST_APP,
        fail_fast: bool = False,
        grace_seconds: float = 10.0,
        port: int = 0,
    ) -> RunningHost: ...


@pytest.fixture
def place(source_account: StorageAccount, destination_account: StorageAccount, tmp_path: Path) -> HostPlace:
    """A fresh host id, queue names and journal; the host's account is not the data account."""
    return HostPlace(source_account, destination_account, tmp_path)


@pytest.fixture
def start_host(place: HostPlace) -> Iterator[HostStarter]:
    """Starts hosts in the test's place that end with the test at the latest."""
    with ExitStack() as stack:

        def start(
            settings: Mapping[str, str] | None = None,
            *,
            app: Path = TEST_APP,
            fail_fast: bool = False,
            grace_seconds: float = 10.0,
            port: int = 0,
        ) -> RunningHost:
            host = RunningHost(place, settings, app=app, fail_fast=fail_fast, grace_seconds=grace_seconds, port=port)
            return stack.enter_context(host)

        yield start


@pytest.fixture(scope="module")
def shared_place(
    source_account: StorageAccount, destination_account: StorageAccount, tmp_path_factory: pytest.TempPathFactory
) -> HostPlace:
    """A place for all tests of a module."""
    return HostPlace(source_account, destination_account, tmp_path_factory.mktemp("host"))


@pytest.fixture(scope="module")
def shared_host(shared_place: HostPlace) -> Iterator[RunningHost]:
    """One host for all tests of a module, without keys."""
    with RunningHost(shared_place) as host:
        yield host.wait_until_ready()
