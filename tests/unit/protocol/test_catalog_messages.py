"""The catalog as we write it, to the letter, and as we read it."""

import pytest

from ferry.domain.contracts import Asset, Criterion
from ferry.domain.data_address import EDC_NAMESPACE, SourceAddress
from ferry.domain.faults import InvalidInput
from ferry.protocol.catalog_messages import (
    CatalogRequest,
    DataServiceInfo,
    catalog,
    catalog_request,
    dataset,
    dataset_message,
    read_catalog,
    read_catalog_request,
    read_dataset,
)
from ferry.protocol.reader import objects_in
from tests.unit.protocol.examples import NOW, USE
from tests.unit.protocol.strict import assert_strict

ASSET = Asset(
    id="urn:asset:1",
    created_at=NOW,
    address=SourceAddress(account="providerstore", container="src", blob_name="a.bin", key_name="account-key"),
    properties={"name": "Measurements", "hasPolicy": "not a term", "https://example.org/size": 7},
    private_properties={"cost": "secret"},
)
SERVICE = DataServiceInfo("service-1", "https://provider.example/api/dsp")


def test_dataset_is_written_strictly_and_read_with_offers_formats_and_properties() -> None:
    message = dataset_message(ASSET, {"offer-1": {"permission": []}, "offer-2": USE}, SERVICE)

    said = read_dataset(message)

    assert_strict(message)
    assert [it["@id"] for it in objects_in(said["hasPolicy"])] == ["offer-1", "offer-2"]
    assert objects_in(said["distribution"])[0]["format"] == "AzureStorage-PUSH"
    assert (said["@id"], said["id"], said["name"]) == ("urn:asset:1", "urn:asset:1", "Measurements")
    assert said["https://example.org/size"] == 7


def test_dataset_tells_neither_private_properties_nor_where_the_data_lies() -> None:
    message = dataset(ASSET, {"offer-1": USE}, SERVICE)

    assert all(word not in str(message) for word in ("cost", "providerstore", "account-key"))
    assert message[f"{EDC_NAMESPACE}hasPolicy"] == "not a term"


def test_catalog_is_written_strictly_and_read() -> None:
    message = catalog("provider", [dataset(ASSET, {"offer-1": USE}, SERVICE)], SERVICE, catalog_id="catalog-1")

    said = read_catalog(message)

    assert_strict(message)
    assert said["participantId"] == "provider"
    assert [it["@id"] for it in objects_in(said["dataset"])] == ["urn:asset:1"]


def test_empty_catalog_has_no_list_of_datasets() -> None:
    message = catalog("provider", [], SERVICE, catalog_id="catalog-1")

    assert_strict(message)
    assert "dataset" not in message


def test_catalog_request_survives_the_wire() -> None:
    request = CatalogRequest(10, 20, (Criterion("id", "in", ["a", "b"]), Criterion("name", "=", "x")))

    message = catalog_request(request)

    assert_strict(message)
    assert read_catalog_request(message) == request


def test_catalog_request_without_a_filter_wants_the_first_page() -> None:
    assert read_catalog_request({"@type": "CatalogRequestMessage"}) == CatalogRequest()


@pytest.mark.parametrize(
    "query", [{"sparql": "…"}, {"@type": "QuerySpec", "limit": 0}, {"@type": "QuerySpec", "offset": -1}]
)
def test_filter_that_is_not_understood_is_refused(query: dict[str, str | int]) -> None:
    with pytest.raises(InvalidInput, match=r"filter\[0\]"):
        read_catalog_request({"@type": "CatalogRequestMessage", "filter": query})
