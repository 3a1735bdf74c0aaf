"""Processes in canonical form: times and fresh names are made abstract, so that equal situations are equal objects.

A document is interned under a key; every decision is made once for a key and a task, and remembered. The explorer then
moves small tuples about, and the product's own `decide` has still said what each of them means.
"""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from ferry.control_plane import consumer_decisions, provider_decisions, steps
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.provider_decisions import TransferDemand
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.decision import Decision, Limits, Moment, Task
from ferry.domain.message_kind import Role
from ferry.domain.process import HistoryEntry, Intent, IntentKind
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
FAR = NOW + timedelta(days=400)
_NAMED = "id of "
_TURNS = ("suspension asked for", "suspended by the other side", "resumption asked for", "resumed by", "turned")
_TURN = HistoryEntry(NOW, "", "turned")


class Decided(NamedTuple):
    """The document after a task, and whether it was refused.

    `renamed`: what the intents of before are called in it; one that is not among them has left.
    """

    number: int
    is_refused: bool
    renamed: Mapping[str, str]


type Decide = Callable[[TransferProcess, Task, Moment], Decision[TransferProcess]]


class _Ids:
    def __init__(self) -> None:
        self._numbers = itertools.count()

    def fresh(self) -> str:
        return f"fresh-{next(self._numbers)}"


def moment(now: datetime = NOW) -> Moment:
    """A moment with names that the canonical form replaces."""
    return Moment(now, _Ids(), Limits())


def _canonical_intent(intent: Intent, numbers: dict[str, int], turns: int) -> Intent:
    """An intent named by what it is. Of times only a sweep's is kept: a retry may come at any time.

    A message keeps the id that it got first; after each pause there are new ones.
    """
    name = steps.message_of(intent) or intent.kind.value
    numbers[name] = numbers.get(name, 0) + 1
    detail = dict(intent.detail)
    if not str(detail.get("messageId", _NAMED)).startswith(_NAMED):
        detail["messageId"] = f"{_NAMED}{name} {turns}"
    return replace(
        intent,
        id=f"{name}#{numbers[name]}",
        detail=detail,
        # That there was an attempt before is all that a decision asks for, and only of this one.
        attempt=min(intent.attempt, 1) if intent.kind is IntentKind.PREPARE_DESTINATION else 0,
        not_before=LATER if "sweep" in intent.detail else None,
        give_up_at=FAR if intent.give_up_at is not None else None,
        last_fault=None,
    )


def turns_of(process: TransferProcess) -> int:
    """How often it was suspended or resumed."""
    return sum(it.what.startswith(_TURNS) for it in process.history)


def _canonical(process: TransferProcess) -> TransferProcess:
    numbers: dict[str, int] = {}
    turns = turns_of(process)
    ends = tuple(it for it in process.history if it.state in ("COMPLETED", "TERMINATED", "DEPROVISIONED"))
    return replace(
        process,
        intents=tuple(_canonical_intent(it, numbers, turns) for it in process.intents),
        state_at=NOW,
        deadline_at=LATER if process.deadline_at is not None else None,
        error=replace(process.error, message="") if process.error else None,
        history=(*(it for it in ends if _is_entry(it.what)), *[_TURN] * turns),
        look=None,
        poisoned=0,
        revision=0,
        operation_id="",
    )


def _is_entry(what: str) -> bool:
    """Whether a line of history says that a final state was entered, not what was cleaned up in it."""
    return not what.startswith(("SAS revoked", "given up"))


def _key(process: TransferProcess) -> tuple[object, ...]:
    intents = tuple(
        (it.id, "sweep" in it.detail, it.detail.get("claim"), it.attempt, it.give_up_at) for it in process.intents
    )
    ends = tuple(sorted(f"{it.state} {it.what == _TURN.what}" for it in process.history))
    inbox = tuple(sorted(it.message_id for it in process.inbox))
    code = process.error.code if process.error else None
    known = process.correlation_id is not None
    untouched = process.destination is not None and process.destination.untouched
    return process.role, process.state, intents, ends, inbox, code, known, process.verification, untouched


@dataclass(slots=True)
class Documents:
    """All documents met so far, by number; 0 stands for none. `decisions`: what each side decides.

    `writes_blindly` is a seeded defect: commits are not conditional. `pauses`: clients suspend and resume. `legal`:
    transitions that were found good.
    """

    decisions: Mapping[Role, Decide]
    writes_blindly: bool = False
    pauses: bool = False
    legal: set[tuple[int, int]] = field(default_factory=set[tuple[int, int]])
    known: list[TransferProcess | None] = field(default_factory=lambda: [None])
    _numbers: dict[tuple[object, ...], int] = field(default_factory=dict[tuple[object, ...], int])
    _decided: dict[tuple[int, str, datetime], Decided] = field(default_factory=dict[tuple[int, str, datetime], Decided])

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

    def decided(self, number: int, name: str) -> Decided | None:
        """What became of a document by that task, where it is known already."""
        return self._decided.get((number, name, NOW))

    def decide(self, number: int, name: str, task: Task, *, now: datetime = NOW) -> Decided:
        """What becomes of a document. `name` tells equal tasks apart from others."""
        key = (number, name, now)
        found = self._decided.get(key)
        if found is None:
            process = self.at(number)
            decision = self.decisions[process.role](process, task, moment(now))
            after = self.intern(decision.process)
            names = zip(decision.process.intents, self.at(after).intents, strict=True)
            known = {it.id for it in process.intents}
            renamed = {old.id: new.id for old, new in names if old.id in known}
            found = Decided(after, decision.refused is not None, renamed)
            self._decided[key] = found
        return found


def real_decisions() -> dict[Role, Decide]:
    """What the product decides."""
    return {Role.CONSUMER: consumer_decisions.decide, Role.PROVIDER: provider_decisions.decide}


def order() -> TransferOrder:
    """What a client asks for."""
    return TransferOrder(
        counter_party_id="provider",
        counter_party_address="https://provider.test",
        agreement_id="agreement",
        asset_id="asset",
        destination=DestinationAddress("consumerdata"),
        process_id="consumer-pid",
    )


def new_consumer() -> TransferProcess:
    """A transfer that a client has just asked for."""
    return consumer_decisions.initiate(order(), moment())


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
