"""What the engine holds in its hands while it moves one process: the last commit, the copy since then, the tasks."""

from dataclasses import dataclass, field

from ferry.domain.decision import Task
from ferry.domain.process import Process
from ferry.ports import Record


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

    @property
    def announces(self) -> bool:
        """Whether the copy in hand holds an intent that is not committed yet."""
        known = {intent.id for intent in self.record.document.intents} if self.record else set[str]()
        return any(intent.id not in known for intent in self.working.intents)
