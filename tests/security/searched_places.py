"""Everything of an observed stack that must hold no secret: what is stored, what is logged, what was said.

Left out is what the design allows: the bodies of TransferRequestMessages and of requests to the secrets API, what is
said to vaults and to the identity endpoint, and the headers and URLs of requests to the storage.
"""

# The SDKs leave keyword arguments and pages without types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from ferry.cli.stack import CONSUMER, PROVIDER
from tests.security.issued_secrets import is_delegation_key_request, is_secrets_request
from tests.security.observed_stack import STORAGE_SERVICES, ObservedStack, is_transfer_request
from tests.security.relay import Exchange, Request
from tests.security.secret_forms import Place, PlaceKind

_SAVING_SECONDS = 20.0

type MayHoldSecrets = Callable[[Request], bool]


def searched_places(stack: ObservedStack, *, ignored_bodies: Iterable[bytes] = ()) -> Sequence[Place]:
    """All of it. `ignored_bodies`: those in which a test itself has put a secret where none belongs."""
    ignored = frozenset(ignored_bodies)
    found = [*_participants(stack), *_said(stack, ignored), *_said_to_storage(stack)]
    _wait_until_saved(stack)
    found += _files(PlaceKind.AZURITE_FILE, stack.azurite_folder)
    found += _files(PlaceKind.EMULATORS_FILE, stack.emulators_folder)
    output = stack.emulators_output
    return _distinct([*found, Place(PlaceKind.EMULATORS_OUTPUT, output.name, output.read_bytes())])


def _participants(stack: ObservedStack) -> Iterator[Place]:
    for name in (CONSUMER, PROVIDER):
        yield Place(PlaceKind.LOG, name, stack.participant(name).log_path.read_bytes())
        resources = stack.resources(name)
        for account in (resources.host_storage, resources.data_storage):
            connection = account.connection_string
            yield from _tables(connection, account.name, str(resources.certificate_path))
            yield from _queues(connection, account.name, str(resources.certificate_path))


def _tables(connection_string: str, account: str, certificate: str) -> Iterator[Place]:
    with TableServiceClient.from_connection_string(connection_string, connection_verify=certificate) as service:
        for table in service.list_tables():
            with service.get_table_client(table.name) as client:
                for entity in client.list_entities():
                    where = f"{account}/{table.name}/{entity['PartitionKey']}/{entity['RowKey']}"
                    yield Place(PlaceKind.TABLE, where, b"\n".join(_text(value) for value in entity.values()))


def _queues(connection_string: str, account: str, certificate: str) -> Iterator[Place]:
    with QueueServiceClient.from_connection_string(connection_string, connection_verify=certificate) as service:
        for queue in service.list_queues():
            kind = PlaceKind.POISON_QUEUE if queue.name.endswith("-poison") else PlaceKind.QUEUE
            with service.get_queue_client(queue.name) as client:
                for message in client.peek_messages(32):
                    yield Place(kind, f"{account}/{queue.name}", _text(message.content))


def _said(stack: ObservedStack, ignored: frozenset[bytes]) -> Iterator[Place]:
    """Between client, consumer and provider."""
    for name in (CONSUMER, PROVIDER):
        for exchange in stack.relays[name].exchanges:
            request, where = exchange.request, f"{name}: {exchange.request.method} {exchange.request.path}"
            may_hold = is_transfer_request(request) or is_secrets_request(request) or request.body in ignored
            body = b"" if may_hold else request.body
            yield Place(PlaceKind.HTTP_REQUEST, where, request.target.encode() + b"\n" + body)
            if exchange.answer is not None and exchange.answer.body not in ignored:
                yield Place(PlaceKind.HTTP_ANSWER, where, _answer(exchange, with_headers=True))


def _said_to_storage(stack: ObservedStack) -> Iterator[Place]:
    """Also what has been deleted again in tables and queues is among this."""
    for service in STORAGE_SERVICES:
        for exchange in stack.relays[service].exchanges:
            request, where = exchange.request, f"{service}: {exchange.request.method} {exchange.request.path}"
            yield Place(PlaceKind.STORAGE_REQUEST, where, request.body)
            if not is_delegation_key_request(request):
                yield Place(PlaceKind.STORAGE_ANSWER, where, _answer(exchange, with_headers=False))


def _files(kind: PlaceKind, folder: Path) -> list[Place]:
    paths = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [Place(kind, str(path.relative_to(folder)), path.read_bytes()) for path in paths]


def _wait_until_saved(stack: ObservedStack) -> None:
    """Azurite writes its lists of blobs, messages and rows to its files a few seconds after a change."""
    name = f"saved-{time.monotonic_ns()}"
    with stack.blobs(CONSUMER) as blobs:
        blobs.create_container(name)
    lists = stack.azurite_folder / "__azurite_db_blob__.json"
    deadline = time.monotonic() + _SAVING_SECONDS
    while name.encode() not in lists.read_bytes():
        assert time.monotonic() < deadline, f"Azurite has not saved {name} within {_SAVING_SECONDS:g} s"
        time.sleep(0.1)


def _answer(exchange: Exchange, *, with_headers: bool) -> bytes:
    if exchange.answer is None:
        return b""
    headers = exchange.answer.headers if with_headers else ()
    return "\n".join(f"{name}: {value}" for name, value in headers).encode() + b"\n" + exchange.answer.body


def _text(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _distinct(places: Iterable[Place]) -> Sequence[Place]:
    """Of the same bytes in places of one kind the first is enough."""
    return tuple({(place.kind, place.content): place for place in places if place.content.strip()}.values())
