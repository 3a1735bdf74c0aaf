"""What a SAS that a provider was given can be used for, and until when; Azurite decides, as Azure would."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import uuid
from collections.abc import Callable, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx2
import pytest
from azure.core.exceptions import HttpResponseError
from azure.storage.blob import ContainerClient

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.cli.stack import CONSUMER, PROVIDER
from ferry.domain.secret import Secret
from ferry.emulators.vault_access import EmulatedIdentityCredential
from ferry.ports.storage import Account, SasScope
from tests.e2e.pair import Contract, until
from tests.security.issued_secrets import sas_of_transfer_request
from tests.security.observed_stack import (
    ObservedPair,
    is_transfer_request,
    is_write_by_sas,
    observed_stack,
)
from tests.security.relay import Gate

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

BLOBS = {"one.txt": b"one", "two.txt": b"two"}
BYSTANDER = b"this was here before"
LONGEST_PLAIN = timedelta(minutes=60)


@pytest.fixture(scope="module")
def keys(request: pytest.FixtureRequest) -> Iterator[ObservedPair]:
    """Participants with account keys in their vaults."""
    with ObservedPair(observed_stack(request.config, keyless=False)) as pair:
        yield pair


@pytest.fixture(scope="module")
def keyless(request: pytest.FixtureRequest) -> Iterator[ObservedPair]:
    """Participants without any key, and storage over TLS."""
    with ObservedPair(observed_stack(request.config, keyless=True)) as pair:
        yield pair


@pytest.fixture(scope="module", params=["keys", "keyless"])
def pair(request: pytest.FixtureRequest) -> ObservedPair:
    """Each of them in turn."""
    found: ObservedPair = request.getfixturevalue(request.param)
    return found


@dataclass(frozen=True, slots=True)
class Held:
    """A transfer that has STARTED and whose provider is held before its first write, with the SAS that it was given."""

    pair: ObservedPair
    transfer_id: str
    container: str
    sas: str
    gate: Gate

    def client(self, container: str | None = None, sas: str | None = None) -> ContainerClient:
        """What the provider could do, without the relays."""
        return _client(self.pair, container or self.container, sas or self.sas)


@pytest.fixture(scope="class")
def held(pair: ObservedPair) -> Iterator[Held]:
    """A transfer that a class of tests uses while it runs."""
    with _holding(pair, managed=True) as running:
        yield running


@contextmanager
def _holding(pair: ObservedPair, *, managed: bool) -> Generator[Held]:
    contract = pair.contract(BLOBS)
    container = f"dst-{uuid.uuid4().hex}"
    if not managed:
        pair.inbox.create_container(container)
    with pair.relays["blob"].holding(lambda request: is_write_by_sas(request, container)) as gate:
        transfer_id = pair.transfer(contract, managed=managed, destination={"container": container})
        gate.wait_for()
        until(lambda: pair.consumer.transfer_state(transfer_id), lambda state: state == "STARTED")
        yield Held(pair, transfer_id, container, _captured(pair, contract), gate)
    view = pair.wait(transfer_id)
    pair.consumer.deprovision(transfer_id)
    pair.wait(view.id, "DEPROVISIONED")


def _captured(pair: ObservedPair, contract: Contract) -> str:
    agreement = contract.agreement_id.encode()
    exchanges = pair.relays[PROVIDER].exchanges
    requests = [it.request for it in exchanges if is_transfer_request(it.request) and agreement in it.request.body]
    return sas_of_transfer_request(requests[0])


def _client(pair: ObservedPair, container: str, sas: str) -> ContainerClient:
    resources = pair.stack.resources(CONSUMER)
    url = f"{resources.data_storage.blob_endpoint}/{container}?{sas}"
    return ContainerClient.from_container_url(
        url, connection_verify=str(resources.certificate_path), retry_total=0, retry_read=0
    )


# --- while the transfer runs ------------------------------------------------------------------------------------


def _read(held: Held) -> object:
    return held.client().download_blob("there.txt").readall()


def _properties(held: Held) -> object:
    return held.client().get_blob_client("there.txt").get_blob_properties()


def _list(held: Held) -> object:
    return list(held.client().list_blobs())


def _delete(held: Held) -> object:
    return held.client().delete_blob("there.txt")


def _delete_container(held: Held) -> object:
    return held.client().delete_container()


def _change_policies(held: Held) -> object:
    return held.client().set_container_access_policy({}, public_access="container")


def _other_container(held: Held) -> object:
    return held.client(container="somebody-elses").upload_blob("x.txt", b"x")


def _other_signature(held: Held) -> object:
    return held.client(sas=held.sas.replace("sig=", "sig=A")).upload_blob("x.txt", b"x")


def _more_permissions(held: Held) -> object:
    wider = held.sas.replace("sp=cw", "sp=rwdl") if "sp=" in held.sas else f"{held.sas}&sp=rwdl"
    return list(held.client(sas=wider).list_blobs())


def _expired(held: Held) -> object:
    now = datetime.now(UTC)
    return _write_with(held, now - timedelta(minutes=70), now - timedelta(minutes=1))


def _not_yet_valid(held: Held) -> object:
    now = datetime.now(UTC)
    return _write_with(held, now + timedelta(minutes=5), now + timedelta(minutes=30))


REFUSED: Mapping[str, Callable[[Held], object]] = {
    "read": _read,
    "properties": _properties,
    "list": _list,
    "delete": _delete,
    "delete the container": _delete_container,
    "change policies": _change_policies,
    "another container": _other_container,
    "another signature": _other_signature,
    "more permissions": _more_permissions,
    "expired": _expired,
    "not yet valid": _not_yet_valid,
}


class TestRunningTransfer:
    """What the provider can do with its SAS while it copies."""

    @pytest.mark.parametrize("name", REFUSED)
    def test_sas_of_a_running_transfer_refuses(self, name: str, held: Held) -> None:
        with held.pair.inbox.get_container_client(held.container) as owner:
            owner.upload_blob("there.txt", b"there", overwrite=True)
        with held.pair.inbox.get_container_client("somebody-elses") as other:
            if not other.exists():
                other.create_container()
        with pytest.raises(HttpResponseError) as refused:
            REFUSED[name](held)
        assert refused.value.status_code == 403

    def test_sas_of_a_running_transfer_writes_new_blobs(self, held: Held) -> None:
        with held.client() as provider:
            provider.upload_blob("new.txt", b"new")
        with held.pair.inbox.get_container_client(held.container) as owner:
            assert owner.download_blob("new.txt").readall() == b"new"
            owner.delete_blob("new.txt")

    def test_valid_terms_are_accepted_where_expired_ones_are_refused(self, held: Held) -> None:
        now = datetime.now(UTC)
        _write_with(held, now - timedelta(minutes=5), now + timedelta(minutes=30))


def test_sas_with_a_key_hangs_on_a_policy_and_says_no_terms_itself(keys: ObservedPair) -> None:
    with _holding(keys, managed=True) as held:
        assert parse_qs(held.sas).keys() == {"sv", "si", "sr", "sig"}
        with keys.inbox.get_container_client(held.container) as owner:
            (policy,) = owner.get_container_access_policy()["signed_identifiers"]
        assert policy.access_policy.permission == "cw"
        held.gate.open()


def test_sas_without_a_key_is_delegated_for_https_and_an_hour_at_most(keyless: ObservedPair) -> None:
    with _holding(keyless, managed=True) as held:
        said = {name: values[0] for name, values in parse_qs(held.sas).items()}
        assert (said["sp"], said["spr"], said["sr"]) == ("cw", "https", "c")
        assert "skoid" in said
        assert "si" not in said
        assert datetime.fromisoformat(said["se"]) <= datetime.now(UTC) + LONGEST_PLAIN
        plain = keyless.stack.resources(CONSUMER).data_storage.blob_endpoint.replace("https://", "http://")
        with pytest.raises(httpx2.HTTPError):
            httpx2.put(f"{plain}/{held.container}/x.txt?{held.sas}", content=b"x", trust_env=False).raise_for_status()
        held.gate.open()


def test_sas_for_https_is_refused_over_http(keys: ObservedPair) -> None:
    container, account = f"dst-{uuid.uuid4().hex}", keys.stack.resources(CONSUMER).data_storage
    keys.inbox.create_container(container)
    storage, now = AzureBlobStorage(BlobClients()), datetime.now(UTC)
    scope = SasScope(container, "cw", now - timedelta(minutes=5), now + timedelta(minutes=5))
    # Signed as for an account that answers over TLS: the signature does not depend on the address.
    https = Account(account.name, account.blob_endpoint.replace("http://", "https://"), Secret(account.key))
    http = Account(account.name, account.blob_endpoint, Secret(account.key))
    only_https, either = storage.issue_sas(https, scope).reveal(), storage.issue_sas(http, scope).reveal()
    assert "spr=https" in only_https
    with _client(keys, container, either) as client:
        client.upload_blob("either.txt", b"x")
    with _client(keys, container, only_https) as client, pytest.raises(HttpResponseError) as refused:
        client.upload_blob("https.txt", b"x")
    assert refused.value.status_code == 403


# --- afterwards -------------------------------------------------------------------------------------------------


def _is_refused(held: Held) -> int | None:
    """The status of a refused write; None where it was taken."""
    try:
        with held.client() as provider:
            provider.upload_blob(f"{uuid.uuid4()}.txt", b"late")
    except HttpResponseError as error:
        return error.status_code
    return None


def test_sas_is_refused_after_completion_and_after_deprovisioning(keys: ObservedPair) -> None:
    with _holding(keys, managed=False) as held:
        held.gate.open()
        assert keys.wait(held.transfer_id).state == "COMPLETED"
        until(lambda: _is_refused(held), lambda status: status == 403)
        keys.consumer.deprovision(held.transfer_id)
        keys.wait(held.transfer_id, "DEPROVISIONED")
        assert _is_refused(held) == 403
        assert keys.delivered(held.container).keys() >= BLOBS.keys()


def test_sas_is_refused_after_termination(keys: ObservedPair) -> None:
    with _holding(keys, managed=True) as held:
        assert _is_refused(held) is None
        keys.consumer.terminate_transfer(held.transfer_id, "no longer needed")
        until(lambda: _is_refused(held), lambda status: status == 403)
        assert keys.wait(held.transfer_id).state == "TERMINATED"


def test_sas_of_a_managed_container_is_worth_nothing_after_deprovisioning(pair: ObservedPair) -> None:
    with _holding(pair, managed=True) as held:
        pair.consumer.deprovision(held.transfer_id)
        pair.wait(held.transfer_id, "DEPROVISIONED")
        assert _is_refused(held) in (403, 404)


# --- a container that several transfers share -------------------------------------------------------------------


def test_two_at_once_and_one_after_into_the_same_container_complete(pair: ObservedPair) -> None:
    container = f"dst-{uuid.uuid4().hex}"
    with pair.inbox.create_container(container) as owner:
        owner.upload_blob("bystander.txt", BYSTANDER)
        etag = owner.get_blob_client("bystander.txt").get_blob_properties().etag
    contract = pair.contract(BLOBS)

    def transfer(folder: str) -> str:
        destination = {"container": container, "folderName": folder}
        return pair.wait(pair.transfer(contract, managed=False, destination=destination)).state

    with ThreadPoolExecutor(2) as pool:
        states = list(pool.map(transfer, ("first/", "second/")))
    assert [*states, transfer("third/")] == ["COMPLETED"] * 3
    delivered = pair.delivered(container)
    assert {f"{folder}/{name}" for folder in ("first", "second", "third") for name in BLOBS} <= delivered.keys()
    assert delivered["bystander.txt"] == BYSTANDER
    with pair.inbox.get_container_client(container) as owner:
        assert owner.get_blob_client("bystander.txt").get_blob_properties().etag == etag


def test_sixth_at_once_in_a_container_gets_a_plain_sas_of_an_hour_at_most(keys: ObservedPair) -> None:
    container = f"dst-{uuid.uuid4().hex}"
    keys.inbox.create_container(container)
    contract = keys.contract(BLOBS)
    agreement = contract.agreement_id.encode()

    def start(number: int) -> str:
        destination = {"container": container, "folderName": f"{number}/"}
        extra = {"sasValiditySeconds": 7200}
        return keys.transfer(contract, managed=False, destination=destination, extra=extra)

    with keys.relays["blob"].holding(lambda request: is_write_by_sas(request, container)) as gate:
        with ThreadPoolExecutor(6) as pool:
            transfer_ids = list(pool.map(start, range(6)))
        exchanges = until(
            lambda: [
                it.request
                for it in keys.relays[PROVIDER].exchanges
                if is_transfer_request(it.request) and agreement in it.request.body
            ],
            lambda requests: len(requests) >= 6,
        )
        issued = {sas_of_transfer_request(request) for request in exchanges}
        plain = [parse_qs(sas) for sas in issued if "si=" not in sas]
        gate.open()
        states = [keys.wait(transfer_id).state for transfer_id in transfer_ids]
    assert len(issued) == 6
    (terms,) = plain
    assert datetime.fromisoformat(terms["se"][0]) <= datetime.now(UTC) + LONGEST_PLAIN
    assert terms["sp"] == ["cw"]
    assert states == ["COMPLETED"] * 6


def _write_with(held: Held, starts_at: datetime, expires_at: datetime) -> object:
    """A write with a SAS of other terms, issued as ours are."""
    resources = held.pair.stack.resources(CONSUMER)
    storage = resources.data_storage
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(resources.certificate_path))
        clients = BlobClients(credential=lambda: EmulatedIdentityCredential(resources))
        key = None if held.pair.stack.options.keyless else Secret(storage.key)
        account = Account(storage.name, storage.blob_endpoint, key)
        scope = SasScope(held.container, "cw", starts_at, expires_at)
        sas = AzureBlobStorage(clients).issue_sas(account, scope).reveal()
    with held.client(sas=sas) as client:
        return client.upload_blob(f"{uuid.uuid4()}.txt", b"x")
