"""The paths of the Dataspace Protocol, as data: what a sender appends to a base, and what a trigger answers.

A base is the provider's DSP address or the consumer's callback address. (Design: shape; wire.)
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from ferry.domain.message_kind import MessageKind, Role

VERSION_PATH = "/.well-known/dspace-version"
# The consumer's callback address below its DSP base.
CALLBACK_PATH = "/consumer"

_CONSUMER = frozenset({Role.CONSUMER})
_PROVIDER = frozenset({Role.PROVIDER})
_BOTH = _CONSUMER | _PROVIDER


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: method, path (`{pid}` is the answering side's own id), who answers it, and what it takes."""

    method: str
    path: str
    served_by: frozenset[Role]
    kinds: frozenset[MessageKind] = frozenset()

    @property
    def has_pid(self) -> bool:
        """Whether the path names a process."""
        return "{pid}" in self.path


def _post(path: str, served_by: frozenset[Role], *kinds: MessageKind) -> Endpoint:
    return Endpoint("POST", path, served_by, frozenset(kinds))


_M = MessageKind

CATALOG_REQUEST = _post("/catalog/request", _PROVIDER)
CATALOG_PAGE = Endpoint("GET", "/catalog/request", _PROVIDER)
DATASET = Endpoint("GET", "/catalog/datasets/{pid}", _PROVIDER)
NEGOTIATION = Endpoint("GET", "/negotiations/{pid}", _BOTH)
NEGOTIATION_REQUEST = _post("/negotiations/request", _PROVIDER, _M.CONTRACT_REQUEST)
OFFERS = _post("/negotiations/offers", _CONSUMER, _M.CONTRACT_OFFER)
EVENTS = _post("/negotiations/{pid}/events", _PROVIDER, _M.CONTRACT_ACCEPTED)
NEGOTIATION_TERMINATION = _post("/negotiations/{pid}/termination", _BOTH, _M.CONTRACT_TERMINATION)
TRANSFER_REQUEST = _post("/transfers/request", _PROVIDER, _M.TRANSFER_REQUEST)
TRANSFER = Endpoint("GET", "/transfers/{pid}", _BOTH)
# Ours, and not the protocol's: an address that lasts longer, and how far a transfer has come.
EXTENSION_PATH = "/ferry"
ADDRESS = _post(f"{EXTENSION_PATH}/transfers/{{pid}}/address", _CONSUMER)
PROGRESS = Endpoint("GET", f"{EXTENSION_PATH}/transfers/{{pid}}/progress", _PROVIDER)

ENDPOINTS: tuple[Endpoint, ...] = (
    CATALOG_REQUEST,
    CATALOG_PAGE,
    DATASET,
    NEGOTIATION,
    NEGOTIATION_REQUEST,
    OFFERS,
    _post("/negotiations/{pid}/request", _PROVIDER, _M.CONTRACT_REQUEST),
    _post("/negotiations/{pid}/offers", _CONSUMER, _M.CONTRACT_OFFER),
    EVENTS,
    _post("/negotiations/{pid}/events", _CONSUMER, _M.CONTRACT_FINALIZED),
    _post("/negotiations/{pid}/agreement", _CONSUMER, _M.CONTRACT_AGREEMENT),
    _post("/negotiations/{pid}/agreement/verification", _PROVIDER, _M.CONTRACT_VERIFICATION),
    NEGOTIATION_TERMINATION,
    TRANSFER,
    TRANSFER_REQUEST,
    _post("/transfers/{pid}/start", _BOTH, _M.TRANSFER_START),
    _post("/transfers/{pid}/completion", _BOTH, _M.TRANSFER_COMPLETION),
    _post("/transfers/{pid}/suspension", _BOTH, _M.TRANSFER_SUSPENSION),
    _post("/transfers/{pid}/termination", _BOTH, _M.TRANSFER_TERMINATION),
    ADDRESS,
    PROGRESS,
)

_EITHER_AT_BASE = frozenset({NEGOTIATION, EVENTS, NEGOTIATION_TERMINATION})
_OFFERED_AT_BASE = frozenset({"/negotiations/offers", "/negotiations/{pid}/offers", "/negotiations/{pid}/agreement"})
_AT_BASE = frozenset(it for it in ENDPOINTS if Role.PROVIDER in it.served_by or it.path in _OFFERED_AT_BASE)


@dataclass(frozen=True, slots=True)
class ServedEndpoint:
    """An endpoint as a participant answers it, below its DSP base. `role` None: the side that the pid belongs to."""

    endpoint: Endpoint
    role: Role | None
    path: str

    @property
    def is_callback(self) -> bool:
        """Whether it stands below the consumer's callback address."""
        return self.path.startswith(f"{CALLBACK_PATH}/")

    @property
    def name(self) -> str:
        """A name for its function."""
        side = self.role.value.lower() if self.role else "shared"
        if self.role is Role.CONSUMER and not self.is_callback:
            side = "consumer_base"
        return re.sub(r"\W+", "_", f"{side}_dsp_{self.endpoint.method.lower()}{self.endpoint.path}").strip("_")


def served_endpoints() -> tuple[ServedEndpoint, ...]:
    """Everything that a participant answers.

    The consumer's side has an address of its own, so that each path has one role. But a provider that begins a
    negotiation knows our DSP base alone: it finds the consumer's side there as well, and what both roles answer under
    one path is for the side that the pid belongs to.
    """
    callbacks = [
        ServedEndpoint(it, Role.CONSUMER, CALLBACK_PATH + it.path)
        for it in ENDPOINTS
        if Role.CONSUMER in it.served_by and it != OFFERS
    ]
    return (*callbacks, *(_at_base(it) for it in ENDPOINTS if it in _AT_BASE))


def _at_base(endpoint: Endpoint) -> ServedEndpoint:
    if endpoint not in _EITHER_AT_BASE:
        role = Role.PROVIDER if Role.PROVIDER in endpoint.served_by else Role.CONSUMER
        return ServedEndpoint(endpoint, role, endpoint.path)
    same = [it.kinds for it in ENDPOINTS if (it.method, it.path) == (endpoint.method, endpoint.path)]
    merged = Endpoint(endpoint.method, endpoint.path, _BOTH, frozenset[MessageKind]().union(*same))
    return ServedEndpoint(merged, None, endpoint.path)


def endpoint_for(kind: MessageKind, *, begins: bool = False) -> Endpoint:
    """The endpoint that takes a message; `begins`: the other side has no process for it yet."""
    found = [endpoint for endpoint in ENDPOINTS if kind in endpoint.kinds]
    return next((endpoint for endpoint in found if endpoint.has_pid is not begins), found[0])


def message_url(base: str, kind: MessageKind, pid: str | None) -> str:
    """Where a message goes: `pid` is the receiver's own id of the process; None begins one."""
    return url(base, endpoint_for(kind, begins=pid is None), pid)


def url(base: str, endpoint: Endpoint, pid: str | None = None) -> str:
    """An endpoint below a base. Raises ValueError where the path needs an id and there is none."""
    if endpoint.has_pid and not pid:
        raise ValueError(f"{endpoint.path} needs the id that the other side gave the process")
    return base.rstrip("/") + endpoint.path.replace("{pid}", quote(pid or "", safe=":"))


def is_base(address: str) -> bool:
    """Whether paths can be appended to the address: it has no query, no fragment and no user."""
    return not set("?#@\\") & set(address)
