"""What must be true at the end: everything is there once, and nothing is left over that nobody needs."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobServiceClient

from ferry.adapters.storage_connection import StorageConnection
from ferry.adapters.table_store import TableProcessStore
from ferry.adapters.tables import Tables
from ferry.cli.leftovers import VaultContents, secrets_since
from ferry.cli.management import HistoryLine, TransferView
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack
from ferry.domain.data_flow import DataFlow
from ferry.domain.secret import Secret
from tests.kill.client import Order

COMPLETED = "COMPLETED"


@dataclass(frozen=True, slots=True)
class Ending:
    """One transfer at its end, as both sides show it."""

    order: Order
    consumer: TransferView
    provider: TransferView

    @property
    def container(self) -> str:
        """Where its blobs are."""
        return str(self.consumer.destination["container"])

    @property
    def marker(self) -> str:
        """The name of its completion marker."""
        return f".{self.consumer.id}.complete" if self.order.container else ".complete"


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before the first transfer."""

    vaults: tuple[VaultContents, ...]
    containers: frozenset[str]


def containers_of(service: BlobServiceClient) -> frozenset[str]:
    """The names of an account's containers."""
    return frozenset(str(container.name) for container in service.list_containers())


def entered(history: Sequence[HistoryLine], state: str) -> list[HistoryLine]:
    """The lines with which a process entered that state."""
    lines = zip([None, *history], history, strict=False)
    return [line for last, line in lines if line.state == state and (last is None or last.state != state)]


def transfer_faults(service: BlobServiceClient, ending: Ending) -> Iterator[str]:
    """What is wrong with one transfer, in words."""
    of = f"transfer {ending.consumer.id}"
    for side, view in (("consumer", ending.consumer), ("provider", ending.provider)):
        if view.state != COMPLETED:
            yield f"{of} is {view.state} at the {side}: {view.error}"
        times = len(entered(view.history, COMPLETED))
        if times != 1:
            yield f"{of} was completed {times} times at the {side}"
    if ending.consumer.verification != "manifest":
        yield f"{of} was verified by {ending.consumer.verification!r}"
    found = digests_of(service, ending.container, ending.marker)
    if found != ending.order.offered.digests:
        wrong = sorted(set(found.items()) ^ set(ending.order.offered.digests.items()))
        yield f"{of} did not deliver what the source holds: {wrong[:3]}"


def digests_of(service: BlobServiceClient, container: str, marker: str) -> Mapping[str, str]:
    """The SHA-256 of all blobs in a container but the marker, as the client reads them back."""
    with service.get_container_client(container) as client:
        names = [name for name in client.list_blob_names() if name != marker]
        return {name: hashlib.sha256(client.download_blob(name).readall()).hexdigest() for name in names}


def doubles(stack: LocalStack, ids: Mapping[str, Sequence[str]], endings: Sequence[Ending]) -> Iterator[str]:
    """What is there more than once, or too often: processes by side (`ids`), data flows."""
    wanted = {CONSUMER: {it.consumer.id for it in endings}, PROVIDER: {it.provider.id for it in endings}}
    for side, found in ids.items():
        if Counter(found) != Counter(wanted[side]):
            yield f"the {side} has {len(found)} processes, not the {len(wanted[side])} that were asked for"
    flows = _flows(stack)
    if Counter(flow.consumer_pid for flow in flows) != Counter(wanted[CONSUMER]):
        yield f"there are {len(flows)} data flows for {len(endings)} transfers"
    for flow in flows:
        # One that died right after its marker finds its SAS revoked when it goes on, and asks the consumer.
        ends = [line for line in flow.history if line.state in (COMPLETED, "FAILED")]
        if not flow.is_final or len(ends) != 1:
            yield f"data flow {flow.id} is {flow.state_name} and ended {len(ends)} times"


def leftovers(
    stack: LocalStack, service: BlobServiceClient, before: Before, containers: frozenset[str]
) -> Iterator[str]:
    """What nobody needs any more: secrets of either side, containers beside the destinations, access policies."""
    yield from secrets_since(stack, before.vaults)
    expected = containers | before.containers
    for container in sorted(containers_of(service) ^ expected):
        yield f"container {container} is {'missing' if container in expected else 'too many'}"
    for container in sorted(containers):
        with service.get_container_client(container) as client:
            policies = client.get_container_access_policy()["signed_identifiers"]
        if policies:
            yield f"container {container} still has {len(policies)} access policies"


def _flows(stack: LocalStack) -> list[DataFlow]:
    connection_string = stack.resources(PROVIDER).host_storage.connection_string
    store = TableProcessStore(Tables(StorageConnection(Secret(connection_string))), DataFlow)
    with TableServiceClient.from_connection_string(connection_string) as service:
        found = service.get_table_client("FerryDataFlows").query_entities("RowKey eq 'doc'")
        rows = cast("Iterable[Mapping[str, object]]", found)
        ids = [str(row["PartitionKey"]) for row in rows]
    records = [store.load(flow_id) for flow_id in ids]
    return [record.document for record in records if record is not None]
