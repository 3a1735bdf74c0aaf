"""The client's reading of catalogs: one offer or several, as object or list."""

import pytest

from ferry.cli.management import Offer, read_offers

POLICY = {"@id": "offer-1", "@type": "Offer"}


@pytest.mark.parametrize("datasets", [{"@id": "a", "hasPolicy": POLICY}, [{"@id": "a", "hasPolicy": [POLICY]}]])
def test_offer_is_found_however_it_is_wrapped(datasets: object) -> None:
    catalog = {"participantId": "provider", "dataset": datasets}
    assert read_offers(catalog) == [Offer("a", "provider", POLICY)]


def test_catalog_without_datasets_offers_nothing() -> None:
    assert read_offers({"participantId": "provider"}) == []
