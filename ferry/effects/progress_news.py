"""Tells with the result of an effect how far the transfer has come, where a callback wants to hear of it.

For a transfer that nobody listens to nothing is asked and nothing added; what nobody knows is not told. A peer's or a
plane's words are read and written anew, so that only the members of a progress get any further.
"""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.control_plane.progress import told_progress
from ferry.control_plane.progress_events import QUESTION, RESULT
from ferry.domain.decision import FlowReport
from ferry.domain.faults import InvalidInput
from ferry.domain.json_value import Json
from ferry.domain.process import Intent, JsonObject
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import ProgressReader, read_progress

type Effect = Callable[[TransferProcess, Intent], JsonObject]

# What a check of a delivery has found that is still on its way.
_ON_ITS_WAY = frozenset({"absent", "unmarked"})


def news_of(report: FlowReport) -> dict[str, Json]:
    """What a report of a data flow adds to a result; nothing where its progress cannot be read."""
    try:
        return {RESULT: told_progress(read_progress(report.progress))} if report.progress else {}
    except InvalidInput:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressNews:
    """A consumer's news: the provider is asked. `wants`: whether a callback wants to hear of a transfer."""

    reader: ProgressReader
    wants: Callable[[TransferProcess], bool]

    def with_check(self, check: Effect) -> Effect:
        """The check of a delivery, with how far it has come where it has not arrived."""

        def checked(process: TransferProcess, intent: Intent) -> JsonObject:
            found = check(process, intent)
            awaited = process.state is TransferState.STARTED and found.get("outcome") in _ON_ITS_WAY
            return {**found, **self._news(process)} if awaited and self.wants(process) else found

        return checked

    def with_question(self, ask: Effect) -> Effect:
        """The question how the other side stands, or how far the transfer has come where that is what is asked."""

        def asked(process: TransferProcess, intent: Intent) -> JsonObject:
            return self._news(process) if intent.detail == QUESTION else ask(process, intent)

        return asked

    def _news(self, process: TransferProcess) -> dict[str, Json]:
        known = self.reader.told(process)
        return {RESULT: told_progress(known)} if known is not None else {}
