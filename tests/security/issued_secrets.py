"""Collects every secret value that a run on an observed stack has issued, from what passed the relays."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from ferry.cli.stack import CONSUMER, PROVIDER
from tests.security.observed_stack import IDENTITY, ObservedStack, is_transfer_request
from tests.security.relay import Exchange, Request
from tests.security.secret_forms import SecretKind, SecretValue

_DELEGATION_KEY = re.compile(rb"<Value>([^<]+)</Value>")
_QUERY = re.compile(rb"[?\"]((?:[a-z]+=[^&\"\\\\]+&)*sig=[^&\"\\\\]+(?:&[a-z]+=[^&\"\\\\]+)*)")
_COPY_SOURCE = "x-ms-copy-source"


def issued_secrets(stack: ObservedStack) -> Sequence[SecretValue]:
    """All of them, each once."""
    found = [*_given(stack), *_tokens(stack), *_delegation_keys(stack), *_stored_by_clients(stack)]
    for query in _signed_queries(stack):
        found += secrets_of_sas(query)
    return tuple(dict.fromkeys(found))


def secrets_of_sas(query: str) -> tuple[SecretValue, SecretValue]:
    """A SAS as it stands in a URL, and its signature."""
    signature = parse_qs(query)["sig"][0]
    return SecretValue(SecretKind.SAS, query), SecretValue(SecretKind.SIGNATURE, signature)


def sas_of_transfer_request(request: Request) -> str:
    """The SAS in a TransferRequestMessage, without its question mark."""
    found = _QUERY.search(request.body)
    assert found is not None, f"there is no SAS in the request to {request.path}"
    return found[1].decode()


def is_secrets_request(request: Request) -> bool:
    """Whether a client puts a secret into the vault."""
    return request.method in ("POST", "PUT") and request.path.endswith("/secrets")


def is_delegation_key_request(request: Request) -> bool:
    """Whether a user delegation key is asked for."""
    return "comp=userdelegationkey" in request.target


def _given(stack: ObservedStack) -> Iterator[SecretValue]:
    for name in (CONSUMER, PROVIDER):
        resources = stack.resources(name)
        yield SecretValue(SecretKind.ACCOUNT_KEY, resources.host_storage.key)
        yield SecretValue(SecretKind.ACCOUNT_KEY, resources.data_storage.key)
        yield SecretValue(SecretKind.API_KEY, stack.participant(name).api_key)
        yield SecretValue(SecretKind.IDENTITY_HEADER, resources.identity_environment["IDENTITY_HEADER"])


def _tokens(stack: ObservedStack) -> Iterator[SecretValue]:
    for exchange in _answered(stack.relays[IDENTITY].exchanges):
        if exchange.answer is not None:
            document = cast("Mapping[str, Any]", json.loads(exchange.answer.body))
            yield SecretValue(SecretKind.TOKEN, str(document["access_token"]))


def _delegation_keys(stack: ObservedStack) -> Iterator[SecretValue]:
    for exchange in _answered(stack.relays["blob"].exchanges):
        if exchange.answer and is_delegation_key_request(exchange.request):
            for value in _DELEGATION_KEY.findall(exchange.answer.body):
                yield SecretValue(SecretKind.DELEGATION_KEY, value.decode())


def _stored_by_clients(stack: ObservedStack) -> Iterator[SecretValue]:
    for name in (CONSUMER, PROVIDER):
        for exchange in stack.relays[name].exchanges:
            if is_secrets_request(exchange.request):
                body = cast("Mapping[str, Any]", json.loads(exchange.request.body))
                yield SecretValue(SecretKind.STORED, str(body["value"]))


def _signed_queries(stack: ObservedStack) -> Iterator[str]:
    """Every SAS that went to a peer or to the storage, for writing the destination and for reading the source."""
    for name in (CONSUMER, PROVIDER):
        for exchange in stack.relays[name].exchanges:
            if is_transfer_request(exchange.request):
                yield sas_of_transfer_request(exchange.request)
    for exchange in stack.relays["blob"].exchanges:
        for url in (exchange.request.target, exchange.request.header(_COPY_SOURCE)):
            query = urlsplit(url).query
            if "sig=" in query:
                yield _without_operation(query)


def _without_operation(query: str) -> str:
    return "&".join(part for part in query.split("&") if not part.startswith(("comp=", "restype=", "blockid=")))


def _answered(exchanges: Sequence[Exchange]) -> Iterator[Exchange]:
    return (exchange for exchange in exchanges if exchange.answer is not None and exchange.answer.status == 200)
