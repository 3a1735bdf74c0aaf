"""Plays the participant's own side of the kit's tests: told of every state by an event, it orders what comes next.

It orders with a delay, because the kit listens for the answer to a message a moment after it has sent it.
"""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ferry.cli.management import CONTEXT, JsonObject, ManagementClient, ManagementError
from tests.tck.plans import PLANS, Order, Step

# Half a second is what the kit needs; its clock begins when it has the answer, ours when the event is out.
DELAY_SECONDS = 0.7
_ALLOWED = [{"action": "use"}]


def later(action: Callable[[], None], what: str) -> None:
    """Do it after the delay; what goes wrong then is told, for the kit will only say that nothing came."""

    def act() -> None:
        try:
            action()
        except ManagementError as error:
            print(f"fixture: {what}: {error}", file=sys.stderr, flush=True)

    timer = threading.Timer(DELAY_SECONDS, act)
    timer.daemon = True
    timer.start()


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of process: the head of its events' names, its resource, and its member that tells the test."""

    events: str
    resource: str
    id_in_event: str
    subject: str


NEGOTIATION = Kind("contract.negotiation", "/contractnegotiations", "contractNegotiationId", "assetId")
TRANSFER = Kind("transfer.process", "/transferprocesses", "transferProcessId", "contractId")


@dataclass(slots=True)
class _Course:
    """How far a process is in its test."""

    subject: str
    steps: list[Step]


@dataclass(slots=True)
class Pilot:
    """Follows the processes of one participant; `finish` has the data plane say that all is read."""

    management: ManagementClient
    finish: Callable[[str], None]
    _courses: dict[str, _Course] = field(default_factory=dict[str, _Course], init=False)
    _seen: set[str] = field(default_factory=set[str], init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def hear(self, event: JsonObject) -> None:
        """Take an event; the same one may come again."""
        kind = TRANSFER if str(event["type"]).startswith("TransferProcess") else NEGOTIATION
        state = str(event["type"]).removeprefix("TransferProcess").removeprefix("ContractNegotiation").lower()
        process_id = str(event["payload"][kind.id_in_event])
        with self._lock:
            if event["id"] in self._seen:
                return
            course = self._course(kind, process_id)
            self._seen.add(str(event["id"]))
            if not course.steps or course.steps[0].on != state:
                return
            order = course.steps.pop(0).order
        self._obey(order, kind, process_id, course.subject)

    def _course(self, kind: Kind, process_id: str) -> _Course:
        if process_id not in self._courses:
            subject = str(self.management.ask("GET", f"{kind.resource}/{process_id}").get(kind.subject))
            # What the data plane begins, it begins by itself.
            steps = [step for step in PLANS.get(subject, ()) if step.order is not Order.START]
            self._courses[process_id] = _Course(subject, steps)
        return self._courses[process_id]

    def _obey(self, order: Order, kind: Kind, process_id: str, subject: str) -> None:
        what = f"{order.value} of {subject}"
        if order is Order.FINISH:
            later(lambda: self.finish(process_id), what)
            return
        body = _body(order, subject)
        later(lambda: self._call(f"{kind.resource}/{process_id}/{order.value}", body), what)

    def _call(self, path: str, body: dict[str, Any]) -> None:
        self.management.call("POST", path, body)


def _body(order: Order, subject: str) -> dict[str, Any]:
    body: dict[str, Any] = {"@context": CONTEXT}
    if order in (Order.OFFER, Order.REQUEST):
        body["policy"] = {"@type": "Offer", "target": subject, "permission": _ALLOWED}
    if order in (Order.TERMINATE, Order.SUSPEND):
        body["reason"] = "so the test's script has it"
    return body
