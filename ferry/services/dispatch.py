"""From a queue message, a timer or a blob to the service that it is for."""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ferry.control_plane.janitor import HOUR_SECONDS, Janitor
from ferry.control_plane.progress import progress_of
from ferry.data_plane.manifest import Manifest, ManifestInvalid
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import Command, CommandKind
from ferry.domain.message_kind import Role
from ferry.domain.process import JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.work import Lane, LookMessage
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
        elif message.lane is Lane.PLANE_FLOW:
            handled = self.core.hosted.flows.look(message.process_id, message.epoch)
        elif message.lane is Lane.COPY_PAGE:
            handled = self.core.copies.pages().look(message.process_id, message.epoch)
        else:
            handled = self.core.flows.look(message.process_id, message.epoch)
        return handled.looks if handled else ()

    def poisoned(self, message: LookMessage, body: str) -> None:
        """Record that a message about that process failed too often, and look at it again later."""
        if message.lane in _TRANSFER:
            self.core.transfers.poisoned(message.process_id, body)
        elif message.lane in _NEGOTIATION:
            self.core.negotiations.poisoned(message.process_id, body)
        elif message.lane is Lane.PLANE_FLOW:
            self.core.hosted.flows.poisoned(message.process_id, body)
        elif message.lane is Lane.COPY_PAGE:
            self.core.copies.pages().poisoned(message.process_id, body)
        else:
            self.core.flows.poisoned(message.process_id, body)

    def janitor_round(self) -> Sequence[LookMessage]:
        """One round over everything that is due."""
        core = self.core
        looks: list[LookMessage] = []
        looks += Janitor(engine=core.transfers.engine, may_leave=self._may_leave).round()
        looks += Janitor(engine=core.negotiations.engine).round()
        looks += Janitor[DataFlow](
            engine=core.flows.engine, may_leave=lambda it: core.copies.pages().leave(it.id)
        ).round()
        self._sweep_pages()
        if "dataplane" in core.settings.roles:
            hosted = core.hosted.flows
            looks += Janitor(engine=hosted.engine, may_leave=hosted.may_leave).round()
            core.registration.keep()
        return looks

    def _sweep_pages(self) -> None:
        """Once an hour: what is left of copies whose flows are gone."""
        engine = self.core.flows.engine
        if engine.clock.now().timestamp() % HOUR_SECONDS < engine.janitor_seconds:
            self.core.copies.pages().sweep()

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
        progress = progress_of(record.document, self.core.outside.clock.now())
        return {"state": record.document.state.value, "blobs": progress.blobs_done, "bytes": progress.bytes_done}

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
        if not self.core.copies.pages().leave(process.id):
            return False
        self.core.outside.flows.delete(process.id)
        return True
