"""Addresses of blobs: EDC's names, every fault at once, and never a secret in an asset."""

import pytest

from ferry.domain.data_address import (
    EDC_NAMESPACE,
    DestinationAddress,
    SourceAddress,
    blob_name_fault,
    read_destination,
    read_source,
)
from ferry.domain.faults import InvalidInput
from ferry.domain.process import Json

SOURCE: dict[str, Json] = {"type": "AzureStorage", "account": "data1", "container": "rivers", "blobName": "a/b.txt"}


def faults(read: object, properties: dict[str, Json]) -> list[str]:
    assert callable(read)
    with pytest.raises(InvalidInput) as refused:
        read(properties)
    return [fault.path.rpartition(".")[2] for fault in refused.value.faults]


def test_source_is_one_blob_or_all_below_a_prefix() -> None:
    assert read_source(SOURCE) == SourceAddress("data1", "rivers", "a/b.txt")
    prefix: dict[str, Json] = {**SOURCE, "blobPrefix": "year/"}
    assert read_source(prefix) == SourceAddress("data1", "rivers", None, "year/")
    everything: dict[str, Json] = {**SOURCE, "blobPrefix": ""}
    assert read_source(everything) == SourceAddress("data1", "rivers", None, "")


@pytest.mark.parametrize("prefix", [EDC_NAMESPACE, "edc:"])
def test_names_of_properties_may_have_their_namespace(prefix: str) -> None:
    assert read_source({f"{prefix}{name}": value for name, value in SOURCE.items()}) == read_source(SOURCE)


def test_old_spelling_of_the_blobs_name_is_read() -> None:
    old = {name: value for name, value in SOURCE.items() if name != "blobName"} | {"blobname": "x"}
    assert read_source(old).blob_name == "x"
    destination: dict[str, Json] = {"type": "AzureStorage", "account": "data1", "blobname": "y"}
    assert read_destination(destination).blob_name == "y"


def test_every_fault_of_an_address_is_told_at_once() -> None:
    wrong: dict[str, Json] = {"type": "HttpData", "account": "No!", "container": "a--b", "endpoint": "ftp://x"}
    assert faults(read_source, wrong) == ["type", "blobName", "account", "container", "endpoint"]
    assert faults(read_source, {}) == ["type", "blobName", "account", "container"]
    assert faults(read_destination, {"type": "AzureStorage"}) == ["account"]


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"blobPrefix": "no-slash"}, "blobPrefix"),
        ({"blobName": "a/../b"}, "blobName"),
        ({"blobName": 7}, "blobName"),
        ({"secret": "sig=1"}, "secret"),
        ({"container": "UPPER"}, "container"),
        ({"container": "ab"}, "container"),
        ({"account": "ab"}, "account"),
        ({"account": "has-hyphen"}, "account"),
        ({"endpoint": "https://user@host"}, "endpoint"),
        ({"endpoint": "https://host?x=1"}, "endpoint"),
        ({"keyName": ["k"]}, "keyName"),
    ],
)
def test_wrong_property_of_a_source_is_named(changes: dict[str, Json], fault: str) -> None:
    assert fault in faults(read_source, {**SOURCE, **changes})


@pytest.mark.parametrize("container", ["$root", "$web", "abc", "a-b-c", "0" * 63])
def test_container_of_the_services_own_rules_is_taken(container: str) -> None:
    assert read_source({**SOURCE, "container": container}).container == container


def test_destination_has_its_defaults() -> None:
    plain: dict[str, Json] = {"type": "AzureStorage", "account": "data1"}
    assert read_destination(plain) == DestinationAddress("data1")
    told: dict[str, Json] = {
        **plain,
        "container": "shared",
        "folderName": "in",
        "endpoint": "https://data.example.org/data1/",
        "keyName": "k",
        "completionMarker": ".x.complete",
    }
    assert read_destination(told) == DestinationAddress(
        "data1", "shared", "in/", None, "k", "https://data.example.org/data1", ".x.complete"
    )


@pytest.mark.parametrize(
    ("name", "is_fine"),
    [
        ("a", True),
        ("a/b/c.txt", True),
        ("ü ñ", True),
        ("x" * 1024, True),
        ("x" * 1025, False),
        ("", False),
        ("/".join("x" * 254), True),
        ("/".join("x" * 255), False),
        ("a\nb", False),
        ("a\x85b", False),
        ("../a", False),
        ("a/./b", False),
        ("..", False),
        ("a..b/.c", True),
    ],
)
def test_name_of_a_blob_follows_the_services_rules_and_ours(name: str, is_fine: bool) -> None:
    assert (blob_name_fault("path", name) is None) is is_fine
