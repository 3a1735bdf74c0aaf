"""What the engine holds in its hands while it moves one process, and what the log learns of each commit."""

import logging
from dataclasses import dataclass, field

from ferry.domain.decision import Task
from ferry.domain.faults import Fault
from ferry.domain.process import Intent, Process
from ferry.ports.stores import Record
from ferry.ports.work import LookMessage
from ferry.telemetry import meters, redacted
from ferry.telemetry.spans import Attribute, Span, current

log = logging.getLogger("ferry.engine")


@dataclass(frozen=True, slots=True)
class Handled[P: Process]:
    """What became of a task. `looks` are to leave by an output binding: they are due at once.

    `refused` is set when the task is not allowed in the state that the process is in. `record` is the last commit.
    """

    process: P
    refused: str | None = None
    looks: tuple[LookMessage, ...] = ()
    record: Record[P] | None = None


@dataclass(slots=True)
class Run[P: Process]:
    """One pass over a process: the record as committed, the copy in hand, the tasks since that commit.

    `is_overtaken`: somebody else had committed before the last commit, so the tasks were decided anew.
    """

    record: Record[P] | None
    working: P
    tasks: list[Task] = field(default_factory=list[Task])
    is_overtaken: bool = False

    @property
    def is_dirty(self) -> bool:
        """Whether the copy in hand differs from what is committed."""
        return self.record is None or self.working is not self.record.document

    def awaits(self, intent: Intent) -> Intent | None:
        """The intent or notice of that id as it stands in the copy in hand; None once it is done or withdrawn."""
        return self.working.intent(intent.id) or self.working.notice(intent.id)

    @property
    def announces(self) -> bool:
        """Whether the copy in hand holds an intent that is not committed yet."""
        known = {intent.id for intent in self.record.document.intents} if self.record else set[str]()
        return any(intent.id not in known for intent in self.working.intents)


def log_news(kind: str, before: Process | None, after: Process) -> None:
    """A line in the log for each line of history that a commit has added; `kind` is the type of the process."""
    told = (len(before.history) + before.history_moved) if before else 0
    level = logging.WARNING if after.error and not (before and before.error) else logging.INFO
    code = {"code": after.error.code} if after.error else {}
    for entry in after.history[max(0, told - after.history_moved) :]:
        news = {"process": after.id, "kind": kind, "state": entry.state, "step": entry.step, **code}
        log.log(level, "%s", entry.what, extra={"ferry": news})
        current().tell(redacted(entry.what), {name: value for name, value in news.items() if value is not None})
    if before is None or before.state_name != after.state_name:
        meters.tell(meters.PROCESSES, 1, kind=kind, state=after.state_name, **code)


def told_of(kind: str, process: Process, intent: Intent) -> dict[str, Attribute]:
    """What a span says of an effect: whose it is, which try, and which message where it is one."""
    told: dict[str, Attribute] = {"ferry.kind": kind, "ferry.process": process.id, "ferry.attempt": intent.attempt}
    message = intent.detail.get("message")
    return {**told, "ferry.message": message} if isinstance(message, str) else told


def tell_failure(recorded: Span, kind: str, intent: Intent, fault: Fault) -> None:
    """Why an effect did not do what it was to do."""
    recorded.fail(fault.code)
    recorded.note(fault_message=redacted(fault.message), fault_retryable=fault.retryable)
    if fault.retryable:
        meters.tell(meters.RETRIES, kind=kind, intent=intent.kind.value, code=fault.code)
