"""What the use cases of every type of process share: reading it, applying messages, looks, orders."""

from dataclasses import dataclass, field

from ferry.control_plane import index
from ferry.control_plane.engine import Engine, Handled
from ferry.control_plane.inline import InlineSlots
from ferry.domain.decision import Command, Look, Poisoned, Received
from ferry.domain.faults import Fault, FaultCode, IllegalTransition, NotFound
from ferry.domain.message_kind import Role
from ferry.domain.peer_process import PeerProcess
from ferry.domain.process import Process


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessService[P: Process]:
    """The processes of one engine. `queue_seconds`: how long a queue function goes on with one of them."""

    engine: Engine[P]
    queue_seconds: float = 120.0
    slots: InlineSlots = field(default_factory=InlineSlots)

    def receive(self, process_id: str, role: Role | None, peer_id: str, received: Received) -> Handled[P]:
        """Apply a peer's message; never sends anything.

        Raises NotFound (also for somebody else's process), IllegalTransition.
        """
        return allowed(self.engine.handle(process_id, received, admits=lambda it: is_of(it, role, peer_id)))

    def look(self, process_id: str, epoch: int | None) -> Handled[P] | None:
        """A queue message says: look at it. A process that has left is nothing to look at."""
        try:
            return self.engine.handle(process_id, Look(epoch), budget_seconds=self.queue_seconds)
        except NotFound:
            return None

    def poisoned(self, process_id: str, body: str) -> None:
        """A message about this process could not be handled: keep the news, and look again later."""
        fault = Fault(FaultCode.POISONED, f"its queue message failed too often: {body[:200]}", retryable=True)
        try:
            self.engine.handle(process_id, Poisoned(fault))
        except NotFound:
            return

    def command(self, process_id: str, command: Command, *, inline_seconds: float) -> Handled[P]:
        """A client's order. Raises NotFound, IllegalTransition."""
        with self.slots.budget(inline_seconds) as seconds:
            return allowed(self.engine.handle(process_id, command, budget_seconds=seconds))

    def delete(self, process_id: str, *, ended: str) -> None:
        """Let a process leave before its time, if it has ended in that state and has nothing left to do.

        Raises NotFound, IllegalTransition.
        """
        process = self.engine.load(process_id)
        if process.state_name != ended or not process.is_settled:
            raise IllegalTransition(process.id, process.state_name, f"only what is {ended} and settled can be deleted")
        index.forget(self.engine.store, process)

    def get(self, process_id: str, *, role: Role | None = None, peer_id: str | None = None) -> P:
        """The process. Raises NotFound, also where role or peer are not its."""
        process = self.engine.load(process_id)
        if not is_of(process, role, peer_id):
            raise NotFound(self.engine.kind, process_id)
        return process


def is_of(process: Process, role: Role | None, peer_id: str | None) -> bool:
    """Whether the process is on that side and with that peer, as far as they are given."""
    if not isinstance(process, PeerProcess):
        return True
    return (role is None or process.role is role) and (peer_id is None or process.counter_party_id == peer_id)


def allowed[P: Process](handled: Handled[P]) -> Handled[P]:
    """What was handled. Raises IllegalTransition where it was refused."""
    if handled.refused is not None:
        raise IllegalTransition(handled.process.id, handled.process.state_name, handled.refused)
    return handled
