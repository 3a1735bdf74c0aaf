"""What a client may ask of a transfer, alike on both sides. Pure: no I/O, no clock."""

from ferry.control_plane import pull_decisions, suspension_decisions
from ferry.control_plane import transfer_decisions as common
from ferry.domain.decision import Command, CommandKind, Decision, Moment
from ferry.domain.faults import Fault
from ferry.domain.message_kind import Role
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess


def commanded(process: TransferProcess, command: Command, moment: Moment) -> Decision[TransferProcess]:
    """The transfer after a client's order; refused where its state does not allow it."""
    match command.kind:
        case CommandKind.DEPROVISION:
            return Decision(common.deprovision(process, moment, command.reason))
        case CommandKind.SUSPEND:
            return suspension_decisions.suspend(process, command, moment)
        case CommandKind.RESUME:
            return suspension_decisions.resume(process, moment)
        case CommandKind.COMPLETE:
            return pull_decisions.complete(process, moment)
        case CommandKind.FORGET_ADDRESS:
            return pull_decisions.forgotten(process, moment)
        case CommandKind.TERMINATE:
            return _terminated(process, command, moment)
        case _:
            return Decision(process, refused=f"{command.kind.value} is no order for a transfer")


def _terminated(process: TransferProcess, command: Command, moment: Moment) -> Decision[TransferProcess]:
    if process.is_final or process.state is TransferState.DEPROVISIONING:
        return Decision(process, refused=f"terminate is not allowed in state {process.state.value}")
    by_whom = "the client" if process.role is Role.CONSUMER else "the provider's client"
    fault = Fault("TERMINATED_BY_CLIENT", command.reason or f"terminated by {by_whom}")
    return Decision(common.terminate(process, fault, moment, tell_peer=True))
