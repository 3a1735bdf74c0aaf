"""One transfer as both of its participants see it."""

from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from tests.world.participants import Pair


class BothSides:
    """The consumer's process (`process_id`) and the provider's that belongs to it."""

    pair: Pair
    process_id: str

    @property
    def ours(self) -> TransferProcess:
        return self.pair.transfer(self.process_id)

    @property
    def theirs(self) -> TransferProcess:
        return self.pair.provider.core.transfers.get(self.ours.provider_pid)

    @property
    def states(self) -> tuple[TransferState, TransferState]:
        return self.ours.state, self.theirs.state
