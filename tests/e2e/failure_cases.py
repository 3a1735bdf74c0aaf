"""The twelve ways to fail: how each is brought about, and what both sides must then say."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.cli.ports import free_port
from ferry.cli.stack import CONSUMER, PROVIDER

from .failure_stage import FailureStage
from .pair import Contract

CLOSED_PORT_URL = f"http://127.0.0.1:{free_port()}"
NO_SUCH_KEY = "no-such-key"
# Longer than any deadline of the stage.
VAULT_AWAY_SECONDS = 120.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureCase:
    """One way to fail. `begin` starts the transfer, spoils it and gives its id; it does not wait for the end.

    `by_provider`: the transfer gets as far as the provider, which must end it, too. `is_swapped`: the participants have
    changed places. `is_alone`: every transfer of the consumer feels it, so it is begun when the others have ended.
    """

    name: str
    code: str
    step: int
    says: str
    is_retryable: bool
    begin: Callable[[FailureStage], str]
    by_provider: bool = True
    is_swapped: bool = False
    is_alone: bool = False


def _source_blob_missing(stage: FailureStage) -> str:
    return stage.transfer(stage.contract({"a.txt": b"a"}, {"blobName": "absent.txt"}))


def _source_key_missing(stage: FailureStage) -> str:
    return stage.transfer(stage.contract({"a.txt": b"a"}, {"blobPrefix": "", "keyName": NO_SUCH_KEY}))


def _sas_invalid(stage: FailureStage) -> str:
    """The policy of the SAS is taken away while the copy cannot write its first blob."""
    contract = stage.contract({"held-sas.txt": b"a"})
    stage.hold("held-sas.txt")
    transfer_id = stage.transfer(contract)
    view = stage.wait(transfer_id, "REQUESTED", "STARTED")
    stage.revoke_policies(view.destination["container"])
    stage.release("held-sas.txt")
    return transfer_id


def _container_deleted(stage: FailureStage) -> str:
    """The held copy does not notice; whoever owns the container does, at its next look."""
    transfer_id = stage.transfer(stage.held_contract("held-gone.txt"))
    stage.inbox.delete_container(stage.half_delivered(transfer_id).destination["container"])
    return transfer_id


def _provider_down(stage: FailureStage) -> str:
    contract = stage.plain_contract
    return stage.consumer.start_transfer(
        f"{CLOSED_PORT_URL}/api/dsp/2025-1", asset_id=contract.asset_id, contract_id=contract.agreement_id
    )


def _unknown_agreement(stage: FailureStage) -> str:
    contract = stage.plain_contract
    agreement = replace(stage.agreement(CONSUMER, contract.agreement_id), id=str(uuid.uuid4()))
    stage.plant_agreement(CONSUMER, agreement)
    return stage.transfer(Contract(contract.asset_id, agreement.id, contract.container))


def _agreement_of_somebody_else(stage: FailureStage) -> str:
    contract = stage.plain_contract
    other_id = str(uuid.uuid4())
    theirs = stage.agreement(PROVIDER, contract.agreement_id)
    stage.plant_agreement(PROVIDER, replace(theirs, id=other_id, consumer_id="somebody-else"))
    stage.plant_agreement(CONSUMER, replace(stage.agreement(CONSUMER, contract.agreement_id), id=other_id))
    return stage.transfer(Contract(contract.asset_id, other_id, contract.container))


def _consumers_key_missing(stage: FailureStage) -> str:
    return stage.transfer(stage.plain_contract, destination={"keyName": NO_SUCH_KEY})


def _data_plane_down(stage: FailureStage) -> str:
    return stage.transfer(stage.plain_contract)


def _forged_marker(stage: FailureStage) -> str:
    transfer_id = stage.transfer(stage.held_contract("held-forged.txt"))
    view = stage.half_delivered(transfer_id)
    stage.write_with_sas(view, ".complete", stage.manifest(view, {"a.txt": 6, "held-forged.txt": 7}))
    return transfer_id


def _deadline_passed(stage: FailureStage) -> str:
    return stage.transfer(stage.held_contract("held-deadline.txt"))


def _vault_down(stage: FailureStage) -> str:
    contract = stage.plain_contract
    stage.stack.admin.refuse_vault_connections(CONSUMER, VAULT_AWAY_SECONDS)
    return stage.transfer(contract)


FAILURES = (
    FailureCase(
        name="source blob missing",
        code="SOURCE_BLOB_MISSING",
        step=10,
        says="'absent.txt' does not exist",
        is_retryable=False,
        begin=_source_blob_missing,
    ),
    FailureCase(
        name="source key missing",
        code="SOURCE_KEY_MISSING",
        step=8,
        says=f"there is no secret '{NO_SUCH_KEY}'",
        is_retryable=False,
        begin=_source_key_missing,
    ),
    FailureCase(
        name="SAS invalid",
        code="SAS_REFUSED",
        step=11,
        says="refuses the SAS",
        is_retryable=False,
        begin=_sas_invalid,
    ),
    FailureCase(
        name="container deleted in mid-copy",
        code="DESTINATION_GONE",
        step=13,
        says="does not exist: the container was deleted",
        is_retryable=False,
        begin=_container_deleted,
    ),
    FailureCase(
        name="provider down for good",
        code="PEER_UNREACHABLE",
        step=5,
        says="given up: REQUESTING for more than",
        is_retryable=True,
        begin=_provider_down,
        by_provider=False,
    ),
    FailureCase(
        name="unknown agreement",
        code="AGREEMENT_UNKNOWN",
        step=5,
        says="does not exist between us",
        is_retryable=False,
        begin=_unknown_agreement,
        by_provider=False,
    ),
    FailureCase(
        name="agreement of somebody else",
        code="AGREEMENT_UNKNOWN",
        step=5,
        says="does not exist between us",
        is_retryable=False,
        begin=_agreement_of_somebody_else,
        by_provider=False,
    ),
    FailureCase(
        name="consumer's key missing",
        code="DESTINATION_KEY_MISSING",
        step=2,
        says=f"there is no secret '{NO_SUCH_KEY}'",
        is_retryable=False,
        begin=_consumers_key_missing,
        by_provider=False,
    ),
    FailureCase(
        name="remote data plane down",
        code="DATA_PLANE_UNAVAILABLE",
        step=7,
        says=f"the data plane at {CLOSED_PORT_URL}/api/dataflows cannot be reached",
        is_retryable=True,
        begin=_data_plane_down,
        is_swapped=True,
    ),
    FailureCase(
        name="forged marker",
        code="VERIFICATION_FAILED",
        step=13,
        says="is not what the marker says: 1 of 2 blobs are missing",
        is_retryable=True,
        begin=_forged_marker,
    ),
    FailureCase(
        name="deadline passed",
        code="DEADLINE_EXCEEDED",
        step=11,
        says="STARTED for more than",
        is_retryable=True,
        begin=_deadline_passed,
    ),
    FailureCase(
        name="vault down",
        code="VAULT_UNAVAILABLE",
        step=2,
        says="given up: PREPARATION_REQUESTED for more than",
        is_retryable=True,
        begin=_vault_down,
        by_provider=False,
        is_alone=True,
    ),
)
