"""What a participant offers to whom: assets, contract definitions and policies joined into offers.

The access policy of a contract definition decides who sees its offers; the contract policy is what is offered, and is
evaluated when somebody asks for it. Assets are read once for a page, those of one id with a single read; a page that
would take more than `search_limit` of them is refused.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from ferry.domain.codec import to_json
from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.criteria import matches, wanted_id
from ferry.domain.faults import Fault, FaultCode, InvalidInput
from ferry.domain.offers import OfferId, read_offer_id
from ferry.domain.policy import (
    PolicyContext,
    PolicyScope,
    normal_rules,
    refusal,
    refusal_of_agreement,
    stated_claims,
    worded_as,
)
from ferry.domain.process import Json, JsonObject
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions


@dataclass(frozen=True, slots=True)
class Offer:
    """One asset under one contract definition's policy."""

    id: OfferId
    policy: JsonObject


@dataclass(frozen=True, slots=True)
class OfferedAsset:
    """An asset with the offers under which one participant may have it."""

    asset: Asset
    offers: tuple[Offer, ...]


@dataclass(frozen=True, slots=True)
class CatalogPage:
    """Some of the assets on offer, in the order of their ids, and whether there are more behind them."""

    assets: tuple[OfferedAsset, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class OfferVerdict:
    """Whether an offer that somebody asks for is ours and open to them; the policy is ours, not theirs.

    A fault beside an asset: the offer is theirs to have, on other terms than those that they ask for.
    """

    fault: Fault | None = None
    asset_id: str = ""
    policy: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The offers of this participant. `search_limit`: how many assets may be looked at for one page."""

    assets: Definitions[Asset]
    policies: Definitions[PolicyDefinition]
    contract_definitions: Definitions[ContractDefinition]
    clock: Clock
    search_limit: int = 10_000

    def page(
        self, participant_id: str, criteria: tuple[Criterion, ...] = (), *, after: str = "", offset: int = 0, limit: int
    ) -> CatalogPage:
        """What this participant may see of the assets that meet the criteria, behind the id `after`.

        Raises InvalidInput where too many assets would have to be looked at.
        """
        only = wanted_id(criteria)
        seen = self.datasets(participant_id, after=after) if only is None else self._alone(participant_id, only)
        found = (it for it in seen if matches(criteria, told_of(it.asset)))
        page = tuple(islice(found, offset, offset + limit))
        return CatalogPage(page, next(found, None) is not None)

    def datasets(self, participant_id: str, *, after: str = "") -> Iterator[OfferedAsset]:
        """Everything that this participant may see, in the order of its ids. Raises InvalidInput like `page`."""
        shelf = self._shelf(participant_id)
        if not shelf:
            return
        for number, asset in enumerate(self.assets.all(after=after)):
            if number >= self.search_limit:
                message = f"more than {self.search_limit} assets would have to be looked at for one page"
                raise InvalidInput.at("filter", f"{message}; ask for an id, or for fewer behind a smaller offset")
            offered = _offered(asset, shelf)
            if offered is not None:
                yield offered

    def dataset(self, participant_id: str, asset_id: str) -> OfferedAsset | None:
        """One asset with its offers; None where there is none or this participant may not see it."""
        asset = self.assets.get(asset_id)
        return None if asset is None else _offered(asset, self._shelf(participant_id))

    def _alone(self, participant_id: str, asset_id: str) -> Iterator[OfferedAsset]:
        found = self.dataset(participant_id, asset_id)
        return iter(() if found is None else (found,))

    def judge_offer(
        self, participant_id: str, offer_id: str, asset_id: str, asked: JsonObject, *, purpose: str | None = None
    ) -> OfferVerdict:
        """Is that an offer of ours, open to this participant, on these terms, for the purpose that it states?"""
        unknown = Fault(FaultCode.OFFER_UNKNOWN, f"offer {offer_id!r} does not exist (any more); ask the catalog again")
        wanted = read_offer_id(offer_id)
        if wanted is None or (asset_id and wanted.asset_id != asset_id):
            return OfferVerdict(unknown)
        context = PolicyContext(participant_id, self.clock.now(), stated_claims(purpose))
        definition = self.contract_definitions.get(wanted.definition_id)
        policy = self._visible_policy(definition, context) if definition else None
        asset = self.assets.get(wanted.asset_id) if policy is not None else None
        if definition is None or policy is None or asset is None or not _selects(definition, asset):
            return OfferVerdict(unknown)
        if normal_rules(asked) != normal_rules(policy):
            message = f"the rules asked for are not those of offer {offer_id!r}"
            return OfferVerdict(Fault(FaultCode.POLICY_VIOLATED, message), wanted.asset_id, policy)
        reason = refusal_of_agreement(policy, context)
        if reason is not None:
            return OfferVerdict(Fault(FaultCode.POLICY_VIOLATED, f"the contract policy refuses: {reason}"))
        # EDC takes an agreement without rules for an offer without rules alone.
        return OfferVerdict(None, wanted.asset_id, worded_as(policy, asked))

    def _shelf(self, participant_id: str) -> list["_Shelved"]:
        """The contract definitions whose offers this participant may see, each with its contract policy."""
        context = PolicyContext(participant_id, self.clock.now(), scope=PolicyScope.CATALOG)
        known: dict[str, PolicyDefinition | None] = {}
        shelf: list[_Shelved] = []
        for definition in self.contract_definitions.all():
            policy = self._visible_policy(definition, context, known)
            if policy is not None:
                shelf.append(_Shelved(definition, policy))
        return shelf

    def _visible_policy(
        self,
        definition: ContractDefinition,
        context: PolicyContext,
        known: dict[str, PolicyDefinition | None] | None = None,
    ) -> JsonObject | None:
        """The contract policy, if the access policy lets this participant see the offer. `known` spares reading."""
        read = {} if known is None else known
        for policy_id in (definition.access_policy_id, definition.contract_policy_id):
            if policy_id not in read:
                read[policy_id] = self.policies.get(policy_id)
        access, contract = read[definition.access_policy_id], read[definition.contract_policy_id]
        if access is None or contract is None or refusal(access.policy, context) is not None:
            return None
        return contract.policy


@dataclass(frozen=True, slots=True)
class _Shelved:
    """A contract definition that is on offer, and its contract policy."""

    definition: ContractDefinition
    policy: JsonObject


def told_of(asset: Asset) -> JsonObject:
    """What others may know of an asset, and so may search by: not where it lies, nor its private properties."""
    return {"id": asset.id, "properties": asset.properties}


def _offered(asset: Asset, shelf: list[_Shelved]) -> OfferedAsset | None:
    document = to_json(asset)
    offers = tuple(
        Offer(OfferId(it.definition.id, asset.id, str(uuid.uuid4())), it.policy)
        for it in shelf
        if matches(it.definition.assets_selector, document)
    )
    return OfferedAsset(asset, offers) if offers else None


def _selects(definition: ContractDefinition, asset: Asset) -> bool:
    return matches(definition.assets_selector, to_json(asset))
