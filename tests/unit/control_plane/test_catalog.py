"""The catalog: who sees what under which policy, and whether an offer that comes back is ours and open to the asker."""

from dataclasses import replace

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.control_plane.catalog import Catalog, OfferVerdict
from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import FaultCode
from ferry.domain.offers import OfferId, read_offer_id
from ferry.domain.process import JsonObject
from tests.unit.control_plane.processes import NOW, USE

FRIEND: JsonObject = {
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": "participantId", "operator": "eq", "rightOperand": "friend"}],
        }
    ]
}
THIS_YEAR: JsonObject = {
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": "dateTime", "operator": "lt", "rightOperand": "2027-01-01T00:00:00Z"}],
        }
    ]
}
ANY_ID = str(OfferId("open", "rivers", "x"))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(NOW)


@pytest.fixture
def catalog(clock: VirtualClock) -> Catalog:
    """Three assets; rivers and lakes are open to all, lakes for friends too, wells for friends alone."""
    made = Catalog(
        assets=MemoryDefinitions(Asset),
        policies=MemoryDefinitions(PolicyDefinition),
        contract_definitions=MemoryDefinitions(ContractDefinition),
        clock=clock,
    )
    for asset_id, theme in (("rivers", "water"), ("lakes", "water"), ("wells", "secret")):
        address = SourceAddress("providerdata", asset_id, None, "")
        made.assets.create(asset_id, Asset(asset_id, NOW, address, {"theme": theme}))
    policies: dict[str, JsonObject] = {"any": {}, "friend": FRIEND, "this-year": THIS_YEAR, "use": USE}
    for policy_id, policy in policies.items():
        made.policies.create(policy_id, PolicyDefinition(policy_id, NOW, policy))
    define(made, "open", "any", "use", Criterion("properties.theme", "=", "water"))
    define(made, "friends", "friend", "this-year", Criterion("id", "in", ["lakes", "wells"]))
    return made


def define(catalog: Catalog, definition_id: str, access: str, contract: str, *selector: Criterion) -> None:
    definition = ContractDefinition(definition_id, NOW, access, contract, selector)
    catalog.contract_definitions.create(definition_id, definition)


def seen_by(catalog: Catalog, participant_id: str) -> dict[str, list[str]]:
    """Asset -> definitions under which it is offered."""
    return {
        it.asset.id: sorted(offer.id.definition_id for offer in it.offers) for it in catalog.datasets(participant_id)
    }


def judged(
    catalog: Catalog,
    participant_id: str = "stranger",
    *,
    offer_id: str = ANY_ID,
    asset_id: str = "rivers",
    asked: JsonObject = USE,
) -> OfferVerdict:
    return catalog.judge_offer(participant_id, offer_id, asset_id, asked)


# --- what is shown ----------------------------------------------------------------------------------------------


def test_access_policy_hides_offers_from_those_it_does_not_let_in(catalog: Catalog) -> None:
    assert seen_by(catalog, "stranger") == {"rivers": ["open"], "lakes": ["open"]}
    assert seen_by(catalog, "friend") == {"rivers": ["open"], "lakes": ["friends", "open"], "wells": ["friends"]}


def test_offer_shows_the_contract_policy_and_not_the_access_policy(catalog: Catalog) -> None:
    wells = catalog.dataset("friend", "wells")
    assert wells is not None
    assert [offer.policy for offer in wells.offers] == [THIS_YEAR]


def test_contract_policy_that_the_reader_does_not_fulfil_is_offered_all_the_same(catalog: Catalog) -> None:
    define(catalog, "closed", "any", "friend", Criterion("id", "=", "rivers"))
    assert seen_by(catalog, "stranger")["rivers"] == ["closed", "open"]


def test_definition_without_a_selector_offers_everything(catalog: Catalog) -> None:
    define(catalog, "all", "any", "use")
    assert seen_by(catalog, "stranger") == {"rivers": ["all", "open"], "lakes": ["all", "open"], "wells": ["all"]}


def test_definition_whose_policy_is_gone_offers_nothing(catalog: Catalog) -> None:
    catalog.policies.delete("any")
    assert seen_by(catalog, "stranger") == {}
    catalog.policies.delete("this-year")
    assert seen_by(catalog, "friend") == {}


def test_each_offer_has_an_id_of_its_own_that_leads_back(catalog: Catalog) -> None:
    offers = [offer for it in catalog.datasets("friend") for offer in it.offers]
    offers += [offer for it in catalog.datasets("friend") for offer in it.offers]
    texts = [str(offer.id) for offer in offers]
    assert len(set(texts)) == len(texts)
    assert [read_offer_id(text) for text in texts] == [offer.id for offer in offers]


@pytest.mark.parametrize(
    ("participant", "asset", "definitions"),
    [
        ("stranger", "rivers", ["open"]),
        ("friend", "lakes", ["friends", "open"]),
        ("stranger", "wells", None),
        ("friend", "no-such-asset", None),
    ],
)
def test_one_dataset_is_what_the_catalog_shows_of_it(
    catalog: Catalog, participant: str, asset: str, definitions: list[str] | None
) -> None:
    found = catalog.dataset(participant, asset)
    assert (sorted(offer.id.definition_id for offer in found.offers) if found else None) == definitions


# --- what is asked for ------------------------------------------------------------------------------------------


def test_offer_of_ours_on_our_terms_is_granted_with_our_policy(catalog: Catalog) -> None:
    verdict = judged(catalog, asked={"permission": {"action": {"type": "use"}, "target": "rivers"}})
    assert verdict == OfferVerdict(None, "rivers", USE)


def test_offer_asked_for_without_naming_the_asset_is_about_its_own(catalog: Catalog) -> None:
    assert judged(catalog, asset_id="").asset_id == "rivers"


def test_offer_in_raw_spelling_is_granted(catalog: Catalog) -> None:
    assert judged(catalog, offer_id="open:rivers:x").fault is None


def id_of(definition_id: str, asset_id: str) -> str:
    return str(OfferId(definition_id, asset_id, "x"))


@pytest.mark.parametrize(
    ("offer_id", "asset_id", "asked"),
    [
        ("no id of ours", "rivers", USE),
        ("", "rivers", USE),
        ("a:b:c:d", "rivers", USE),
        ("a::c", "", USE),
        (id_of("gone", "rivers"), "rivers", USE),
        (id_of("open", "no-such-asset"), "no-such-asset", USE),
        (id_of("open", "wells"), "wells", USE),
        (ANY_ID, "lakes", USE),
        (id_of("friends", "wells"), "wells", THIS_YEAR),
    ],
)
def test_unknown_offer_and_one_of_others_are_refused_in_the_same_words(
    catalog: Catalog, offer_id: str, asset_id: str, asked: JsonObject
) -> None:
    verdict = judged(catalog, offer_id=offer_id, asset_id=asset_id, asked=asked)
    assert verdict.fault is not None
    assert verdict.fault.code == FaultCode.OFFER_UNKNOWN
    assert verdict.fault.message == f"offer {offer_id!r} does not exist (any more); ask the catalog again"
    assert (verdict.asset_id, verdict.policy) == ("", {})


@pytest.mark.parametrize(
    "asked",
    [
        {"permission": [{"action": "transfer"}]},
        {"permission": [{"action": "use"}, {"action": "use"}]},
        {"permission": [{"action": "use"}], "prohibition": [{"action": "transfer"}]},
        {"permission": [{"action": "use"}], "obligation": [{"action": "use"}]},
        FRIEND,
    ],
)
def test_offer_on_other_terms_is_refused(catalog: Catalog, asked: JsonObject) -> None:
    verdict = judged(catalog, asked=asked)
    assert verdict.fault is not None
    assert verdict.fault.code == FaultCode.POLICY_VIOLATED
    assert "rules asked for are not those" in verdict.fault.message


def test_contract_policy_that_does_not_hold_now_is_refused(catalog: Catalog, clock: VirtualClock) -> None:
    def asked() -> OfferVerdict:
        return judged(catalog, "friend", offer_id=id_of("friends", "wells"), asset_id="wells", asked=THIS_YEAR)

    assert asked().fault is None
    clock.advance(366 * 86400)
    verdict = asked()
    assert verdict.fault is not None
    assert verdict.fault.code == FaultCode.POLICY_VIOLATED
    assert "the contract policy refuses: permission not given: dateTime lt" in verdict.fault.message


def test_offer_of_an_asset_that_is_not_selected_any_more_is_unknown(catalog: Catalog) -> None:
    rivers = catalog.assets.get("rivers")
    assert rivers is not None
    catalog.assets.update("rivers", replace(rivers, properties={"theme": "other"}))
    verdict = judged(catalog)
    assert verdict.fault is not None and verdict.fault.code == FaultCode.OFFER_UNKNOWN
