"""TransferProcess: one transfer as one of its two sides sees it."""

from dataclasses import dataclass
from datetime import datetime

from ferry.domain.data_address import SourceAddress, is_pull
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import JsonObject
from ferry.domain.states import TRANSFER_DSP, TRANSFER_FINAL, TRANSFER_FLOWING, TransferState

# In the detail of an EXTEND_ACCESS: the end that the SAS is to have.
NEW_END = "sasExpiresAt"


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the blobs go, with every name that is needed on the way. The SAS itself lies in the vault.

    `secret_name` is a name in the vault of the side that holds this document. `policy_id` is the stored access policy
    that the SAS hangs on (the consumer's side). `managed`: the container is ours to create and to delete. `untouched`:
    there was not even a credential for the account, so there is nothing to take away.

    `sas_issued_at`, at the consumer: since when the SAS has its end. `renews`, at the provider: the consumer gives the
    SAS a new end when it is asked to, which is to be done at `renew_at` (None: it is being done, or given up).
    """

    account: str
    container: str
    marker: str
    secret_name: str
    managed: bool = True
    folder: str = ""
    blob_name: str | None = None
    key_name: str | None = None
    endpoint: str | None = None
    policy_id: str | None = None
    sas_expires_at: datetime | None = None
    purge_at: datetime | None = None
    untouched: bool = False
    sas_issued_at: datetime | None = None
    renews: bool = False
    renew_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProcess(PeerProcess):
    """A transfer: its agreement, where the blobs come from and go to, and what has been delivered.

    Of a pull, `address_secret` is the name in our vault of the data address, and `has_address` says whether the address
    is there; of a push that a data plane in another app receives for us, they are about that plane's address.
    `data_plane` is the plane that runs the flow (None: our own), `data_flow_id` what that one calls the flow where it
    is not the process's id, `plane_metadata` what a consumer's plane is to know of the transfer.
    """

    state: TransferState
    agreement_id: str
    asset_id: str
    transfer_type: str
    destination: Destination | None = None
    source: SourceAddress | None = None
    delivered: JsonObject | None = None
    verification: str | None = None
    verify_cursor: JsonObject | None = None
    agreement_ends_at: datetime | None = None
    purpose: str | None = None
    address_secret: str | None = None
    has_address: bool = False
    data_plane: str | None = None
    data_flow_id: str | None = None
    plane_metadata: JsonObject | None = None

    @property
    def is_pull(self) -> bool:
        """Whether the consumer reads the data from an address that the provider tells it."""
        return is_pull(self.transfer_type)

    @property
    def state_name(self) -> str:
        """The state as EDC spells it."""
        return self.state.value

    @property
    def is_final(self) -> bool:
        """COMPLETED, TERMINATED or DEPROVISIONED."""
        return self.state in TRANSFER_FINAL

    @property
    def urgent_at(self) -> datetime | None:
        """When the SAS is to be renewed: a copy that is under way needs it."""
        return self.destination.renew_at if self.destination and self.state in TRANSFER_FLOWING else None

    @property
    def dsp_state(self) -> str:
        """The state as the Dataspace Protocol shows it."""
        if self.error is not None and self.state in (TransferState.DEPROVISIONING, TransferState.DEPROVISIONED):
            return "TERMINATED"
        return TRANSFER_DSP[self.state]
