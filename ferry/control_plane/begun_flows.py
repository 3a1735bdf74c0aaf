"""New flows of a data plane, from what a control plane has asked for: every name that they will need is chosen here."""

from dataclasses import dataclass
from datetime import timedelta

from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Moment
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowKind, PlaneFlowState
from ferry.domain.transfer_process import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowDemand:
    """What is asked for. `wanted`: where data are to go, and whether we make the container; `served`: what is read.

    `dialect`: the words in which the control plane is told of news.
    """

    process_id: str
    participant_id: str
    counter_party_id: str
    agreement_id: str
    asset_id: str
    transfer_type: str
    callback_address: str
    is_pull: bool
    wanted: tuple[DestinationAddress, bool] | None = None
    served: SourceAddress | None = None
    dialect: str = "dps"
    consumer_pid: str = ""
    trace_parent: str | None = None


def flow_of(demand: FlowDemand, moment: Moment) -> PlaneFlow:
    """The flow, before anything of it is done."""
    receives = PlaneFlowKind.FETCH if demand.is_pull else PlaneFlowKind.RECEIVE
    kind = PlaneFlowKind.SERVE if demand.served is not None else receives
    return PlaneFlow(
        id=demand.process_id,
        created_at=moment.now,
        state_at=moment.now,
        kind=kind,
        state=PlaneFlowState.STARTING if kind is PlaneFlowKind.SERVE else PlaneFlowState.PREPARING,
        participant_id=demand.participant_id,
        counter_party_id=demand.counter_party_id,
        agreement_id=demand.agreement_id,
        asset_id=demand.asset_id,
        transfer_type=demand.transfer_type,
        callback_address=demand.callback_address,
        secret_name=f"ferry-flow-{moment.ids.fresh()}",
        dialect=demand.dialect,
        consumer_pid=demand.consumer_pid,
        destination=None if demand.wanted is None else _destination(*demand.wanted, moment),
        source=demand.served,
        policy_id=moment.ids.fresh() if demand.served is not None else None,
        trace_parent=demand.trace_parent,
    )


def _destination(wanted: DestinationAddress, managed: bool, moment: Moment) -> Destination:
    own = moment.ids.fresh()
    return Destination(
        account=wanted.account,
        endpoint=wanted.endpoint,
        container=wanted.container or f"ferry-{own}",
        folder=wanted.folder,
        blob_name=wanted.blob_name,
        key_name=wanted.key_name,
        managed=managed,
        marker=".complete" if managed else f".{own}.complete",
        secret_name=f"ferry-sas-{moment.ids.fresh()}",
        policy_id=moment.ids.fresh(),
        sas_expires_at=moment.now + timedelta(seconds=moment.limits.sas_seconds),
    )
