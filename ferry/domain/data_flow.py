"""DataFlow: one copy as the data plane sees it, and how far it has come."""

from dataclasses import dataclass, field
from datetime import datetime

from ferry.domain.data_address import AZURE_STORAGE_PUSH, SourceAddress
from ferry.domain.process import Json, JsonObject, Process
from ferry.domain.states import FLOW_FINAL, FlowState
from ferry.domain.transfer_process import Destination

# So many pages of a copy are begun and not done at most: what is listed does not run away from what is copied.
OPEN_PAGES_LIMIT = 64
# And so far behind the last of them may the first one be that is not done: those between are kept one by one.
PAGES_SPAN_LIMIT = 2048


@dataclass(frozen=True, slots=True)
class CopySample:
    """How far a copy had come at one time."""

    at: datetime
    blobs: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyProgress:
    """How far a copy has come: blobs and bytes done, and those that are known of (all, once `is_total_known`).

    `samples` are those of the last minutes, oldest first: the rate is theirs.
    """

    blobs_done: int = 0
    bytes_done: int = 0
    blobs_total: int = 0
    bytes_total: int = 0
    is_total_known: bool = False
    samples: tuple[CopySample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowPages:
    """The pages of a copy that is shared among workers: `begun` of them, in order; all, once `is_listed`.

    Done are all below `done_below` and those in `done`. `told` holds what the open ones have told of themselves (blobs,
    bytes, by number); the totals are those of the done ones alone. The documents of the first `left` are gone.
    """

    begun: int = 0
    is_listed: bool = False
    done_below: int = 0
    done: tuple[int, ...] = ()
    told: JsonObject = field(default_factory=dict[str, Json])
    blobs: int = 0
    size_bytes: int = 0
    methods: JsonObject = field(default_factory=dict[str, Json])
    not_kept: JsonObject = field(default_factory=dict[str, Json])
    has_changes: bool = False
    left: int = 0

    @property
    def open_count(self) -> int:
        """How many are begun and not done."""
        return self.begun - self.done_below - len(self.done)

    @property
    def room(self) -> int:
        """How many more may be begun now."""
        return max(0, min(OPEN_PAGES_LIMIT - self.open_count, PAGES_SPAN_LIMIT - (self.begun - self.done_below)))

    @property
    def open_numbers(self) -> tuple[int, ...]:
        """Those that are begun and not done."""
        done = set(self.done)
        return tuple(number for number in range(self.done_below, self.begun) if number not in done)

    @property
    def are_done(self) -> bool:
        """Whether there is nothing left but to finish."""
        return self.is_listed and self.open_count <= 0

    def is_done(self, number: int) -> bool:
        """Whether that one is done."""
        return number < self.done_below or number in self.done


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFlow(Process):
    """A copy from a source to a destination. `id` is the provider's transfer process id, so it is started once.

    `checkpoint` is what a resumed copy needs; `summary` what was copied (blobs, bytes, manifest digest). `progress` is
    there once a copy has lasted long enough to tell of it, `pages` once it is shared among workers. `callback_address`
    is where its end is told; None where the control plane lives in the same app: then the transfer process looks after
    the flow, and it needs no looks of its own. A pull has no destination. `paused_attempt` is the attempt of the copy
    that was suspended: it may still tell how far it has come. `dialect`: the words in which news are told.
    `owns_secret`: the SAS came with the order, so it is dropped at the end. `fetched`: it is the copy of a flow of this
    plane's own, which is told of its end.
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
    progress: CopyProgress | None = None
    pages: FlowPages | None = None
    paused_attempt: int = 0
    dialect: str = "dps"
    owns_secret: bool = False
    fetched: bool = False

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
