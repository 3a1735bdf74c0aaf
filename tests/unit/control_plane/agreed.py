"""Two participants with an agreement that nobody has negotiated: quicker than `make_pair`, where that is no matter."""

from ferry.domain.contracts import ContractAgreement
from ferry.domain.message_kind import Role
from ferry.domain.secret import Secret
from ferry.services.memory import MemoryWorld
from tests.world.participants import STARTED_AT, Pair, offer, participant, settings_of

AGREEMENT_ID = "agreement-1"


def agreed_pair(**settings: str) -> Pair:
    """Two participants, keys in their vaults, one asset with one blob, and the same agreement in both stores."""
    world = MemoryWorld()
    consumer = participant(world, settings_of("consumer", **settings))
    provider = participant(world, settings_of("provider", **settings))
    pair = Pair(world, consumer, provider, AGREEMENT_ID)
    for role, side in ((Role.CONSUMER, consumer), (Role.PROVIDER, provider)):
        name = side.core.settings.participant_id
        key = Secret(f"{name}-key")
        world.cloud.add_account(f"{name}data", endpoint=f"https://{name}data.test", key=key)
        side.core.outside.vault.store(f"{name}data", key)
        side.core.outside.agreements.create(AGREEMENT_ID, agreement(role))
    offer(pair, {"data/one.txt": b"one"})
    return pair


def agreement(role: Role) -> ContractAgreement:
    """The agreement over asset-1, as that side keeps it."""
    return ContractAgreement(
        id=AGREEMENT_ID,
        created_at=STARTED_AT,
        signed_at=STARTED_AT,
        provider_id="provider",
        consumer_id="consumer",
        asset_id="asset-1",
        policy={},
        negotiation_id="negotiation-0",
        role=role,
    )
