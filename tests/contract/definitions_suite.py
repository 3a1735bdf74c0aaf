"""What every Definitions store does; a test module gives the fixtures `assets` and `policies` and subclasses this."""

import pytest

from ferry.domain.contracts import Asset, Criterion, PolicyDefinition
from ferry.domain.faults import AlreadyExists, InvalidInput, NotFound
from ferry.ports.stores import Definitions
from tests.contract.documents import ODD_IDS, a_policy, an_asset

type Assets = Definitions[Asset]
type Policies = Definitions[PolicyDefinition]


def fill(assets: Assets) -> None:
    """Ten assets, `a0` to `a9`, numbered and in two colours."""
    for number in range(10):
        assets.create(f"a{number}", an_asset(f"a{number}", number=number, colour="red" if number % 2 else "blue"))


class DefinitionsSuite:
    """Definitions."""

    def test_unknown_definition_is_none(self, assets: Assets) -> None:
        assert assets.get("nothing") is None
        assert list(assets.all()) == []
        assert list(assets.query([])) == []

    @pytest.mark.parametrize("asset_id", ODD_IDS)
    def test_odd_id_names_one_definition(self, assets: Assets, asset_id: str) -> None:
        assets.create(asset_id, an_asset(asset_id, n=1))
        assets.create(f"{asset_id}2", an_asset(f"{asset_id}2"))

        assets.update(asset_id, an_asset(asset_id, n=2))
        assert assets.get(asset_id) == an_asset(asset_id, n=2)
        assert list(assets.query([Criterion("id", "=", asset_id)])) == [an_asset(asset_id, n=2)]

        assets.delete(asset_id)
        assert assets.get(asset_id) is None
        assert [asset.id for asset in assets.all()] == [f"{asset_id}2"]

    @pytest.mark.parametrize("size_bytes", [64 * 1024, 500_000])
    def test_large_policy_is_kept(self, policies: Policies, size_bytes: int) -> None:
        policies.create("p", a_policy("p", size_bytes))
        assert policies.get("p") == a_policy("p", size_bytes)

        policies.update("p", a_policy("p"))
        assert list(policies.all()) == [a_policy("p")]

    def test_policy_larger_than_an_entity_is_refused(self, policies: Policies) -> None:
        with pytest.raises(InvalidInput, match="is too large"):
            policies.create("p", a_policy("p", 1_000_000))

        assert policies.get("p") is None

    def test_same_definition_can_be_created_again(self, assets: Assets) -> None:
        for _ in range(2):
            assets.create("a", an_asset("a", colour="red"))

        assert assets.get("a") == an_asset("a", colour="red")

    def test_other_definition_of_the_same_id_is_refused(self, assets: Assets) -> None:
        assets.create("a", an_asset("a", colour="red"))

        with pytest.raises(AlreadyExists, match="Asset 'a'"):
            assets.create("a", an_asset("a", colour="blue"))

        assert assets.get("a") == an_asset("a", colour="red")

    def test_missing_definition_is_neither_updated_nor_deleted(self, assets: Assets) -> None:
        with pytest.raises(NotFound, match="Asset 'a'"):
            assets.update("a", an_asset("a"))
        with pytest.raises(NotFound, match="Asset 'a'"):
            assets.delete("a")

        assert assets.get("a") is None

    def test_all_come_in_the_order_of_their_ids(self, assets: Assets) -> None:
        ids = ["b", "a/2", "a-1", "a.1", "é", "Z", "_", "a", "日本", "10", "9", "a b", "~", "🚢", "\ufb01"]
        for asset_id in ids:
            assets.create(asset_id, an_asset(asset_id))

        assert [asset.id for asset in assets.all()] == sorted(ids)
        for after in (*ids, "a/1", "b0", "", "\U0010ffff"):
            assert [asset.id for asset in assets.all(after=after)] == [it for it in sorted(ids) if it > after]

    def test_definitions_of_two_types_do_not_mix(self, assets: Assets, policies: Policies) -> None:
        assets.create("x", an_asset("x"))
        policies.create("x", a_policy("x"))

        assert list(assets.all()) == [an_asset("x")]
        policies.delete("x")
        assert assets.get("x") == an_asset("x")

    @pytest.mark.parametrize(
        ("criteria", "expected"),
        [
            ([Criterion("https://w3id.org/edc/v0.0.1/ns/id", "=", "a3")], ["a3"]),
            ([Criterion("id", "=", "nobody")], []),
            ([Criterion("id", "in", ["a1", "a2", "zz"])], ["a1", "a2"]),
            ([Criterion("colour", "=", "red"), Criterion("properties.number", ">=", 6)], ["a7", "a9"]),
            ([Criterion("properties.'colour'", "like", "b%"), Criterion("number", "<", 3)], ["a0", "a2"]),
            ([Criterion("address.account", "!=", "account")], []),
        ],
    )
    def test_query_gives_what_meets_all_criteria(
        self, assets: Assets, criteria: list[Criterion], expected: list[str]
    ) -> None:
        fill(assets)

        assert [asset.id for asset in assets.query(criteria)] == expected

    def test_query_gives_the_page_that_was_asked_for(self, assets: Assets) -> None:
        fill(assets)
        blue = [Criterion("colour", "=", "blue")]

        assert [asset.id for asset in assets.query(blue, offset=1, limit=2)] == ["a2", "a4"]
        assert [asset.id for asset in assets.query(blue, offset=4, limit=2)] == ["a8"]
        assert [asset.id for asset in assets.query([], offset=9)] == ["a9"]
        assert list(assets.query([Criterion("id", "=", "a1")], offset=1)) == []
        assert list(assets.query([Criterion("id", "=", "a1")], limit=0)) == []

    def test_unknown_operator_is_refused(self, assets: Assets) -> None:
        with pytest.raises(InvalidInput, match="must be one of"):
            assets.query([Criterion("id", "==", "a1")])
