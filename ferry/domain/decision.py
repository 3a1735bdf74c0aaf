"""What `decide` is given and what it gives back: tasks, the moment, the decision."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from ferry.domain.data_address import SourceAddress
from ferry.domain.faults import Fault
from ferry.domain.limits import Limits
from ferry.domain.message_kind import MessageKind
from ferry.domain.process import IntentKind, Json, JsonObject, Process
from ferry.domain.secret import Secret


class Ids(Protocol):
    """Where fresh names come from. Given to `decide`, so that a decision can be repeated exactly."""

    def fresh(self) -> str:
        """A new random name: letters, digits and hyphens, fit for a blob container, a secret and a pid."""
        ...


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a decision knows beside the process and the task: the time, fresh ids, the limits."""

    now: datetime
    ids: Ids
    limits: Limits


@dataclass(frozen=True, slots=True)
class Look:
    """Look at the process: is something due, is it too late, is there news? `epoch` None comes from the janitor."""

    epoch: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """An intent was performed; `result` is what it found out (never a secret)."""

    intent_id: str
    kind: IntentKind
    result: JsonObject = field(default_factory=dict[str, Json])


@dataclass(frozen=True, slots=True)
class Failed:
    """An intent could not be performed."""

    intent_id: str
    fault: Fault


@dataclass(frozen=True, slots=True)
class Received:
    """A peer's message: kind, its `@id` (or a digest where it has none), the digest of its body, what it says."""

    kind: MessageKind
    message_id: str
    digest: str
    content: JsonObject = field(default_factory=dict[str, Json])


class CommandKind(StrEnum):
    """What a client can ask of a process."""

    TERMINATE = "terminate"
    DEPROVISION = "deprovision"
    SUSPEND = "suspend"
    RESUME = "resume"
    COMPLETE = "complete"
    START = "start"
    FORGET_ADDRESS = "forget the data address"
    OFFER = "offer"
    REQUEST = "request"
    ACCEPT = "accept"
    AGREE = "agree"
    VERIFY = "verify"
    FINALIZE = "finalize"


@dataclass(frozen=True, slots=True)
class Command:
    """A client's order. `policy`: the rules of an OFFER or a REQUEST; where it has an `@id`, that names the offer.

    `source`: where a flow that a plane fetches is to be read, of a START.
    """

    kind: CommandKind
    reason: str = ""
    policy: JsonObject | None = None
    source: SourceAddress | None = None


class ClaimSource(StrEnum):
    """Who says that the data has arrived. A claim is checked, whoever makes it."""

    TRIGGER = "blob trigger"
    MESSAGE = "completion message"
    LOOK = "scheduled look"


@dataclass(frozen=True, slots=True)
class Claim:
    """News that the marker lies in the container."""

    source: ClaimSource


@dataclass(frozen=True, slots=True)
class FlowReport:
    """What a data plane says of a flow of ours: its state, what was copied, its fault.

    `address` is where a pull is read; it never gets further than from the plane to the vault. `flow_id` is what the
    plane calls the flow, where that is not the id of the process. `progress`: how far it has come.
    """

    state: str
    summary: JsonObject = field(default_factory=dict[str, Json])
    fault: Fault | None = None
    address: Secret | None = field(default=None, repr=False)
    flow_id: str = ""
    progress: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class PageReport:
    """How far a page of a large copy has come, told to its flow; once `is_done`, with what was done in all.

    `has_changes`: blobs were copied at a newer version than the listed one. `fault`: it has failed for good.
    """

    number: int
    blobs: int = 0
    size_bytes: int = 0
    is_done: bool = False
    methods: JsonObject = field(default_factory=dict[str, Json])
    not_kept: JsonObject = field(default_factory=dict[str, Json])
    has_changes: bool = False
    fault: Fault | None = None


@dataclass(frozen=True, slots=True)
class RenewalAsked:
    """The provider of a push asks for an address that lasts longer; `provider_pid` is what it calls the transfer."""

    provider_pid: str


@dataclass(frozen=True, slots=True)
class Poisoned:
    """The message of this process failed too often to be delivered again."""

    fault: Fault


type Task = Look | Done | Failed | Received | Command | Claim | FlowReport | PageReport | RenewalAsked | Poisoned


@dataclass(frozen=True, slots=True)
class Decision[P: Process]:
    """The process as it is to be committed, and why it is unchanged where it is.

    `refused` is set when the task was not allowed in this state: the caller answers 409 and nothing is committed.
    """

    process: P
    refused: str | None = None
