"""What the participant has before the kit comes: offers, a data plane, and contracts that nobody has negotiated.

All that the management API can make is made by it. The contracts have ids that the kit chose, which no negotiation
gives; they are put in by the port that the app itself keeps its agreements behind.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from ferry.cli.management import CONTEXT, ManagementClient
from ferry.domain.contracts import ContractAgreement
from ferry.domain.message_kind import Role
from ferry.services.azure import azure_outside
from ferry.settings import read_settings
from tests.tck.plans import DATASETS, DEFINITION, FORMAT, KIT_PARTICIPANT, subjects

_POLICY = "P123"
_READ = "ATP0101"


def seed(management: ManagementClient, environment: Mapping[str, str], *, account: str, plane_url: str) -> None:
    """Make it all. `environment`: the participant's; `plane_url`: where its data plane is."""
    management.call("PUT", f"{management.url.rpartition('/')[0]}/v4/dataplanes", _plane(plane_url))
    management.create_policy(_POLICY)
    everything = {"accessPolicyId": _POLICY, "contractPolicyId": _POLICY, "assetsSelector": list[object]()}
    management.ask("POST", "/contractdefinitions", {"@context": CONTEXT, "@id": DEFINITION, **everything})
    for asset_id in (*DATASETS, _READ):
        management.create_asset(asset_id, {"account": account, "container": "tck", "blobPrefix": ""}, {})
    _contracts(environment)


def _plane(url: str) -> dict[str, object]:
    return {
        "@context": ["https://w3id.org/edc/connector/management/v2"],
        "@type": "DataPlaneInstance",
        "dataplaneId": "tck-pull",
        "endpoint": url,
        "transferTypes": [FORMAT],
        "labels": list[str](),
    }


def _contracts(environment: Mapping[str, str]) -> None:
    settings = read_settings(environment)
    agreements = azure_outside(settings, environment).agreements
    now = datetime.now(UTC)
    for role, group in ((Role.PROVIDER, "TP"), (Role.CONSUMER, "TP_C")):
        parties = (settings.participant_id, KIT_PARTICIPANT)
        provider_id, consumer_id = parties if role is Role.PROVIDER else reversed(parties)
        for agreement_id in subjects(group):
            agreement = ContractAgreement(
                id=agreement_id,
                created_at=now,
                signed_at=now,
                provider_id=provider_id,
                consumer_id=consumer_id,
                asset_id=_READ,
                policy={"@type": "Agreement", "permission": [{"action": "use"}]},
                negotiation_id=f"of-{agreement_id}",
                role=role,
            )
            agreements.create(agreement_id, agreement)
