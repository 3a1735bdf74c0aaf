"""The paths of the Dataspace Protocol, as data: what a sender appends to a base, and what a trigger answers.

A base is the provider's DSP address or the consumer's callback address. (Design: shape; wire.)
"""

from dataclasses import dataclass
from urllib.parse import quote

from ferry.domain.message_kind import MessageKind, Role

VERSION_PATH = "/.well-known/dspace-version"

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
DATASET = Endpoint("GET", "/catalog/datasets/{pid}", _PROVIDER)
NEGOTIATION = Endpoint("GET", "/negotiations/{pid}", _BOTH)
TRANSFER = Endpoint("GET", "/transfers/{pid}", _BOTH)

ENDPOINTS: tuple[Endpoint, ...] = (
    CATALOG_REQUEST,
    DATASET,
    NEGOTIATION,
    _post("/negotiations/request", _PROVIDER, _M.CONTRACT_REQUEST),
    _post("/negotiations/offers", _CONSUMER, _M.CONTRACT_OFFER),
    _post("/negotiations/{pid}/request", _PROVIDER, _M.CONTRACT_REQUEST),
    _post("/negotiations/{pid}/offers", _CONSUMER, _M.CONTRACT_OFFER),
    _post("/negotiations/{pid}/events", _PROVIDER, _M.CONTRACT_ACCEPTED),
    _post("/negotiations/{pid}/events", _CONSUMER, _M.CONTRACT_FINALIZED),
    _post("/negotiations/{pid}/agreement", _CONSUMER, _M.CONTRACT_AGREEMENT),
    _post("/negotiations/{pid}/agreement/verification", _PROVIDER, _M.CONTRACT_VERIFICATION),
    _post("/negotiations/{pid}/termination", _BOTH, _M.CONTRACT_TERMINATION),
    TRANSFER,
    _post("/transfers/request", _PROVIDER, _M.TRANSFER_REQUEST),
    _post("/transfers/{pid}/start", _BOTH, _M.TRANSFER_START),
    _post("/transfers/{pid}/completion", _BOTH, _M.TRANSFER_COMPLETION),
    _post("/transfers/{pid}/suspension", _BOTH, _M.TRANSFER_SUSPENSION),
    _post("/transfers/{pid}/termination", _BOTH, _M.TRANSFER_TERMINATION),
)


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
