"""Puts secrets where none belongs, one of each kind into each kind of place, so that a search that misses one shows."""

# The SDKs leave keyword arguments without types.
# pyright: reportUnknownMemberType=false

import base64
import itertools
import json
import secrets
import ssl
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import httpx2
from azure.data.tables import TableServiceClient
from azure.storage.queue import QueueServiceClient

from ferry.cli.stack import CONSUMER, PROVIDER
from tests.security.observed_stack import ObservedStack
from tests.security.relay import Answer, Forward, Request
from tests.security.secret_forms import PlaceKind, SecretForm, SecretKind, SecretValue

_NAME = "planted"
WRITTEN: Mapping[SecretForm, Callable[[str], str]] = {
    SecretForm.RAW: lambda value: f"before {value} behind",
    SecretForm.URL_ENCODED: lambda value: f"https://host/path?sig={quote(value, safe='')}&y=1",
    SecretForm.ESCAPED: lambda value: json.dumps({"quoted": value}),
    SecretForm.BASE64: lambda value: base64.b64encode(f"?{value}&".encode()).decode(),
}


def new_secret(kind: SecretKind) -> SecretValue:
    """A value with every character that is escaped somewhere."""
    return SecretValue(kind, f'+/="&{secrets.token_urlsafe(48)}+/=&"')


def plant_secrets(stack: ObservedStack) -> Mapping[SecretValue, PlaceKind]:
    """One of each kind into each kind of place, in all forms by turns; gives where each is."""
    planted: dict[SecretValue, PlaceKind] = {}
    forms = itertools.cycle(SecretForm)
    for place, plant in _PLANTERS.items():
        found = [new_secret(kind) for kind in SecretKind]
        plant(stack, [WRITTEN[next(forms)](secret.value) for secret in found])
        next(forms)
        planted |= dict.fromkeys(found, place)
    return planted


def _in_table(stack: ObservedStack, texts: Sequence[str]) -> None:
    resources = stack.resources(PROVIDER)
    connection, certificate = resources.host_storage.connection_string, str(resources.certificate_path)
    with TableServiceClient.from_connection_string(connection, connection_verify=certificate) as service:
        table = service.create_table_if_not_exists(_NAME)
        for number, text in enumerate(texts):
            table.create_entity({"PartitionKey": "p", "RowKey": str(number), "d0": text.encode()})
        table.close()


def _in_queue(stack: ObservedStack, texts: Sequence[str], name: str = _NAME) -> None:
    resources = stack.resources(CONSUMER)
    connection, certificate = resources.host_storage.connection_string, str(resources.certificate_path)
    service = QueueServiceClient.from_connection_string(connection, connection_verify=certificate)
    with service, service.create_queue(name) as queue:
        for text in texts:
            queue.send_message(text)


def _in_poison_queue(stack: ObservedStack, texts: Sequence[str]) -> None:
    _in_queue(stack, texts, f"{_NAME}-poison")


def _in_log(stack: ObservedStack, texts: Sequence[str]) -> None:
    with stack.provider.log_path.open("a") as log:
        log.writelines(f"{text}\n" for text in texts)


def _in_request(stack: ObservedStack, texts: Sequence[str]) -> None:
    with _client(stack) as client:
        for text in texts:
            client.post(f"{stack.relays[CONSUMER].url}/{_NAME}", content=text)


def _in_answer(stack: ObservedStack, texts: Sequence[str]) -> None:
    _answered(stack, PROVIDER, texts)


def _in_storage_request(stack: ObservedStack, texts: Sequence[str]) -> None:
    with _client(stack) as client:
        for text in texts:
            client.post(f"{stack.relays['table'].url}/{_NAME}", content=text)


def _in_storage_answer(stack: ObservedStack, texts: Sequence[str]) -> None:
    _answered(stack, "queue", texts)


def _in_azurite(stack: ObservedStack, texts: Sequence[str]) -> None:
    with stack.blobs(PROVIDER) as blobs, blobs.create_container(_NAME) as container:
        for number, text in enumerate(texts):
            container.upload_blob(str(number), text)


def _in_emulators_folder(stack: ObservedStack, texts: Sequence[str]) -> None:
    (stack.emulators_folder / _NAME).write_text("\n".join(texts))


def _in_emulators_output(stack: ObservedStack, texts: Sequence[str]) -> None:
    with stack.emulators_output.open("a") as output:
        output.writelines(f"{text}\n" for text in texts)


def _answered(stack: ObservedStack, relay: str, texts: Sequence[str]) -> None:
    left = list(texts)

    def answer(request: Request, forward: Forward) -> Answer:
        del request, forward
        return Answer(200, left.pop().encode())

    with (
        stack.relays[relay].intercepting(lambda request: request.path == f"/{_NAME}", answer),
        _client(stack) as client,
    ):
        for _ in texts:
            client.get(f"{stack.relays[relay].url}/{_NAME}")


def _client(stack: ObservedStack) -> httpx2.Client:
    context = ssl.create_default_context(cafile=str(stack.resources(CONSUMER).certificate_path))
    return httpx2.Client(verify=context, trust_env=False)


_PLANTERS: Mapping[PlaceKind, Callable[[ObservedStack, Sequence[str]], None]] = {
    PlaceKind.TABLE: _in_table,
    PlaceKind.QUEUE: _in_queue,
    PlaceKind.POISON_QUEUE: _in_poison_queue,
    PlaceKind.LOG: _in_log,
    PlaceKind.HTTP_REQUEST: _in_request,
    PlaceKind.HTTP_ANSWER: _in_answer,
    PlaceKind.STORAGE_REQUEST: _in_storage_request,
    PlaceKind.STORAGE_ANSWER: _in_storage_answer,
    PlaceKind.AZURITE_FILE: _in_azurite,
    PlaceKind.EMULATORS_FILE: _in_emulators_folder,
    PlaceKind.EMULATORS_OUTPUT: _in_emulators_output,
}
