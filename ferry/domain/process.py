"""What every process has, whatever it does: state, intents, inbox, history, the next look.

A process is one document. `decide` returns a changed copy; the engine commits it and only then performs its intents.
(Design: one document per process; decide, commit, then act.)
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Self

from ferry.domain.faults import Fault
from ferry.domain.json_value import Json, JsonObject

HISTORY_LIMIT = 40
INBOX_LIMIT = 40
POISON_LIMIT = 3


class IntentKind(StrEnum):
    """What a process has made up its mind to do. Each is idempotent under the names in the document."""

    PREPARE_DESTINATION = "PREPARE_DESTINATION"
    SEND_MESSAGE = "SEND_MESSAGE"
    VERIFY_DELIVERY = "VERIFY_DELIVERY"
    REVOKE_ACCESS = "REVOKE_ACCESS"
    REMOVE_DESTINATION = "REMOVE_DESTINATION"
    STORE_ADDRESS = "STORE_ADDRESS"
    RENEW_ADDRESS = "RENEW_ADDRESS"
    EXTEND_ACCESS = "EXTEND_ACCESS"
    PREPARE_DATA_FLOW = "PREPARE_DATA_FLOW"
    START_DATA_FLOW = "START_DATA_FLOW"
    CHECK_DATA_FLOW = "CHECK_DATA_FLOW"
    ASK_PEER = "ASK_PEER"
    SUSPEND_DATA_FLOW = "SUSPEND_DATA_FLOW"
    RESUME_DATA_FLOW = "RESUME_DATA_FLOW"
    COMPLETE_DATA_FLOW = "COMPLETE_DATA_FLOW"
    TERMINATE_DATA_FLOW = "TERMINATE_DATA_FLOW"
    DROP_SECRET = "DROP_SECRET"  # noqa: S105 - the name of an intent
    STORE_AGREEMENT = "STORE_AGREEMENT"
    DROP_AGREEMENT = "DROP_AGREEMENT"
    COPY = "COPY"
    GRANT_ACCESS = "GRANT_ACCESS"
    TELL_FLOW = "TELL_FLOW"
    NOTIFY_CONTROL_PLANE = "NOTIFY_CONTROL_PLANE"
    NOTIFY_CALLBACK = "NOTIFY_CALLBACK"


# What only the handler can do that holds the secret in its hands; nobody else ever performs it.
HANDLER_ONLY = frozenset({IntentKind.STORE_ADDRESS})
# What runs under a lease (the intent's `not_before`), taken by a commit before it begins.
LEASED = frozenset({IntentKind.COPY})
# What may run longer than a few seconds: the state before it is committed first, so that others see it meanwhile.
LONG_RUNNING = frozenset(
    {IntentKind.START_DATA_FLOW, IntentKind.COPY, IntentKind.VERIFY_DELIVERY, IntentKind.NOTIFY_CALLBACK}
)


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing still to do, with what it needs beyond the names in the document.

    `detail` never holds a secret. `give_up_at` makes it best effort: past that time it is dropped, not failed.
    """

    id: str
    kind: IntentKind
    detail: JsonObject = field(default_factory=dict[str, Json])
    attempt: int = 0
    not_before: datetime | None = None
    give_up_at: datetime | None = None
    last_fault: Fault | None = None

    def is_due(self, now: datetime) -> bool:
        """Whether it may be performed at `now`."""
        return self.not_before is None or self.not_before <= now


@dataclass(frozen=True, slots=True)
class Applied:
    """A peer's message that was applied: its `@id` and the digest of its body."""

    message_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """What happened when: the state that it led to, and the step (1-18) of the decision record where there is one."""

    at: datetime
    state: str
    what: str
    step: int | None = None


@dataclass(frozen=True, slots=True)
class ScheduledLook:
    """The delayed look that is under way for this process: its number (the epoch) and when it is due."""

    epoch: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A document that the engine can move: who it is, where it stands, what it still has to do.

    `due_at` is when the janitor first comes by; `listed_as` is the state that it was settled in before it came alive
    again, under which an index row may still list it. `operation_id` is that of the last commit. `notices` are events
    still to be told to callbacks; they lie apart from the intents, for nothing of the process ever waits for them.
    """

    id: str
    created_at: datetime
    state_at: datetime
    deadline_at: datetime | None = None
    intents: tuple[Intent, ...] = ()
    notices: tuple[Intent, ...] = ()
    inbox: tuple[Applied, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    history_moved: int = 0
    look: ScheduledLook | None = None
    due_at: datetime | None = None
    listed_as: str = ""
    revision: int = 0
    operation_id: str = ""
    error: Fault | None = None
    poisoned: int = 0
    trace_parent: str | None = None

    @property
    def state_name(self) -> str:
        """The state as EDC spells it."""
        raise TypeError("a bare Process has no state")

    @property
    def is_final(self) -> bool:
        """Whether nothing but cleaning up can happen any more."""
        raise TypeError("a bare Process has no state")

    @property
    def is_indexed(self) -> bool:
        """Whether index rows and looks of its own lead to it; one that another process looks after needs none."""
        return True

    @property
    def urgent_at(self) -> datetime | None:
        """When it has to be looked at even while something of it is under way; None where nothing is urgent."""
        return None

    @property
    def is_settled(self) -> bool:
        """Final, and nothing left to do."""
        return self.is_final and not self.intents and not self.notices

    def with_intents(self, *intents: Intent) -> Self:
        """The same process with these intents added at the end."""
        return replace(self, intents=(*self.intents, *intents))

    def without_intent(self, intent_id: str) -> Self:
        """The same process without that intent."""
        return replace(self, intents=tuple(intent for intent in self.intents if intent.id != intent_id))

    def without_kinds(self, *kinds: IntentKind) -> Self:
        """The same process without any intent of these kinds."""
        return replace(self, intents=tuple(intent for intent in self.intents if intent.kind not in kinds))

    def with_retry(self, intent: Intent, fault: Fault, now: datetime, *, limit_seconds: float = 15.0) -> Self:
        """The same process with that intent postponed after a failure, with exponential back-off."""
        pause = backoff(intent.attempt, limit_seconds=limit_seconds)
        later = replace(intent, attempt=intent.attempt + 1, not_before=now + pause, last_fault=fault)
        return replace(self, intents=tuple(later if other.id == intent.id else other for other in self.intents))

    def has_intent(self, kind: IntentKind) -> bool:
        """Whether an intent of this kind is waiting."""
        return any(intent.kind is kind for intent in self.intents)

    def intent(self, intent_id: str) -> Intent | None:
        """The waiting intent of that id."""
        return next((intent for intent in self.intents if intent.id == intent_id), None)

    def noted(self, now: datetime, what: str, step: int | None = None) -> Self:
        """The same process with one more line of history."""
        return replace(self, history=(*self.history, HistoryEntry(now, self.state_name, what, step)))

    def applied(self, message_id: str, digest: str) -> Self:
        """The same process that remembers this message as applied."""
        return replace(self, inbox=(*self.inbox, Applied(message_id, digest))[-INBOX_LIMIT:])

    @property
    def open_intents(self) -> tuple[Intent, ...]:
        """The intents that wait for no other one: messages keep their order, so of them only the first."""
        first = next((intent for intent in self.intents if intent.kind is IntentKind.SEND_MESSAGE), None)
        return tuple(i for i in self.intents if i is first or i.kind is not IntentKind.SEND_MESSAGE)

    @property
    def open_notices(self) -> tuple[Intent, ...]:
        """The notices that wait for no other one: those to one address keep their order."""
        first: dict[str, Intent] = {}
        for notice in self.notices:
            first.setdefault(str(notice.detail.get("uri")), notice)
        return tuple(first.values())

    def notice(self, notice_id: str) -> Intent | None:
        """The waiting notice of that id."""
        return next((notice for notice in self.notices if notice.id == notice_id), None)

    def due_intents(self, now: datetime) -> tuple[Intent, ...]:
        """What may be performed now, in order."""
        return tuple(i for i in self.open_intents if i.is_due(now) and i.kind not in HANDLER_ONLY)


def backoff(attempt: int, *, first_seconds: float = 0.4, limit_seconds: float = 15.0) -> timedelta:
    """How long to wait after the failure of this attempt (0 = the first)."""
    return timedelta(seconds=min(limit_seconds, first_seconds * 2 ** min(attempt, 16)))
