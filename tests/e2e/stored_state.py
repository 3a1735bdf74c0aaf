"""What a participant has stored, to see that a request has changed none of it."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import contextmanager

from azure.data.tables import TableServiceClient

from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack

# Rows of the index may come late and go late, whatever is asked for meanwhile.
_INDEX = "FerryIndex"
_DEFINITIONS = "FerryDefinitions"

type Stored = Mapping[str, str]


@contextmanager
def unchanged(stack: LocalStack, *process_ids: str) -> Generator[None]:
    """Fails if what is stored is not the same afterwards: all rows and names, the contents of those that are watched.

    Watched are definitions and the processes that are named; others of a shared stack may go on meanwhile.
    """
    before = dict(_stored(stack, process_ids))
    yield
    after = dict(_stored(stack, process_ids))
    assert after == before


def _stored(stack: LocalStack, process_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    for name in (CONSUMER, PROVIDER):
        yield from _rows(stack, name, process_ids)
        told = stack.admin.secret_names(name)
        yield from ((f"secret {secret} of the {name}", "") for secret in (*told.live, *told.deleted))
        with stack.blobs(name) as blobs:
            yield from ((f"container {container.name} of the {name}", "") for container in blobs.list_containers())


def _rows(stack: LocalStack, name: str, process_ids: Collection[str]) -> Iterator[tuple[str, str]]:
    resources = stack.resources(name)
    certificate = str(resources.certificate_path)
    connection = resources.host_storage.connection_string
    with TableServiceClient.from_connection_string(connection, connection_verify=certificate) as service:
        for table in service.list_tables():
            if table.name == _INDEX:
                continue
            with service.get_table_client(table.name) as client:
                for entity in client.list_entities(select=["PartitionKey", "RowKey"]):
                    watched = table.name == _DEFINITIONS or entity["PartitionKey"] in process_ids
                    row = f"{entity['PartitionKey']}/{entity['RowKey']} in {table.name} of the {name}"
                    yield row, str(entity.metadata["etag"]) if watched else ""
