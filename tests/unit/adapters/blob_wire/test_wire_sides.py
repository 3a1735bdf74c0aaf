"""Which side an address names, and by what right a container of ours is read; nothing is sent."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from azure.storage.blob import generate_blob_sas

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_sas import SasSigner
from ferry.adapters.blob_wire.access import SignedAccess
from ferry.adapters.blob_wire.sources import ContainerSource, FileSource
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.clock import VirtualClock
from ferry.adapters.egress import EgressGuard
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.secret import Secret
from ferry.ports.storage import Account, BlobItem

KEY = base64.b64encode(bytes(64)).decode()
AZURE = "https://account.blob.core.windows.net"
ACCOUNT = Account("account", AZURE, Secret(KEY))
CONTAINER_SAS = "sv=2026-10-06&sr=c&sp=rl&sig=x"
BLOB_SAS = "sv=2026-10-06&sr=b&sp=r&sig=x"


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))


@pytest.fixture
def sides(clock: VirtualClock) -> WireSides:
    guard = EgressGuard(["*", "10.1.2.3:10000"], allow_loopback=True)
    return WireSides(guard, BlobClients(), clock)


@pytest.mark.parametrize(
    ("address", "endpoint"),
    [
        (f"{AZURE}/c?{CONTAINER_SAS}", AZURE),
        (f"{AZURE}/c/?{CONTAINER_SAS}", AZURE),
        ("https://account.z12.blob.storage.azure.net/c?" + CONTAINER_SAS, "https://account.z12.blob.storage.azure.net"),
        ("https://blobs.example/c?" + CONTAINER_SAS, "https://blobs.example"),
        (f"http://127.0.0.1:10000/account/c?{CONTAINER_SAS}", "http://127.0.0.1:10000/account"),
        (f"http://localhost:10000/account/c?{CONTAINER_SAS}", "http://localhost:10000/account"),
        (f"{AZURE}/c", AZURE),
    ],
)
def test_address_of_a_container_is_a_container(sides: WireSides, address: str, endpoint: str) -> None:
    source = sides.source_at(Secret(address))
    assert isinstance(source, ContainerSource)
    assert source.endpoint == endpoint
    url = source.url(BlobItem("ü", 1, '"1"'))
    assert url is not None
    assert url.reveal().removesuffix("?").startswith(f"{endpoint}/c/%C3%BC")


@pytest.mark.parametrize(
    ("address", "endpoint", "name"),
    [
        (f"{AZURE}/c/d/%C3%BC%20b?{BLOB_SAS}", AZURE, "d/ü b"),
        (f"{AZURE}/c/d?{CONTAINER_SAS}", AZURE, "d"),
        (f"{AZURE}/in-root?{BLOB_SAS}", AZURE, "in-root"),
        (f"http://127.0.0.1:10000/account/c/d?{BLOB_SAS}", "http://127.0.0.1:10000/account", "d"),
        ("https://files.example/x/data%20set.csv", "https://files.example", "data set.csv"),
        ("https://files.example/x/data.csv?X-Amz-Signature=1", "https://files.example", "data.csv"),
        ("https://files.example", "https://files.example", "download"),
        ("https://files.example/", "https://files.example", "download"),
    ],
)
def test_address_of_anything_else_is_one_file(sides: WireSides, address: str, endpoint: str, name: str) -> None:
    source = sides.source_at(Secret(address))
    assert isinstance(source, FileSource)
    assert source.endpoint == endpoint
    assert source.url(BlobItem(name, 1, '"1"')) == Secret(address)
    assert asyncio.run(source.head(name + "x")) is None


@pytest.mark.parametrize(
    "address",
    [
        "ftp://files.example/a",
        "https://u:p@files.example/a",
        "https://files.example/a b",
        "https://10.1.2.4/a",
        "http://files.example/a",
    ],
)
def test_address_that_the_guard_forbids_is_no_source(sides: WireSides, address: str) -> None:
    with pytest.raises(EffectFailed) as caught:
        sides.source_at(Secret(address))
    assert caught.value.fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_account_of_ours_may_be_where_a_peers_may_not(clock: VirtualClock) -> None:
    own_guard = EgressGuard(["store.internal"], allowed_networks=["10.0.0.0/8"])
    sides = WireSides(EgressGuard([]), BlobClients(), clock, own_guard=own_guard)
    endpoint = "https://store.internal"
    assert sides.source(Account("account", endpoint, Secret(KEY)), "c", gives_urls=False).endpoint == endpoint
    for ask in (
        lambda: sides.source(Account("account", endpoint, sas=Secret(CONTAINER_SAS)), "c", gives_urls=False),
        lambda: sides.source_at(Secret(f"{endpoint}/c?{CONTAINER_SAS}")),
        lambda: sides.destination(endpoint, "c", Secret(CONTAINER_SAS)),
    ):
        with pytest.raises(EffectFailed) as caught:
            ask()
        assert caught.value.fault.code == FaultCode.ADDRESS_FORBIDDEN


def test_given_address_reads_one_blob_for_an_hour_at_most(sides: WireSides, clock: VirtualClock) -> None:
    source = sides.source(ACCOUNT, "c", gives_urls=True)
    for _ in range(30):
        now = clock.now()
        url = source.url(BlobItem("a/b", 1, '"1"'))
        assert url is not None
        said = {name: values[0] for name, values in parse_qs(url.reveal().partition("?")[2]).items()}
        assert (said["sp"], said["sr"], said["spr"]) == ("r", "b", "https")
        starts_at, ends_at = (datetime.fromisoformat(said[name]) for name in ("st", "se"))
        assert timedelta(minutes=45) < ends_at - now <= timedelta(hours=1)
        assert starts_at <= now - timedelta(minutes=5)
        clock.advance(97)


def test_given_address_is_signed_as_the_sdk_does(sides: WireSides, clock: VirtualClock) -> None:
    now = clock.now()
    url = sides.source(ACCOUNT, "c", gives_urls=True).url(BlobItem("ü/b", 1, '"1"'))
    expected = generate_blob_sas(
        "account",
        "c",
        "ü/b",
        account_key=KEY,
        permission="r",
        start=now - timedelta(minutes=5),
        expiry=now + timedelta(hours=1),
        protocol="https",
    )
    assert url == Secret(f"{AZURE}/c/%C3%BC/b?{expected}")


def test_address_that_no_header_of_the_service_holds_is_not_given(sides: WireSides) -> None:
    source = sides.source(ACCOUNT, "c", gives_urls=True)
    assert source.url(BlobItem("ü" * 200, 1, '"1"')) is not None
    assert source.url(BlobItem("日" * 300, 1, '"1"')) is None


def test_plain_http_of_an_emulator_is_allowed_by_its_sas(sides: WireSides) -> None:
    account = Account("account", "http://127.0.0.1:10000/account", Secret(KEY))
    url = sides.source(account, "c", gives_urls=True).url(BlobItem("a", 1, '"1"'))
    assert url is not None
    assert "spr=" not in url.reveal()


def test_somebody_elses_sas_is_used_as_it_is(sides: WireSides) -> None:
    account = Account("account", AZURE, sas=Secret(CONTAINER_SAS))
    item = BlobItem("a", 1, '"1"')
    assert sides.source(account, "c", gives_urls=True).url(item) == Secret(f"{AZURE}/c/a?{CONTAINER_SAS}")
    assert sides.source(account, "c", gives_urls=False).url(item) is None


def test_own_sas_lists_and_is_renewed_before_it_ends(clock: VirtualClock) -> None:
    access = SignedAccess(SasSigner(BlobClients(), clock), clock, ACCOUNT, "c", gives_urls=False)
    for _ in range(30):
        said = parse_qs(asyncio.run(access.own_query()))
        assert (said["sp"], said["sr"]) == (["rlt"], ["c"])
        assert datetime.fromisoformat(said["se"][0]) - clock.now() > timedelta(minutes=45)
        clock.advance(97)
    assert access.query_for("a") is None
