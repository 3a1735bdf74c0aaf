"""Events: what is told of a process that enters a state, and whom it is told (names and members are EDC's).

A `CallbackAddress` comes with an order, or stands in the settings for every process. It names a header and the vault
alias of its value, never the value. (Design: one document per process; secrets and trust.)
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.json_value import Json, JsonObject

URI_LIMIT = 2048
ADDRESS_LIMIT = 10
PREFIX_LIMIT = 20
# Secrets that Ferry makes for a transfer have such names; they are nobody's header.
OWN_ALIAS_PREFIX = "ferry-"

_ALIAS = re.compile(r"[0-9A-Za-z-]{1,127}")
_HEADER = re.compile(r"[0-9A-Za-z!#$%&'*+.^_`|~-]{1,100}")
_PREFIX = re.compile(r"[A-Za-z.*]{0,100}")
# Headers that say how a message is sent, or who sends it: they are the connection's own.
_CONNECTION = frozenset(
    {"host", "connection", "content-length", "content-type", "transfer-encoding", "upgrade", "te", "trailer", "expect"}
)
_MEMBERS = frozenset({"@type", "uri", "events", "transactional", "authKey", "authCodeId"})


@dataclass(frozen=True, slots=True)
class Event:
    """An event's name, by which it is asked for, and the type in its envelope."""

    name: str
    type: str


def _table(prefix: str, kind: str, by_state: Mapping[str, str]) -> dict[str, Event]:
    return {
        state: Event(f"{prefix}.{word}", kind + (_TYPE_OF_WORD.get(word) or word[0].upper() + word[1:]))
        for state, word in by_state.items()
    }


_TYPE_OF_WORD = {"resuming": "Resumed"}

# By the kind of a process, then by the state that is entered. EDC tells nothing of the states that are not here.
EVENTS: dict[str, dict[str, Event]] = {
    "ContractNegotiation": _table(
        "contract.negotiation",
        "ContractNegotiation",
        {
            state: state.lower()
            for state in ("REQUESTED", "OFFERED", "ACCEPTED", "AGREED", "VERIFIED", "FINALIZED", "TERMINATED")
        },
    ),
    "TransferProcess": _table(
        "transfer.process",
        "TransferProcess",
        {
            "INITIAL": "initiated",
            "PREPARATION_REQUESTED": "preparationRequested",
            "REQUESTING": "prepared",
            "REQUESTED": "requested",
            "STARTED": "started",
            "SUSPENDED": "suspended",
            "RESUMING": "resuming",
            "COMPLETED": "completed",
            "TERMINATED": "terminated",
            "DEPROVISIONING": "deprovisioningRequested",
            "DEPROVISIONED": "deprovisioned",
        },
    ),
}
# How far a transfer has come: no state, so it comes as often as there is news. EDC has none.
PROGRESS = Event("transfer.process.progress", "TransferProcessProgress")
_INITIATED = Event("contract.negotiation.initiated", "ContractNegotiationInitiated")
# The states in which a negotiation of our own begins.
_BEGINNINGS = frozenset({"REQUESTING", "OFFERING"})


def event_of(kind: str, state: str, *, begins: bool) -> Event | None:
    """The event of a process of that kind that enters the state; `begins`: as its first one."""
    if begins and kind == "ContractNegotiation" and state in _BEGINNINGS:
        return _INITIATED
    return EVENTS.get(kind, {}).get(state)


def read_callback(raw: JsonObject, path: str) -> CallbackAddress:
    """A callback address as EDC's clients give it. Raises InvalidInput with every fault; no address is resolved."""
    faults = tuple(InputFault(f"{path}.{member}", what) for member, what in _faults(raw))
    if faults:
        raise InvalidInput(faults)
    return CallbackAddress(
        uri=str(raw["uri"]),
        events=tuple(str(item) for item in _listed(raw.get("events"))),
        transactional=raw.get("transactional") is True,
        auth_key=_text(raw, "authKey"),
        auth_code_id=_text(raw, "authCodeId"),
    )


def shown_callback(address: CallbackAddress) -> dict[str, Json]:
    """The address as it is shown: as it was given."""
    optional = {"authKey": address.auth_key, "authCodeId": address.auth_code_id}
    return {
        "uri": address.uri,
        "events": list(address.events),
        "transactional": address.transactional,
        **{name: value for name, value in optional.items() if value is not None},
    }


def _faults(raw: JsonObject) -> Iterator[tuple[str, str]]:
    for unknown in sorted(raw.keys() - _MEMBERS):
        yield unknown[:100], "is no member of a callback address"
    uri, events = raw.get("uri"), _listed(raw.get("events"))
    if not isinstance(uri, str) or not uri.lower().startswith(("http://", "https://")) or len(uri) > URI_LIMIT:
        yield "uri", f"must be an http(s) URL of at most {URI_LIMIT} characters"
    if not events or len(events) > PREFIX_LIMIT or not all(isinstance(e, str) and _PREFIX.fullmatch(e) for e in events):
        yield "events", f"must list 1 to {PREFIX_LIMIT} prefixes of names of events, such as transfer.process"
    if raw.get("transactional") not in (None, True, False):
        yield "transactional", "must be true or false"
    yield from _header_faults(raw)


def _header_faults(raw: JsonObject) -> Iterator[tuple[str, str]]:
    header, alias = raw.get("authKey"), raw.get("authCodeId")
    if (header is None) != (alias is None):
        yield "authCodeId", "belongs to authKey: a header and the vault alias of its value, both or neither"
    if header is not None and not (isinstance(header, str) and _HEADER.fullmatch(header)):
        yield "authKey", "must be the name of a header"
    elif isinstance(header, str) and header.lower() in _CONNECTION:
        yield "authKey", "is a header of the connection itself"
    if alias is not None and not (isinstance(alias, str) and _ALIAS.fullmatch(alias)):
        yield "authCodeId", "must be the name of a secret: 1 to 127 letters, digits and hyphens"
    elif isinstance(alias, str) and alias.lower().startswith(OWN_ALIAS_PREFIX):
        yield "authCodeId", f"must not begin with {OWN_ALIAS_PREFIX}: such secrets belong to transfers"


def _listed(value: Json) -> list[Json]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _text(raw: JsonObject, name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) else None
