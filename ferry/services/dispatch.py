"""From a queue message, a timer or a blob to the service that it is for."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferry.control_plane.janitor import Janitor
from ferry.data_plane.manifest import Manifest, ManifestInvalid
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind
from ferry.domain.message_kind import Role
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports import Lane, LookMessage
from ferry.services.compose import Core

_TRANSFER = frozenset({Lane.TRANSFER_CONSUMER, Lane.TRANSFER_PROVIDER})
_NEGOTIATION = frozenset({Lane.NEGOTIATION_CONSUMER, Lane.NEGOTIATION_PROVIDER})
_MANAGED_PREFIX = "ferry-"


@dataclass(frozen=True, slots=True)
class Dispatcher:
    """Hands work to the services of one participant; what is due at once comes back as looks."""

    core: Core

    def look(self, message: LookMessage) -> Sequence[LookMessage]:
        """Look at the process that a queue message names."""
        if message.lane in _TRANSFER:
            handled = self.core.transfers.look(message.process_id, message.epoch)
        elif message.lane in _NEGOTIATION:
            handled = self.core.negotiations.look(message.process_id, message.epoch)
        else:
            handled = self.core.flows.look(message.process_id, message.epoch)
        return handled.looks if handled else ()

    def poisoned(self, message: LookMessage, body: str) -> None:
        """Record that a message about that process failed too often, and look at it again later."""
        if message.lane in _TRANSFER:
            self.core.transfers.poisoned(message.process_id, body)
        elif message.lane in _NEGOTIATION:
            self.core.negotiations.poisoned(message.process_id, body)
        else:
            self.core.flows.poisoned(message.process_id, body)

    def janitor_round(self) -> Sequence[LookMessage]:
        """One round over everything that is due."""
        core = self.core
        looks: list[LookMessage] = []
        looks += Janitor(engine=core.transfers.engine, may_leave=self._may_leave).round()
        looks += Janitor(engine=core.negotiations.engine).round()
        looks += Janitor[DataFlow](engine=core.flows.engine).round()
        return looks

    def blob_arrived(self, path: str, content: bytes) -> Sequence[LookMessage]:
        """News of a marker at `container/blob`: a claim about the transfer that name or content point to."""
        for process_id in self._claimed_ids(path, content):
            handled = self.core.transfers.claim(process_id)
            if handled is not None:
                return handled.looks
        return ()

    def flow_summary(self, process_id: str) -> JsonObject | None:
        """How far the copy of a transfer has come, where it runs in this app: state, blobs, bytes."""
        record = self.core.outside.flows.load(process_id)
        if record is None:
            return None
        flow = record.document
        told = {**(flow.checkpoint or {}), **(flow.summary or {})}
        return {"state": flow.state.value, "blobs": told.get("blobs", 0), "bytes": told.get("bytes", 0)}

    def _claimed_ids(self, path: str, content: bytes) -> Iterable[str]:
        container, _, name = path.partition("/")
        with contextlib.suppress(ManifestInvalid):
            yield Manifest.parse(content).consumer_pid
        if container.startswith(_MANAGED_PREFIX):
            yield container.removeprefix(_MANAGED_PREFIX)
        last = name.rpartition("/")[2]
        if last.startswith(".") and last.endswith(".complete") and last != ".complete":
            yield last.removeprefix(".").removesuffix(".complete")

    def _may_leave(self, process: TransferProcess) -> bool:
        """A flow leaves with its transfer. What a failed transfer has left in a container of ours is removed first."""
        destination = process.destination
        managed = process.role is Role.CONSUMER and destination is not None and destination.managed
        if managed and process.state is TransferState.TERMINATED:
            order = Command(CommandKind.DEPROVISION, "its retention is over")
            self.core.transfers.command(process.id, order, inline_seconds=self.core.settings.inline_seconds)
            return False
        self.core.outside.flows.delete(process.id)
        return True
