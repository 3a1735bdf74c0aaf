"""The pure decisions of each type of process, as the engine wants them."""

from dataclasses import dataclass
from datetime import datetime

from ferry.control_plane import (
    agreement_end,
    consumer_decisions,
    flow_decisions,
    negotiation_decisions,
    prepared_flows,
    progress_events,
    provider_decisions,
)
from ferry.domain.callback_address import CallbackAddress
from ferry.domain.contracts import ContractNegotiation
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Decision, Moment, Task
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent
from ferry.domain.states import FLOW_FINAL, NEGOTIATION_FINAL, TRANSFER_FINAL
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.work import Lane


@dataclass(frozen=True, slots=True)
class TransferRules:
    """Transfers, of either role. `callbacks` are told of every one of them."""

    callbacks: tuple[CallbackAddress, ...] = ()

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a process."""
        return frozenset(state.value for state in TRANSFER_FINAL)

    def decide(self, process: TransferProcess, task: Task, moment: Moment) -> Decision[TransferProcess]:
        """The transfer after the task."""
        decide = consumer_decisions.decide if process.role is Role.CONSUMER else provider_decisions.decide
        decided = prepared_flows.kept_in_step(process, decide(process, task, moment), moment)
        kept = agreement_end.kept_within(decided, moment)
        return progress_events.attended(kept, task, moment, self.callbacks)

    def next_look_at(self, process: TransferProcess, moment: Moment) -> datetime | None:
        """When it wants to be looked at."""
        side = consumer_decisions if process.role is Role.CONSUMER else provider_decisions
        wanted = progress_events.next_look_at(process, side.next_look_at(process, moment), moment, self.callbacks)
        return agreement_end.next_look_at(process, wanted)

    def take(self, process: TransferProcess, intent: Intent, moment: Moment) -> TransferProcess:
        """Transfers have no leased intents."""
        del intent, moment
        return process

    def lane(self, process: TransferProcess) -> Lane:
        """The queue of its role."""
        return Lane.TRANSFER_CONSUMER if process.role is Role.CONSUMER else Lane.TRANSFER_PROVIDER


@dataclass(frozen=True, slots=True)
class NegotiationRules:
    """Contract negotiations, of either role."""

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a process."""
        return frozenset(state.value for state in NEGOTIATION_FINAL)

    def decide(self, process: ContractNegotiation, task: Task, moment: Moment) -> Decision[ContractNegotiation]:
        """The negotiation after the task."""
        return negotiation_decisions.decide(process, task, moment)

    def next_look_at(self, process: ContractNegotiation, moment: Moment) -> datetime | None:
        """When it wants to be looked at."""
        return negotiation_decisions.next_look_at(process, moment)

    def take(self, process: ContractNegotiation, intent: Intent, moment: Moment) -> ContractNegotiation:
        """Negotiations have no leased intents."""
        del intent, moment
        return process

    def lane(self, process: ContractNegotiation) -> Lane:
        """The queue of its role."""
        return Lane.NEGOTIATION_CONSUMER if process.role is Role.CONSUMER else Lane.NEGOTIATION_PROVIDER


@dataclass(frozen=True, slots=True)
class FlowRules:
    """Data flows."""

    @property
    def final_states(self) -> frozenset[str]:
        """The names of the states that end a process."""
        return frozenset(state.value for state in FLOW_FINAL)

    def decide(self, process: DataFlow, task: Task, moment: Moment) -> Decision[DataFlow]:
        """The flow after the task."""
        return flow_decisions.decide(process, task, moment)

    def next_look_at(self, process: DataFlow, moment: Moment) -> datetime | None:
        """When it wants to be looked at."""
        return flow_decisions.next_look_at(process, moment)

    def take(self, process: DataFlow, intent: Intent, moment: Moment) -> DataFlow:
        """Take the copy's lease."""
        del intent
        return flow_decisions.take(process, moment)

    def lane(self, process: DataFlow) -> Lane:
        """The data plane's queue."""
        del process
        return Lane.DATA_FLOW
