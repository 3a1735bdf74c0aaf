"""docs/reference/states.md: the states of transfers, negotiations and flows, and what may arrive in each."""

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum

from ferry.domain import states
from ferry.domain.message_kind import MessageKind, Role
from ferry.settings import read_settings
from tools.reference.markdown import code, page, table
from tools.reference.transitions import (
    FLOW_EDGES,
    NEGOTIATION_BEGINS,
    PUSH_BEGINS,
    PUSH_EDGES,
    Edges,
    negotiation_edges,
    push_edges,
)

_INTRO = """Names and numbers are EDC's. *DSP shows* is what the other side is told by `GET …/transfers/{pid}` and
`…/negotiations/{pid}`. *Given up after* is how long a process may stay in a state before it ends with the last
failure, or `DEADLINE_EXCEEDED`; `FERRY_DEADLINES` sets it for each state, `FERRY_DEADLINE_SECONDS` for all others.

A message *is applied* in the states of the first table: it changes the process. *Tells nothing new* are the states
in which it is answered like the first time and changes nothing. In every other state it is refused with 409.
Messages may overtake one another, so some are applied earlier than a drawing would have it."""

_PUSH = """Left out of the drawings: every state before the end leads to `TERMINATED` (a fault, the other side, a
client, the deadline), and every state of the consumer's leads to `DEPROVISIONING`, also before the end."""
_PULL = """A pull has no destination to prepare: the consumer begins with `REQUESTING`, the provider with
`STARTING`. It is complete when either client or the data plane says so; `COMPLETING` is then a message under way."""
_FLOW = """Of the participant's own data plane. A flow of a data plane that serves another connector has
`PREPARING`, `PREPARED` and `STARTING` before `STARTED`."""

_TALKS = "Left out of the drawings: every state before the end leads to `TERMINATED`."


def states_page() -> str:
    """The page."""
    return page("States", _INTRO, _lines())


def _lines() -> Iterator[str]:
    yield from ("## Transfer", "")
    rows = [
        _row(it, states.TRANSFER_CODES[it], states.TRANSFER_DSP[it], over=it in states.TRANSFER_FINAL)
        for it in states.TransferState
    ]
    yield from table(("state", "number", "DSP shows", "given up after"), rows)
    yield from (_PUSH, "")
    for role in Role:
        yield from (f"### Push, the {role.value.lower()}'s side", "")
        yield from _drawing(_with_clean_up(role), PUSH_BEGINS[role])
        yield from _following(push_edges(role))
        yield from _arrivals(states.PUSH_ACCEPTS[role], states.PUSH_KNOWN[role], states.TransferState)
    yield from ("### Pull", "", _PULL, "")
    for role in Role:
        yield from (f"The {role.value.lower()}'s side:", "")
        yield from _arrivals(states.PULL_ACCEPTS[role], states.PULL_KNOWN[role], states.TransferState)
    yield from _negotiation()
    yield from ("## Data flow", "", _FLOW, "")
    yield from _drawing(FLOW_EDGES, (states.FlowState.STARTED,))
    yield from _following(FLOW_EDGES)
    ends = ", ".join(code(it.value) for it in states.FlowState if it in states.FLOW_FINAL)
    yield f"Final: {ends}. A flow that has not moved for {_given_up('DATA_FLOW')} is given up."


def _negotiation() -> Iterator[str]:
    yield from ("## Negotiation", "")
    yield from (_TALKS, "")
    rows = [
        _row(it, states.NEGOTIATION_CODES[it], states.NEGOTIATION_DSP[it], over=it in states.NEGOTIATION_FINAL)
        for it in states.NegotiationState
    ]
    yield from table(("state", "number", "DSP shows", "given up after"), rows)
    for role in Role:
        yield from (f"### The {role.value.lower()}'s side", "")
        edges = negotiation_edges(role)
        drawn = {state: tuple(it for it in to if it.value != "TERMINATED") for state, to in edges.items()}
        yield from _drawing(drawn, NEGOTIATION_BEGINS[role])
        yield from _following(edges)
        orders = [
            (code(kind.value), _names(allowed, states.NegotiationState))
            for kind, allowed in states.NEGOTIATION_ORDERS[role].items()
        ]
        yield from table(("order (policies decide, or with `FERRY_NEGOTIATION=manual` a client)", "in"), orders)
        yield from _arrivals(states.NEGOTIATION_ACCEPTS[role], states.NEGOTIATION_KNOWN[role], edges)


def _row(state: StrEnum, number: int, shown: str, *, over: bool) -> tuple[str, ...]:
    return code(state.value), str(number), code(shown), "final" if over else _given_up(state.value)


def _given_up(state: str) -> str:
    if state == "DEPROVISIONING":
        return "never: clean-up is tried again until it is done"
    seconds = read_settings(
        {
            "FERRY_PARTICIPANT_ID": "p",
            "FERRY_PUBLIC_URL": "https://p.example.org",
            "FERRY_VAULT_URL": "https://v.example.org",
            "FERRY_API_KEY": "-",
            "FERRY_ALLOW_LOOPBACK": "true",
        }
    ).limits.of_state(state)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def _with_clean_up(role: Role) -> Edges[states.TransferState]:
    """What is drawn: without the steps that every state has."""
    drawn = dict(PUSH_EDGES[role])
    if role is Role.CONSUMER:
        drawn |= dict.fromkeys(
            (states.TransferState.COMPLETED, states.TransferState.TERMINATED), (states.TransferState.DEPROVISIONING,)
        )
    return drawn


def _drawing[S: StrEnum](edges: Edges[S], begins: Iterable[S]) -> Iterator[str]:
    yield "```mermaid"
    yield "stateDiagram-v2"
    for state in begins:
        yield f"    [*] --> {state.value}"
    for state, following in edges.items():
        for after in following:
            yield f"    {state.value} --> {after.value}"
    yield from ("```", "")


def _following[S: StrEnum](edges: Edges[S]) -> Iterator[str]:
    rows = [
        (code(state.value), ", ".join(code(it.value) for it in following) or "(the end)")
        for state, following in edges.items()
    ]
    yield from table(("from", "to"), rows)


def _arrivals[S: StrEnum](
    applied: Mapping[MessageKind, frozenset[S]], known: Mapping[MessageKind, frozenset[S]], order: Iterable[S]
) -> Iterator[str]:
    every = list(order)
    rows = [
        (code(kind.value), _names(applied.get(kind, frozenset()), every), _names(known.get(kind, frozenset()), every))
        for kind in MessageKind
        if kind in applied or kind in known
    ]
    yield from table(("message", "is applied in", "tells nothing new in"), rows)


def _names[S: StrEnum](wanted: frozenset[S], order: Iterable[S]) -> str:
    return ", ".join(code(it.value) for it in order if it in wanted)
