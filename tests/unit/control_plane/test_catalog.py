"""The catalog: who sees what under which policy, and whether an offer that comes back is ours and open to the asker."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from ferry.adapters.clock import VirtualClock
from ferry.adapters.memory_definitions import MemoryDefinitions
from ferry.control_plane.catalog import Catalog, CatalogPage, OfferVerdict
from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import FaultCode
from ferry.domain.offers import OfferId, read_offer_id
from ferry.domain.process import Json, JsonObject
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


PURPOSE: JsonObject = {
    "permission": [
        {
            "action": "use",
            "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "research"}],
        }
    ]
}


def valid(operator: str, right: str) -> JsonObject:
    constraint: Json = {"leftOperand": "inForceDate", "operator": operator, "rightOperand": right}
    return {"permission": [{"action": "use", "constraint": [constraint]}]}


class CountedAssets(MemoryDefinitions[Asset]):
    """Assets that count how they are read."""

    def __init__(self) -> None:
        super().__init__(Asset)
        self.got = self.scanned = 0

    def get(self, definition_id: str) -> Asset | None:
        """Counted."""
        self.got += 1
        return super().get(definition_id)

    def all(self, *, after: str = "") -> Iterator[Asset]:
        """Counted, one by one."""
        for asset in super().all(after=after):
            self.scanned += 1
            yield asset


def judged(
    catalog: Catalog,
    participant_id: str = "stranger",
    *,
    offer_id: str = ANY_ID,
    asset_id: str = "rivers",
    asked: JsonObject = USE,
    purpose: str | None = None,
) -> OfferVerdict:
    return catalog.judge_offer(participant_id, offer_id, asset_id, asked, purpose=purpose)


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


def test_offer_asked_for_without_a_rule_is_granted_without_one(catalog: Catalog) -> None:
    assert judged(catalog, asked={"permission": [], "obligation": []}) == OfferVerdict(None, "rivers", {})


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


def defined_as(catalog: Catalog, policy: JsonObject, *, access: JsonObject | None = None) -> OfferVerdict:
    """What is said of a request for rivers under that contract policy."""
    for policy_id, told in (("special", policy), ("special-access", access or {})):
        catalog.policies.create(policy_id, PolicyDefinition(policy_id, NOW, told))
    define(catalog, "special", "special-access", "special", Criterion("id", "=", "rivers"))
    return judged(catalog, offer_id=str(OfferId("special", "rivers", "x")), asked=policy)


def test_purpose_is_asked_of_who_wants_the_contract(catalog: Catalog) -> None:
    silent = defined_as(catalog, PURPOSE, access=PURPOSE)
    assert silent.fault is not None
    assert silent.fault.code == FaultCode.OFFER_UNKNOWN
    assert "special" in seen_by(catalog, "stranger")["rivers"]
    offer_id = str(OfferId("special", "rivers", "x"))
    assert judged(catalog, offer_id=offer_id, asked=PURPOSE, purpose="research").fault is None


def test_contract_for_a_purpose_is_refused_to_who_states_another(catalog: Catalog) -> None:
    assert defined_as(catalog, PURPOSE).fault is not None
    offer_id = str(OfferId("special", "rivers", "x"))
    other = judged(catalog, offer_id=offer_id, asked=PURPOSE, purpose="profit")
    assert other.fault is not None
    assert other.fault.message == "the contract policy refuses: permission not given: purpose eq research"


@pytest.mark.parametrize(
    ("policy", "is_refused"),
    [
        (valid("lteq", "contractAgreement+30d"), False),
        (valid("gteq", "contractAgreement+1d"), False),
        (valid("gteq", "2099-01-01T00:00:00Z"), False),
        (valid("lteq", "2025-01-01T00:00:00Z"), True),
        (valid("lt", "contractAgreement+-1d"), True),
    ],
)
def test_contract_that_could_never_be_used_is_refused(catalog: Catalog, policy: JsonObject, is_refused: bool) -> None:
    fault = defined_as(catalog, policy).fault
    assert (fault is not None) is is_refused
    assert fault is None or fault.code == FaultCode.POLICY_VIOLATED


# --- pages ------------------------------------------------------------------------------------------------------


def stocked(catalog: Catalog, count: int) -> CountedAssets:
    """A catalog of so many assets, all of them open, that counts how they are read."""
    assets = CountedAssets()
    object.__setattr__(catalog, "assets", assets)
    for number in range(count):
        address = SourceAddress("providerdata", "source", None, "")
        asset = Asset(f"a{number:03}", NOW, address, {"theme": "water", "half": number % 2}, {"cost": str(number)})
        assets.create(asset.id, asset)
    return assets


def ids_on(page: CatalogPage) -> list[str]:
    return [it.asset.id for it in page.assets]


def test_page_ends_where_it_is_full_and_says_whether_there_is_more(catalog: Catalog) -> None:
    stocked(catalog, 5)
    assert ids_on(first := catalog.page("stranger", limit=2)) == ["a000", "a001"]
    assert first.has_more
    assert ids_on(last := catalog.page("stranger", after="a001", limit=3)) == ["a002", "a003", "a004"]
    assert not last.has_more
    assert ids_on(catalog.page("stranger", offset=4, limit=2)) == ["a004"]
    assert catalog.page("stranger", offset=9, limit=2) == CatalogPage((), has_more=False)


def test_page_reads_no_more_assets_than_it_needs(catalog: Catalog) -> None:
    assets = stocked(catalog, 50)
    catalog.page("stranger", after="a009", limit=10)
    assert (assets.scanned, assets.got) == (11, 0)


@pytest.mark.parametrize("operand", ["id", "https://w3id.org/edc/v0.0.1/ns/id"])
def test_one_asset_is_read_alone(catalog: Catalog, operand: str) -> None:
    assets = stocked(catalog, 50)
    assert ids_on(catalog.page("stranger", (Criterion(operand, "=", "a007"),), limit=10)) == ["a007"]
    assert catalog.dataset("stranger", "a007") is not None
    judged(catalog, offer_id=str(OfferId("open", "a007", "x")), asset_id="a007")
    assert (assets.scanned, assets.got) == (0, 3)


def test_filter_counts_what_the_reader_may_see(catalog: Catalog) -> None:
    stocked(catalog, 6)
    odd = (Criterion("half", "=", 1),)
    assert ids_on(page := catalog.page("stranger", odd, limit=2)) == ["a001", "a003"]
    assert page.has_more
    assert ids_on(catalog.page("stranger", odd, after="a003", limit=2)) == ["a005"]


@pytest.mark.parametrize(
    "probe",
    [
        Criterion("private_properties.cost", "=", "3"),
        Criterion("privateProperties.cost", "=", "3"),
        Criterion("cost", "=", "3"),
        Criterion("address.account", "=", "providerdata"),
        Criterion("account", "like", "%"),
    ],
)
def test_filter_finds_nothing_that_is_not_told(catalog: Catalog, probe: Criterion) -> None:
    stocked(catalog, 6)
    assert catalog.page("stranger", (probe,), limit=10).assets == ()
