"""What a participant offers to whom: assets, contract definitions and policies joined into offers."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field

from ferry.domain.contracts import Asset, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.offers import OfferId, read_offer_id
from ferry.domain.policy import PolicyContext, normal_rules, refusal
from ferry.domain.process import Json, JsonObject
from ferry.ports import Clock, Definitions


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
class OfferVerdict:
    """Whether an offer that somebody asks for is ours and open to them; the policy is ours, not theirs."""

    fault: Fault | None = None
    asset_id: str = ""
    policy: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalog:
    """The offers of this participant."""

    assets: Definitions[Asset]
    policies: Definitions[PolicyDefinition]
    contract_definitions: Definitions[ContractDefinition]
    clock: Clock

    def datasets(self, participant_id: str) -> Iterator[OfferedAsset]:
        """Everything that this participant may see."""
        found: dict[str, OfferedAsset] = {}
        for definition in self.contract_definitions.all():
            policy = self._visible_policy(definition, participant_id)
            if policy is None:
                continue
            for asset in self.assets.query(definition.assets_selector, limit=100_000):
                offer = Offer(OfferId(definition.id, asset.id, str(uuid.uuid4())), policy)
                known = found.get(asset.id, OfferedAsset(asset, ()))
                found[asset.id] = OfferedAsset(asset, (*known.offers, offer))
        yield from found.values()

    def dataset(self, participant_id: str, asset_id: str) -> OfferedAsset | None:
        """One asset with its offers; None where there is none or this participant may not see it."""
        asset = self.assets.get(asset_id)
        if asset is None:
            return None
        offers: list[Offer] = []
        for definition in self.contract_definitions.all():
            policy = self._visible_policy(definition, participant_id)
            if policy is not None and self._selects(definition, asset_id):
                offers.append(Offer(OfferId(definition.id, asset_id, str(uuid.uuid4())), policy))
        return OfferedAsset(asset, tuple(offers)) if offers else None

    def judge_offer(self, participant_id: str, offer_id: str, asset_id: str, asked: JsonObject) -> OfferVerdict:
        """Is that an offer of ours, open to this participant, on these terms?"""
        unknown = Fault(FaultCode.OFFER_UNKNOWN, f"offer {offer_id!r} does not exist (any more); ask the catalog again")
        wanted = read_offer_id(offer_id)
        if wanted is None or (asset_id and wanted.asset_id != asset_id):
            return OfferVerdict(unknown)
        definition = self.contract_definitions.get(wanted.definition_id)
        policy = self._visible_policy(definition, participant_id) if definition else None
        if definition is None or policy is None or not self._selects(definition, wanted.asset_id):
            return OfferVerdict(unknown)
        if normal_rules(asked) != normal_rules(policy):
            message = f"the rules asked for are not those of offer {offer_id!r}"
            return OfferVerdict(Fault(FaultCode.POLICY_VIOLATED, message))
        reason = refusal(policy, PolicyContext(participant_id, self.clock.now()))
        if reason is not None:
            return OfferVerdict(Fault(FaultCode.POLICY_VIOLATED, f"the contract policy refuses: {reason}"))
        return OfferVerdict(None, wanted.asset_id, policy)

    def _visible_policy(self, definition: ContractDefinition, participant_id: str) -> JsonObject | None:
        """The contract policy, if the access policy lets this participant see the offer."""
        access = self.policies.get(definition.access_policy_id)
        contract = self.policies.get(definition.contract_policy_id)
        if access is None or contract is None:
            return None
        if refusal(access.policy, PolicyContext(participant_id, self.clock.now())) is not None:
            return None
        return contract.policy

    def _selects(self, definition: ContractDefinition, asset_id: str) -> bool:
        criteria = (*definition.assets_selector, Criterion("id", "=", asset_id))
        return bool(self.assets.query(criteria, limit=1))
