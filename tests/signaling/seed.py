"""What a control plane has before its demands are played: an asset, its data plane, a contract in either role."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from ferry.domain.contracts import ContractAgreement
from ferry.domain.message_kind import Role
from ferry.services.outside import Outside
from tests.signaling.control_demands import API_KEY, ASSET, CONSUMED, PROVIDED, PULL_TYPE, PUSH_TYPE
from tests.signaling.counterpart import PLANE, Counterpart, Json
from tests.signaling.plane_demands import OTHER, PARTICIPANT, Answer

_V4 = ["https://w3id.org/edc/connector/management/v2"]


class Managed(Protocol):
    """A participant with a management API."""

    counterpart: Counterpart

    def call(self, method: str, path: str, body: Json | None, headers: Mapping[str, str]) -> Answer:
        """A request below its API."""
        ...


def seed_definitions(stage: Managed) -> None:
    """The asset and the data plane, by the management API."""
    plane = {
        "@context": _V4,
        "@type": "DataPlaneInstance",
        "dataplaneId": "kit",
        "endpoint": stage.counterpart.url + PLANE,
        "transferTypes": [PULL_TYPE, PUSH_TYPE],
        "labels": ["kit"],
    }
    source = {"type": "AzureStorage", "account": "consumerdata", "container": "data", "blobName": "one.bin"}
    asset = {
        "@context": {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"},
        "@id": ASSET,
        "properties": {},
        "dataAddress": source,
    }
    for method, path, body in (("PUT", "v4/dataplanes", plane), ("POST", "v3/assets", asset)):
        answer = stage.call(method, f"/management/{path}", body, {"x-api-key": API_KEY})
        if answer.status >= 300:
            raise AssertionError(f"{path} is answered {answer.status}: {answer.body}")


def seed_agreements(outside: Outside) -> None:
    """A contract in either role, by the port that the app itself keeps its agreements behind."""
    now = datetime.now(UTC)
    for agreement_id, role in ((CONSUMED, Role.CONSUMER), (PROVIDED, Role.PROVIDER)):
        provides = role is Role.PROVIDER
        agreement = ContractAgreement(
            id=agreement_id,
            created_at=now,
            signed_at=now,
            provider_id=PARTICIPANT if provides else OTHER,
            consumer_id=OTHER if provides else PARTICIPANT,
            asset_id=ASSET,
            policy={"@type": "Agreement", "permission": [{"action": "use"}]},
            negotiation_id=f"of-{agreement_id}",
            role=role,
        )
        outside.agreements.create(agreement_id, agreement)
