"""The consumer's side of a renewal: the provider asks, the SAS gets a new end, the address is told. No HTTP."""

from dataclasses import dataclass

from ferry.control_plane import renewal_decisions
from ferry.control_plane.engine import Engine, Handled
from ferry.control_plane.process_service import allowed, is_of
from ferry.domain.decision import Done, Failed, RenewalAsked
from ferry.domain.faults import EffectFailed, FaultCode, IllegalTransition
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, IntentKind
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.vault import Vault
from ferry.ports.work import LookMessage


@dataclass(frozen=True, slots=True)
class TellableAddress:
    """A transfer whose destination is told to its provider, and its SAS as our vault keeps it."""

    process: TransferProcess
    kept: Secret
    looks: tuple[LookMessage, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewalService:
    """Renewals of one participant, as consumer."""

    engine: Engine[TransferProcess]
    vault: Vault

    def renew(self, process_id: str, peer_id: str, provider_pid: str) -> TellableAddress:
        """The address of a push for its provider; its SAS gets a new end where that is due.

        What it takes is done here, and not left to the queue: the provider waits for the answer. Nothing is sent to it.
        Raises NotFound (also for somebody else's transfer), IllegalTransition, EffectFailed where it may ask again.
        """
        task = RenewalAsked(provider_pid)
        handled = allowed(self.engine.handle(process_id, task, admits=lambda it: is_of(it, Role.CONSUMER, peer_id)))
        waiting = next((it for it in handled.process.intents if it.kind is IntentKind.EXTEND_ACCESS), None)
        if waiting is not None:
            handled = self._extended(handled, waiting)
        process = handled.process
        if process.destination is None or process.state not in renewal_decisions.TELLING:
            raise IllegalTransition(process.id, process.state.value, "no address is told any more")
        kept = self.vault.get(process.destination.secret_name)
        if kept is None:
            raise _failed(process, FaultCode.SAS_MISSING)
        return TellableAddress(process, kept, handled.looks)

    def _extended(self, handled: Handled[TransferProcess], waiting: Intent) -> Handled[TransferProcess]:
        process = handled.process
        try:
            result = self.engine.performers[waiting.kind](process, waiting)
        except EffectFailed as failure:
            self.engine.handle(process.id, Failed(waiting.id, failure.fault), known=handled.record)
            # Why is for our own log and history alone.
            raise _failed(process, FaultCode.DESTINATION_UNAVAILABLE) from failure
        return self.engine.handle(process.id, Done(waiting.id, waiting.kind, result), known=handled.record)


def _failed(process: TransferProcess, code: FaultCode) -> EffectFailed:
    message = f"the address of transfer {process.id} cannot be renewed now; ask again"
    return EffectFailed.because(code, message, retryable=True)
