"""What every message that we write has in common: the context, the type, an id; and how an answer of a peer is read.

Each is written as 2025-1 wants it: `@context` is a list with the protocol's context alone, and nothing is null.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ferry.domain.message_kind import MessageKind
from ferry.domain.process import Json, JsonObject
from ferry.protocol.faults import code_text, reason_texts
from ferry.protocol.reader import objects_in, read
from ferry.protocol.schema import check
from ferry.protocol.terms import DSP_CONTEXT

type WrittenMessage = dict[str, Json]

EVENT_TYPE = "ContractNegotiationEventMessage"


@dataclass(frozen=True, slots=True)
class PeerProcess:
    """A process as the other side shows it; `state` is a short term, such as `REQUESTED`."""

    consumer_pid: str
    provider_pid: str
    state: str


@dataclass(frozen=True, slots=True)
class PeerError:
    """What a peer says of a refusal; both empty where the body says nothing."""

    code: str
    reasons: tuple[str, ...]


def type_name(kind: MessageKind) -> str:
    """The `@type` of a kind of message."""
    return kind.value.partition(":")[0]


def written(type_of: str, fields: Mapping[str, Json], *, message_id: str | None = None) -> WrittenMessage:
    """A message with context, id and type; what is None or empty is left out."""
    said = {key: value for key, value in fields.items() if value is not None and value not in ("", [])}
    head: WrittenMessage = {"@context": [DSP_CONTEXT]}
    if message_id is not None:
        head["@id"] = message_id
    return {**head, "@type": type_of, **said}


def read_process(body: Json) -> PeerProcess:
    """A ContractNegotiation or TransferProcess, as requests are answered. Raises InvalidInput with every fault."""
    message = read(body)
    wanted = "ContractNegotiation" if message.get("@type") == "ContractNegotiation" else "TransferProcess"
    check(wanted, message)
    return PeerProcess(str(message["consumerPid"]), str(message["providerPid"]), str(message["state"]))


def read_error(body: Json) -> PeerError:
    """Code and reasons of an error of whatever shape: the protocol's, or EDC's list of `message`s."""
    wrapped = body if isinstance(body, Mapping) else {"reason": body}
    message = read(wrapped)
    said = message.get("reason", message.get("message"))
    return PeerError(code_text(message.get("code")), tuple(reason_texts(said)))


def error_body(type_of: str, status: int, reasons: list[str], pids: JsonObject) -> WrittenMessage:
    """An error; the code is the HTTP status."""
    return written(type_of, {**pids, "code": str(status), "reason": reasons or ["no reason was given"]})


def catalog_error(status: int, reasons: list[str]) -> WrittenMessage:
    """A CatalogError."""
    return error_body("CatalogError", status, reasons, {})


def negotiation_error(
    status: int, reasons: list[str], *, consumer_pid: str | None = None, provider_pid: str | None = None
) -> WrittenMessage:
    """A ContractNegotiationError; 2025-1 wants both pids, so they are left out only where nobody knows them."""
    return error_body(
        "ContractNegotiationError", status, reasons, {"consumerPid": consumer_pid, "providerPid": provider_pid}
    )


def transfer_error(
    status: int, reasons: list[str], *, consumer_pid: str | None = None, provider_pid: str | None = None
) -> WrittenMessage:
    """A TransferError; 2025-1 wants both pids, so they are left out only where nobody knows them."""
    return error_body("TransferError", status, reasons, {"consumerPid": consumer_pid, "providerPid": provider_pid})


def version_response(path: str = "/2025-1") -> JsonObject:
    """The versions that we speak: one. `path` is below the protocol's root."""
    return {"protocolVersions": [{"version": "2025-1", "path": path, "binding": "HTTPS"}]}


def read_versions(body: Json) -> Mapping[str, str]:
    """Version -> path of a peer's version response. Raises InvalidInput with every fault."""
    message = read(body)
    check("VersionResponse", message)
    return {str(entry["version"]): str(entry["path"]) for entry in objects_in(message["protocolVersions"])}
