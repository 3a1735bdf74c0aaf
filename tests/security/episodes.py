"""What happens on an observed stack before it is searched for leaks: transfers that go well, and others that do not.

Each episode has a contract and containers of its own, so all of them can run at the same time.
"""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import base64
import json
import re
import secrets
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx2

from ferry.cli.management import ManagementError, TransferView
from ferry.cli.stack import CONSUMER, PROVIDER
from tests.e2e.pair import Contract
from tests.security.observed_stack import ObservedPair, is_transfer_request, is_write_by_sas
from tests.security.relay import Answer, Forward, Matches, Request
from tests.security.secret_forms import SecretKind, SecretValue

BLOBS = {"one.txt": b"one", "two/ü.txt": b"two", "three.bin": bytes(range(256)) * 64}
_CUT_CONNECTIONS = 3
_VAULT_FAILURES = 4


@dataclass(slots=True)
class Story:
    """One run of all episodes: the secrets that clients have put where none belongs, and the bodies that held them."""

    pair: ObservedPair
    misplaced: list[SecretValue] = field(default_factory=list[SecretValue])
    ignored_bodies: list[bytes] = field(default_factory=list[bytes])
    ends: dict[str, str] = field(default_factory=dict[str, str])

    def tell(self, episodes: "Sequence[Episode]") -> None:
        """Run them at once; the first that does not end as it should is raised."""
        with ThreadPoolExecutor(len(episodes)) as pool:
            running = {episode.__name__: pool.submit(episode, self) for episode in episodes}
            self.ends = {name: told.result() for name, told in running.items()}

    def clean_up(self, view: TransferView) -> None:
        """Deprovision what was transferred, or was not."""
        self.pair.consumer.deprovision(view.id)
        self.pair.wait(view.id, "DEPROVISIONED")


type Episode = Callable[[Story], str]


def managed_transfer(story: Story) -> str:
    """All goes well, into a container of ours."""
    view = story.pair.wait(story.pair.transfer(story.pair.contract(BLOBS)))
    story.clean_up(view)
    return _end(view)


def unmanaged_transfer(story: Story) -> str:
    """All goes well, into a container that was there before."""
    pair, container = story.pair, _new_container()
    with pair.inbox.create_container(container) as client:
        client.upload_blob("bystander.txt", b"mine")
    contract = pair.contract(BLOBS, {"blobName": "one.txt"})
    destination = {"container": container, "folderName": "in/", "blobName": "renamed.txt"}
    view = pair.wait(pair.transfer(contract, managed=False, destination=destination))
    story.clean_up(view)
    return _end(view)


def missing_source(story: Story) -> str:
    """The asset's blob is not there."""
    view = story.pair.wait(story.pair.transfer(story.pair.contract(BLOBS, {"blobName": "missing.txt"})))
    story.clean_up(view)
    return _end(view)


def refused_sas(story: Story) -> str:
    """The SAS that arrives at the provider is worth nothing."""
    contract = story.pair.contract(BLOBS)

    def spoil(request: Request, forward: Forward) -> Answer:
        body = re.sub(rb"&si=[^&]+|(?<=&sp=)cw", lambda hit: b"w" if hit[0] == b"cw" else b"", request.body)
        headers = tuple((name, value) for name, value in request.headers if name.lower() != "content-length")
        return forward(Request(request.method, request.target, (*headers, ("Content-Length", str(len(body)))), body))

    with story.pair.relays[PROVIDER].intercepting(_request_for(contract), spoil):
        view = story.pair.wait(story.pair.transfer(contract))
    story.clean_up(view)
    return _end(view)


def container_deleted(story: Story) -> str:
    """Somebody deletes the container while blobs are being written."""
    pair, container = story.pair, _new_container()
    contract = pair.contract(BLOBS)
    with pair.relays["blob"].holding(lambda request: is_write_by_sas(request, container)) as gate:
        transfer_id = pair.transfer(contract, destination={"container": container})
        gate.wait_for()
        pair.inbox.delete_container(container)
    view = pair.wait(transfer_id)
    story.clean_up(view)
    return _end(view)


def cut_connections(story: Story) -> str:
    """Connections break in the middle of writes whose URLs hold a SAS."""
    pair, container = story.pair, _new_container()
    contract = pair.contract(BLOBS)
    left = [None] * _CUT_CONNECTIONS

    def cut(request: Request, forward: Forward) -> Answer | None:
        return left.pop() if left else forward(request)

    with pair.relays["blob"].intercepting(lambda request: is_write_by_sas(request, container), cut):
        view = pair.wait(pair.transfer(contract, destination={"container": container}))
    story.clean_up(view)
    return _end(view)


def quoting_peer(story: Story) -> str:
    """The provider refuses the request, and quotes all of it in its answer."""
    contract = story.pair.contract(BLOBS)

    def quote(request: Request, forward: Forward) -> Answer:
        del forward
        error = {"@type": "TransferError", "code": "400", "reason": [f"cannot read {request.body.decode()}"]}
        answer = json.dumps(error).encode()
        story.ignored_bodies.append(answer)
        return Answer(400, answer, (("Content-Type", "application/json"),))

    with story.pair.relays[PROVIDER].intercepting(_request_for(contract), quote):
        view = story.pair.wait(story.pair.transfer(contract))
    story.clean_up(view)
    return _end(view)


def wrong_key(story: Story) -> str:
    """The key in the vault is not the account's; a client puts the right one there later."""
    pair, name = story.pair, f"key-{uuid.uuid4().hex}"
    contract = pair.contract(BLOBS)
    wrong = base64.b64encode(secrets.token_bytes(64)).decode()
    pair.consumer.call("POST", "/secrets", {"@id": name, "value": wrong})
    view = pair.wait(pair.transfer(contract, destination={"keyName": name}))
    right = pair.stack.resources(CONSUMER).data_storage.key
    pair.consumer.call("PUT", "/secrets", {"@id": name, "value": right})
    story.clean_up(view)
    pair.consumer.call("DELETE", f"/secrets/{name}")
    return _end(view)


def failing_vault(story: Story) -> str:
    """The provider's vault is away when the SAS is to be stored."""
    contract = story.pair.contract(BLOBS)
    story.pair.stack.admin.fail_vault(PROVIDER, 503, calls=_VAULT_FAILURES)
    view = story.pair.wait(story.pair.transfer(contract))
    story.clean_up(view)
    return _end(view)


def terminated_by_client(story: Story) -> str:
    """The client has had enough while blobs are being written."""
    pair, container = story.pair, _new_container()
    contract = pair.contract(BLOBS)
    with pair.relays["blob"].holding(lambda request: is_write_by_sas(request, container)) as gate:
        transfer_id = pair.transfer(contract, destination={"container": container})
        gate.wait_for()
        pair.consumer.terminate_transfer(transfer_id, "no longer needed")
    view = pair.wait(transfer_id)
    story.clean_up(view)
    return _end(view)


def misplaced_secrets(story: Story) -> str:
    """Clients and a peer put secrets where none belongs; all of it is refused, and none of it quoted."""
    pair = story.pair
    contract = pair.contract(BLOBS)
    order = {"counterPartyAddress": pair.provider_url, "protocol": "dataspace-protocol-http:2025-1"}
    for client, path, body in (
        (pair.provider, "/assets", _asset(secret=_new_sas(story))),
        (pair.provider, "/assets", _asset(keyName=_new_sas(story))),
        (pair.provider, "/assets", _asset(endpoint=f"https://data.example.org/?{_new_sas(story)}")),
        (pair.provider, "/assets", _asset(blobName=f"../{_new_sas(story)}")),
        (pair.consumer, "/transferprocesses", _transfer(order, contract, secret=_new_sas(story))),
        (pair.consumer, "/transferprocesses", _transfer(order, contract, keyName=_new_sas(story))),
        (pair.consumer, "/secrets", {"@id": "no name", "value": secrets.token_urlsafe(48)}),
        (pair.consumer, "/secrets", {"@id": _new_sas(story), "value": "v"}),
    ):
        story.ignored_bodies.append(_sent(body))
        try:
            client.call("POST", path, body)
        except ManagementError as refused:
            assert refused.status == 400, refused
        else:
            raise AssertionError(f"a secret in {path} was taken")
    return f"refused, {_misplaced_by_peer(story, contract)}"


def _misplaced_by_peer(story: Story, contract: Contract) -> str:
    """A peer's TransferRequestMessages that cannot be read, each with a SAS in it."""
    pair, statuses = story.pair, set[int]()
    for properties in (
        {"account": "A wrong account", "container": "c", "secret": f"?{_new_sas(story)}"},
        {"account": "consumerdata", "container": "c", "secret": f'{{"sas": ["{_new_sas(story)}"]}}'},
        {"account": "consumerdata", "container": _new_sas(story), "secret": f"?{_new_sas(story)}"},
    ):
        message = _transfer_request(contract, properties)
        answer = httpx2.post(
            f"{pair.provider_url}/transfers/request",
            json=message,
            headers={"Authorization": json.dumps({"clientId": CONSUMER, "region": "eu"})},
            trust_env=False,
        )
        statuses.add(answer.status_code)
    assert statuses == {400}, statuses
    return "refused"


EPISODES: tuple[Episode, ...] = (
    managed_transfer,
    unmanaged_transfer,
    missing_source,
    refused_sas,
    container_deleted,
    cut_connections,
    quoting_peer,
    wrong_key,
    failing_vault,
    terminated_by_client,
    misplaced_secrets,
)

_ENDS: Mapping[str, str] = {
    "managed_transfer": "COMPLETED",
    "unmanaged_transfer": "COMPLETED",
    "missing_source": "TERMINATED SOURCE_BLOB_MISSING",
    "refused_sas": "TERMINATED SAS_REFUSED",
    "container_deleted": "TERMINATED DESTINATION_GONE",
    "cut_connections": "COMPLETED",
    "quoting_peer": "TERMINATED PEER_REFUSED",
    "wrong_key": "TERMINATED DESTINATION_KEY_MISSING",
    "failing_vault": "COMPLETED",
    "terminated_by_client": "TERMINATED TERMINATED_BY_CLIENT",
    "misplaced_secrets": "refused, refused",
}


def expected_ends(*, keyless: bool) -> Mapping[str, str]:
    """How the episodes end."""
    # Azurite that accepts tokens takes a signature that it cannot verify for a malformed token.
    return {**_ENDS, **({"wrong_key": "TERMINATED DESTINATION_UNAVAILABLE"} if keyless else {})}


def _end(view: TransferView) -> str:
    return f"{view.state} {view.error.code}" if view.error else view.state


def _new_container() -> str:
    return f"dst-{uuid.uuid4().hex}"


def _new_sas(story: Story) -> str:
    signature = secrets.token_hex(24)
    story.misplaced.append(SecretValue(SecretKind.SIGNATURE, signature))
    return f"sv=2025-01-05&sr=c&sp=cw&sig={signature}"


def _request_for(contract: Contract) -> Matches:
    agreement = contract.agreement_id.encode()
    return lambda request: is_transfer_request(request) and agreement in request.body


def _asset(**properties: str) -> dict[str, Any]:
    address = {"type": "AzureStorage", "account": "providerdata", "container": "c", "blobName": "b", **properties}
    return {"@id": f"asset-{uuid.uuid4().hex}", "properties": {}, "dataAddress": address}


def _transfer(order: Mapping[str, str], contract: Contract, **properties: str) -> dict[str, Any]:
    return {
        **order,
        "transferType": "AzureStorage-PUSH",
        "contractId": contract.agreement_id,
        "dataDestination": {"type": "AzureStorage", "account": "consumerdata", **properties},
    }


def _transfer_request(contract: Contract, properties: Mapping[str, str]) -> dict[str, Any]:
    namespace = "https://w3id.org/edc/v0.0.1/ns/"
    named = [{"@type": "EndpointProperty", "name": namespace + name, "value": v} for name, v in properties.items()]
    return {
        "@context": ["https://w3id.org/dspace/2025/1/context.jsonld"],
        "@type": "TransferRequestMessage",
        "@id": f"urn:uuid:{uuid.uuid4()}",
        "consumerPid": f"urn:uuid:{uuid.uuid4()}",
        "agreementId": contract.agreement_id,
        "format": "AzureStorage-PUSH",
        "callbackAddress": "http://127.0.0.1:9/callback",
        "dataAddress": {"@type": "DataAddress", "endpointType": "AzureStorage", "endpointProperties": named},
    }


def _sent(body: Mapping[str, Any]) -> bytes:
    """The body as the client writes it."""
    return httpx2.Request("POST", "http://localhost", json=body).read()
