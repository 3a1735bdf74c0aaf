"""Ids of offers: written as EDC writes them, read in both spellings."""

import base64

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ferry.domain.offers import OfferId, read_offer_id

_parts = st.text(min_size=1, max_size=12)


@settings(max_examples=60, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow])
@given(_parts, _parts, _parts)
def test_id_of_any_parts_is_read_again(definition: str, asset: str, unique: str) -> None:
    offer = OfferId(definition, asset, unique)
    assert read_offer_id(str(offer)) == offer
    assert len(str(offer).split(":")) == 3


def test_id_of_an_asset_that_is_a_url_holds_no_other_colon() -> None:
    offer = OfferId("cd", "https://assets.example/rivers?year=2026", "u")
    assert str(offer).count(":") == 2
    assert read_offer_id(str(offer)) == offer


@pytest.mark.parametrize("text", ["cd-1:asset-1:some-uuid", "cd.1:a sset:ü"])
def test_raw_parts_are_read_as_they_stand(text: str) -> None:
    assert read_offer_id(text) == OfferId(*text.split(":"))


def test_parts_of_which_one_is_no_base64_are_all_raw() -> None:
    encoded = base64.b64encode(b"cd-1").decode()
    assert read_offer_id(f"{encoded}:asset-1:u") == OfferId(encoded, "asset-1", "u")


@pytest.mark.parametrize("text", ["", "a", "a:b", "a:b:c:d", "a::c", ":b:c", "a:b:"])
def test_what_has_not_three_parts_is_no_id(text: str) -> None:
    assert read_offer_id(text) is None
