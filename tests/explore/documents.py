"""Processes in canonical form: times and fresh names are made abstract, so that equal situations are equal objects.

A document is interned under a key; every decision is made once for a key and a task, and remembered. The explorer then
moves small tuples about, and the product's own `decide` has still said what each of them means.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ferry.control_plane import consumer_decisions, provider_decisions, steps
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Decision, Limits, Moment, Task
from ferry.domain.process import Intent, IntentKind, Role
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FAR = NOW + timedelta(days=400)

type Decide = Callable[[TransferProcess, Task, Moment], Decision[TransferProcess]]


class _Ids:
    def __init__(self) -> None:
        self._numbers = itertools.count()

    def fresh(self) -> str:
        return f"fresh-{next(self._numbers)}"


def moment(now: datetime = NOW) -> Moment:
    """A moment with names that the canonical form replaces."""
    return Moment(now, _Ids(), Limits())


def _canonical_intent(intent: Intent, numbers: dict[str, int]) -> Intent:
    """An intent named by what it is; a retried one is `later`, which is all that its time says."""
    name = steps.message_of(intent) or intent.kind.value
    numbers[name] = numbers.get(name, 0) + 1
    detail = dict(intent.detail)
    if "messageId" in detail:
        detail["messageId"] = f"id of {name}"
    return replace(
        intent,
        id=f"{name}#{numbers[name]}",
        detail=detail,
        attempt=0,
        not_before=LATER if intent.not_before is not None else None,
        give_up_at=FAR if intent.give_up_at is not None else None,
        last_fault=None,
    )


def _canonical(process: TransferProcess) -> TransferProcess:
    numbers: dict[str, int] = {}
    intents = tuple(_canonical_intent(it, numbers) for it in process.intents)
    ends = tuple(it for it in process.history if it.state in ("COMPLETED", "TERMINATED", "DEPROVISIONED"))
    entered: dict[str, int] = {}
    for entry in ends:
        if _is_entry(entry.what):
            entered[entry.state] = entered.get(entry.state, 0) + 1
    return replace(
        process,
        intents=intents,
        state_at=NOW,
        deadline_at=LATER if process.deadline_at is not None else None,
        error=replace(process.error, message="") if process.error else None,
        history=tuple(it for it in ends if _is_entry(it.what)),
        look=None,
        poisoned=0,
        revision=0,
        operation_id="",
    )


def _is_entry(what: str) -> bool:
    """Whether a line of history says that a final state was entered, not what was cleaned up in it."""
    return not what.startswith("SAS revoked")


def _key(process: TransferProcess) -> tuple[object, ...]:
    intents = tuple(
        (it.id, it.not_before is not None, "sweep" in it.detail, it.detail.get("claim")) for it in process.intents
    )
    ends = tuple(sorted(it.state for it in process.history))
    inbox = tuple(sorted(it.message_id for it in process.inbox))
    code = process.error.code if process.error else None
    known = process.correlation_id is not None
    return process.role, process.state, intents, ends, inbox, code, known, process.verification


@dataclass(slots=True)
class Documents:
    """All documents met so far, by number; 0 stands for none. `decisions`: what each side decides.

    `writes_blindly` is a seeded defect: commits are not conditional.
    """

    decisions: Mapping[Role, Decide]
    writes_blindly: bool = False
    known: list[TransferProcess | None] = field(default_factory=lambda: [None])
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    _decided: dict[tuple[int, str, object], tuple[int, bool]] = field(
        default_factory=dict[tuple[int, str, object], tuple[int, bool]]
    )

    def intern(self, process: TransferProcess) -> int:
        """The number of a document."""
        canonical = _canonical(process)
        key = _key(canonical)
        number = self._numbers.get(key)
        if number is None:
            number = len(self.known)
            self._numbers[key] = number
            self.known.append(canonical)
        return number

    def at(self, number: int) -> TransferProcess:
        """The document of that number; there must be one."""
        process = self.known[number]
        assert process is not None
        return process

    def decide(self, number: int, name: str, task: Task, *, now: datetime = NOW) -> tuple[int, bool]:
        """The document after a task, and whether it was refused. `name` tells equal tasks apart from others."""
        key = (number, name, now)
        found = self._decided.get(key)
        if found is None:
            process = self.at(number)
            decision = self.decisions[process.role](process, task, moment(now))
            found = (self.intern(decision.process), decision.refused is not None)
            self._decided[key] = found
        return found


def real_decisions() -> dict[Role, Decide]:
    """What the product decides."""
    return {Role.CONSUMER: consumer_decisions.decide, Role.PROVIDER: provider_decisions.decide}


def new_consumer() -> TransferProcess:
    """A transfer that a client has just asked for."""
    order = TransferOrder(
        counter_party_id="provider",
        counter_party_address="https://provider.test",
        agreement_id="agreement",
        asset_id="asset",
        destination=DestinationAddress("consumerdata"),
        process_id="consumer-pid",
    )
    return consumer_decisions.initiate(order, moment())


def new_provider() -> TransferProcess:
    """The same transfer as the provider meets it."""
    demand = TransferDemand(
        process_id="provider-pid",
        consumer_pid="consumer-pid",
        counter_party_id="consumer",
        callback_address="https://consumer.test",
        agreement_id="agreement",
        asset_id="asset",
        source=SourceAddress("providerdata", "source", None, ""),
        destination=DestinationAddress("consumerdata", "ferry-consumer-pid"),
        request_digest="digest",
    )
    return provider_decisions.accept(demand, moment())


def performable(process: TransferProcess) -> list[Intent]:
    """Intents that somebody may perform now or some time later; of messages only the first."""
    found: list[Intent] = []
    sending = False
    for intent in process.intents:
        is_message = intent.kind is IntentKind.SEND_MESSAGE
        if not (is_message and sending) and intent.kind is not IntentKind.STORE_ADDRESS:
            found.append(intent)
        sending = sending or is_message
    return found
