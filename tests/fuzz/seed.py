"""What there is when the fuzzing begins: one of everything, under ids that requests can hit.

A partner stands beside the participant, so that there are negotiations and transfers of both roles, ended and begun.
"""

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field

from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.engine import Engine
from ferry.control_plane.listing import Listing
from ferry.control_plane.negotiation_steps import ContractOrder
from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, Criterion, PolicyDefinition
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.message_kind import Role
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.storage import Account
from ferry.ports.work import LookMessage
from ferry.services.compose import Core
from ferry.services.memory import MemoryWorld
from tests.fuzz.host import PARTICIPANT, PARTNER
from tests.world.participants import Participant, participant, settings_of

USE: JsonObject = {"permission": [{"action": "use"}]}
AGREEMENT, ASSET, POLICY, DEFINITION, SECRET = "agreement-1", "asset-1", "policy-1", "cd-1", "hook-key"
# The one that the description's example names.
ORPHAN = "ferry-3f0c6f0e-6f0f-4c1b-9d0a-2f6f4b8f9a11"


def seeded(made: Participant, world: MemoryWorld) -> None:
    """Definitions, agreements and processes of both roles, with a partner, and an account with a blob on each side."""
    partner = participant(world, settings_of(PARTNER))
    for side in (made, partner):
        _offer(side, world)
    for consumer, provider in ((made, partner), (partner, made)):
        _deal(consumer, provider)
    made.core.outside.vault.store(SECRET, Secret("value"))
    made.core.outside.agreements.create(AGREEMENT, _agreement(world))


def _offer(side: Participant, world: MemoryWorld) -> None:
    """An account with a blob, offered to everybody."""
    outside, now = side.core.outside, world.clock.now()
    name = f"{side.core.settings.participant_id}data"
    account = Account(name, f"https://{name}.test", Secret(f"{name}-key"))
    world.cloud.add_account(name, endpoint=account.endpoint, key=Secret(f"{name}-key"))
    world.cloud.add_container(account, "source")
    world.cloud.add_blob(account, "source", "one.txt", b"one")
    outside.vault.store(name, Secret(f"{name}-key"))
    outside.storage.create_container(account, ORPHAN, ORPHAN.removeprefix("ferry-"))
    outside.assets.create(ASSET, Asset(ASSET, now, SourceAddress(name, "source", None, "")))
    outside.policies.create(POLICY, PolicyDefinition(POLICY, now, USE))
    criterion = Criterion("id", "=", ASSET)
    outside.contract_definitions.create(DEFINITION, ContractDefinition(DEFINITION, now, POLICY, POLICY, (criterion,)))


def _deal(consumer: Participant, provider: Participant) -> None:
    """A negotiation and a transfer that have ended, and two that have just begun."""
    peer, core = provider.core.settings, consumer.core
    dataset = provider.core.catalog.dataset(core.settings.participant_id, ASSET)
    assert dataset is not None
    contract = ContractOrder(
        counter_party_id=peer.participant_id,
        counter_party_address=peer.dsp_url,
        offer_id=str(dataset.offers[0].id),
        asset_id=ASSET,
        policy=USE,
    )
    negotiated = core.negotiations.initiate(contract, inline_seconds=1)
    _drain(consumer, provider, negotiated.looks)
    agreement = core.negotiations.get(negotiated.process.id).agreement
    assert agreement is not None
    transfer = TransferOrder(
        counter_party_id=peer.participant_id,
        counter_party_address=peer.dsp_url,
        agreement_id=agreement.id,
        asset_id=ASSET,
        destination=DestinationAddress(f"{core.settings.participant_id}data"),
    )
    _drain(consumer, provider, core.transfers.initiate(transfer, inline_seconds=1).looks)
    core.transfers.initiate(transfer, inline_seconds=1)
    core.negotiations.initiate(contract, inline_seconds=1)


def _drain(consumer: Participant, provider: Participant, looks: Iterable[LookMessage]) -> None:
    consumer.emit(looks)
    for _ in range(100):
        if not any([side.work_once() for side in (consumer, provider)]):
            return
    raise AssertionError("the queues do not come to rest")


def _agreement(world: MemoryWorld) -> ContractAgreement:
    """The agreement that the description's examples name."""
    now = world.clock.now()
    return ContractAgreement(AGREEMENT, now, now, PARTNER, PARTICIPANT, ASSET, USE, "n-1", Role.CONSUMER)


@dataclass(frozen=True, slots=True)
class Known:
    """An id of something that exists, and for a process both pids."""

    id: str
    pids: dict[str, str] = field(default_factory=dict[str, str])


def known_ids(core: Core, path: str) -> list[Known]:
    """What there is now that an id in this path may mean."""
    outside = core.outside
    if "negotiation" in path:
        return _known_processes(core.negotiations.engine)
    if any(noun in path for noun in ("transfer", "dataflow", "edrs")):
        return _known_processes(core.transfers.engine)
    agreements = [Known(agreement.id) for agreement in outside.agreements.all()]
    return [*(Known(it) for it in (ASSET, POLICY, DEFINITION, SECRET, AGREEMENT)), *agreements]


def _known_processes[P: PeerProcess](engine: Engine[P]) -> list[Known]:
    found = itertools.islice(Listing(engine=engine).stream(), 12)
    return [Known(it.id, {"consumerPid": it.consumer_pid, "providerPid": it.provider_pid}) for it in found]
