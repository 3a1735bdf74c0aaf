"""DataFlow: one copy as the data plane sees it."""

from dataclasses import dataclass

from ferry.domain.data_address import AZURE_STORAGE_PUSH, SourceAddress
from ferry.domain.process import JsonObject, Process
from ferry.domain.states import FLOW_FINAL, FlowState
from ferry.domain.transfer_process import Destination


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFlow(Process):
    """A copy from a source to a destination. `id` is the provider's transfer process id, so it is started once.

    `checkpoint` is what a resumed copy needs; `summary` what was copied (blobs, bytes, manifest digest).
    `callback_address` is where its end is told; None where the control plane lives in the same app: then the transfer
    process looks after the flow, and it needs no looks of its own. A pull has no destination. `paused_attempt` is the
    attempt of the copy that was suspended: it may still tell how far it has come.
    """

    state: FlowState
    agreement_id: str
    participant_id: str
    consumer_pid: str
    source: SourceAddress
    destination: Destination | None = None
    transfer_type: str = AZURE_STORAGE_PUSH
    asset_id: str = ""
    callback_address: str | None = None
    checkpoint: JsonObject | None = None
    summary: JsonObject | None = None
    paused_attempt: int = 0

    @property
    def target(self) -> Destination:
        """Where a push is copied to. Raises ValueError for a pull."""
        if self.destination is None:
            raise ValueError(f"data flow {self.id} is a pull: it has no destination")
        return self.destination

    @property
    def state_name(self) -> str:
        """The state as Data Plane Signaling spells it."""
        return self.state.value

    @property
    def is_final(self) -> bool:
        """COMPLETED, FAILED or TERMINATED."""
        return self.state in FLOW_FINAL

    @property
    def is_indexed(self) -> bool:
        """Only a flow whose control plane is elsewhere is on its own."""
        return self.callback_address is not None
