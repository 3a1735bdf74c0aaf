"""A negotiation, a transfer and a data flow to write messages about, and strategies for their parts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from ferry.domain.contracts import ContractAgreement, ContractNegotiation
from ferry.domain.data_address import SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import Fault, FaultCode
from ferry.domain.message_kind import Role
from ferry.domain.secret import Secret
from ferry.domain.states import FlowState, NegotiationState, TransferState
from ferry.domain.transfer_process import Destination, TransferProcess

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
SAS = Secret("sv=2026-06-06&se=2026-03-04T06%3A06%3A07Z&sr=c&sp=cw&sig=c2lnbmF0dXJl%2Bw%3D%3D")
CALLBACK = "https://consumer.example/api/dsp/consumer"
USE = {"permission": [{"action": "use"}]}

pids = st.uuids().map(str) | st.uuids().map(lambda pid: f"urn:uuid:{pid}")
sentences = st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=60).map(str.strip).filter(bool)
faults = st.builds(
    Fault,
    code=st.sampled_from(FaultCode).map(lambda code: code.value),
    message=sentences.map(lambda text: f"it failed {text}"),
    retryable=st.booleans(),
    step=st.none() | st.integers(1, 18),
)
accounts = st.from_regex(r"[a-z0-9]{3,24}", fullmatch=True)
containers = st.from_regex(r"[a-z0-9]{3,20}(-[a-z0-9]{1,8}){0,3}", fullmatch=True)
blob_names = st.text(st.characters(exclude_categories=["C"], exclude_characters="/"), min_size=1, max_size=30).filter(
    lambda name: name not in (".", "..")
)
endpoints = st.sampled_from(["https://a.blob.core.usgovcloudapi.net", "http://127.0.0.1:10000/devstoreaccount1"])
destinations = st.builds(
    Destination,
    account=accounts,
    container=containers,
    marker=st.just(".complete") | pids.map(lambda pid: f".{pid}.complete"),
    secret_name=st.uuids().map(lambda name: f"ferry-sas-{name}"),
    folder=st.just("") | blob_names.map(lambda name: f"{name}/"),
    blob_name=st.none() | blob_names,
    endpoint=st.none() | endpoints,
    sas_expires_at=st.none() | st.just(LATER),
)

DESTINATION = Destination(
    account="consumerstore", container="inbox", marker=".complete", secret_name="ferry-sas-1", sas_expires_at=LATER
)

AGREEMENT = ContractAgreement(
    id="agreement-1",
    created_at=NOW,
    signed_at=NOW,
    provider_id="provider",
    consumer_id="consumer",
    asset_id="asset-1",
    policy=USE,
    negotiation_id="pid-of-provider",
    role=Role.PROVIDER,
)


def negotiation(role: Role = Role.CONSUMER) -> ContractNegotiation:
    """A negotiation of either side, in its first state."""
    other = Role.PROVIDER if role is Role.CONSUMER else Role.CONSUMER
    return ContractNegotiation(
        id=f"pid-of-{role.value.lower()}",
        correlation_id=f"pid-of-{other.value.lower()}",
        created_at=NOW,
        state_at=NOW,
        role=role,
        state=NegotiationState.REQUESTED,
        counter_party_id=other.value.lower(),
        counter_party_address="https://peer.example/dsp",
        offer_id="ZGVm:YXNzZXQtMQ==:MQ==",
        asset_id="asset-1",
        policy=USE,
        participant_ids=(role.value.lower(),),
    )


def transfer(role: Role = Role.CONSUMER, destination: Destination | None = DESTINATION) -> TransferProcess:
    """A transfer of either side, in its first state that the protocol shows."""
    other = Role.PROVIDER if role is Role.CONSUMER else Role.CONSUMER
    return TransferProcess(
        id=f"pid-of-{role.value.lower()}",
        correlation_id=f"pid-of-{other.value.lower()}",
        created_at=NOW,
        state_at=NOW,
        role=role,
        state=TransferState.REQUESTED,
        counter_party_id=other.value.lower(),
        counter_party_address="https://peer.example/dsp",
        agreement_id="agreement-1",
        asset_id="asset-1",
        transfer_type="AzureStorage-PUSH",
        destination=destination,
    )


def data_flow(destination: Destination = DESTINATION, source: SourceAddress | None = None) -> DataFlow:
    """A flow that a control plane in another app wants."""
    return DataFlow(
        id="pid-of-provider",
        created_at=NOW,
        state_at=NOW,
        state=FlowState.STARTED,
        agreement_id="agreement-1",
        participant_id="provider",
        consumer_pid="pid-of-consumer",
        source=source or SourceAddress(account="providerstore", container="src", blob_prefix="2026/"),
        destination=replace(destination, managed=False, sas_expires_at=None),
        callback_address="https://provider.example/api/control",
    )
