"""How a run has ended: everything that must be the same whether or not somebody died on the way."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from ferry.adapters.memory_storage import MemoryBlobWriter
from ferry.adapters.memory_vault import MemoryVault
from ferry.control_plane import index
from ferry.domain.codec import to_json
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed
from ferry.domain.message_kind import Role
from ferry.domain.process import Json
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.copying import BlobTarget
from ferry.ports.stores import IndexKind
from tests.crash.hosts import Host, documents, every_document, every_row
from tests.crash.stage import Stage

FINAL = frozenset({"COMPLETED", "TERMINATED", "DEPROVISIONING", "DEPROVISIONED"})


@dataclass(frozen=True, slots=True)
class SideEnding:
    """What one process of an app has left: states with causes, the lines of history since the end, names."""

    transfers: tuple[object, ...]
    negotiations: tuple[str, ...]
    agreements: int
    flows: int
    secrets: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ContainerEnding:
    """A container: whose it is, how many stored access policies it has, SHA-256 by blob (the marker: its blobs)."""

    account: str
    name: str
    owner: str
    policies: int
    blobs: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return (
            f"{self.account}/{self.name} ({self.policies} policies) {[f'{name}={sha[:6]}' for name, sha in self.blobs]}"
        )


@dataclass(frozen=True, slots=True)
class Ending:
    """Both sides and the cloud."""

    sides: tuple[tuple[str, SideEnding], ...]
    containers: tuple[ContainerEnding, ...]
    live_sas: int


def ending_of(stage: Stage, *, leave_out: str = "") -> Ending:
    """How it stands now. `leave_out`: the side whose own end may be this or that."""
    return Ending(
        sides=tuple((host.name, _side(host)) for host in stage.hosts if host.name != leave_out),
        containers=_containers(stage),
        live_sas=sum(_is_accepted(stage, *sent) for sent in _sent_sas(stage)),
    )


def untidy(ending: Ending) -> list[str]:
    """What must never be, whatever the play: live SAS, policies, secrets but account keys, data lost or damaged."""
    found = [f"{ending.live_sas} live SAS"] if ending.live_sas else []
    found += [f"policies are left on {it}" for it in ending.containers if it.policies]
    ours = [it.name for it in ending.containers if it.owner]
    found += [f"{len(ours)} containers: {ours}"] if len(ours) > 1 else []
    delivered = {sha for it in ending.containers if it.account == "consumerdata" for _, sha in it.blobs}
    sources = {sha for it in ending.containers if it.account == "providerdata" for _, sha in it.blobs}
    for name, side in ending.sides:
        found += [f"{name}: {fault}" for fault in side.faults]
        found += [f"{name} keeps secret {secret}" for secret in side.secrets if not secret.endswith("data")]
        if name == "consumer" and any("'COMPLETED'" in repr(it).partition(",")[0] for it in side.transfers):
            found += ["data is missing or damaged"] if not sources <= delivered else []
    return found


def _side(host: Host) -> SideEnding:
    transfers, flows = documents(host.outside.transfers), documents(host.outside.flows)
    completed = any(it.state_name == "COMPLETED" or it.verification for it in transfers)
    return SideEnding(
        transfers=tuple(_transfer(host, it) for it in transfers),
        negotiations=tuple(it.state_name for it in documents(host.outside.negotiations)),
        agreements=sum(1 for _ in host.outside.agreements.all()),
        # How far a flow had come when the transfer was ended is a matter of moments.
        flows=len(flows) if completed else 0,
        secrets=secret_names(host),
        faults=(*_misplaced_rows(host), *_doubles(transfers, flows), *_orphans(host, flows)),
    )


def secret_names(host: Host) -> tuple[str, ...]:
    """What lies in the vault."""
    vault = host.outside.vault
    assert isinstance(vault, MemoryVault)
    return tuple(vault.names())


def _doubles(transfers: Sequence[TransferProcess], flows: Sequence[DataFlow]) -> list[str]:
    """More than one of what there may be one of, or one that goes on after its end."""
    faults = [f"{len(them)} {name}" for name, them in (("transfers", transfers), ("flows", flows)) if len(them) > 1]
    return [*faults, *(f"flow {it.id} is {it.state_name}" for it in flows if not it.is_final)]


def _orphans(host: Host, flows: Sequence[DataFlow]) -> list[str]:
    """Pages and lists of flows that are not there any more."""
    known = {it.id for it in flows}
    pages = {it.flow_id for it in documents(host.outside.pages)} - known
    lists = set(host.outside.manifests.flows()) - known
    return [*(f"pages of {it} are left" for it in pages), *(f"lists of {it} are left" for it in lists)]


def _transfer(host: Host, transfer: TransferProcess) -> object:
    """State, cause, and each line of history since the end; what was delivered, for the side that has verified it."""
    lines = [*host.outside.transfers.history(transfer.id), *(to_json(line) for line in transfer.history)]
    code = transfer.error.code if transfer.error else None
    ended = [(str(line["state"]), str(line["what"]).partition(":")[0]) for line in lines if line["state"] in FINAL]
    # Whether the other side could still be told is a matter of moments.
    since_end = [it for it in ended if it[1] != "given up"]
    if transfer.role is Role.PROVIDER:
        # It learns of the end in more than one way, but it ends once.
        return transfer.state_name, code, tuple(state for state, _ in since_end)
    delivered = {key: transfer.delivered.get(key) for key in ("blobs", "bytes")} if transfer.delivered else None
    return transfer.state_name, code, transfer.verification, str(delivered), tuple(since_end)


def _misplaced_rows(host: Host) -> list[str]:
    """Settled processes that are not listed as they should be. A stale row does no harm: it is passed over."""
    faults: list[str] = []
    rows = every_row(host)
    for process in (it for it in every_document(host) if it.is_indexed and it.is_settled):
        true = [row for row in rows if row.process_id == process.id and not index.is_stale(row, process)]
        kinds = sorted(row.kind.value for row in true)
        if kinds != sorted([IndexKind.ALL.value, IndexKind.STATE.value]):
            faults.append(f"{process.id} is listed {kinds}")
    return faults


def _containers(stage: Stage) -> tuple[ContainerEnding, ...]:
    found: list[ContainerEnding] = []
    for (account, name), container in stage.cloud.containers().items():
        shown = {name: hashlib.sha256(blob.content).hexdigest() for name, blob in container.blobs.items()}
        # The manifest names pids and agreement, which are other ones when the negotiation was.
        shown |= {name: "marker" for name in shown if name.endswith(".complete")}
        owner = container.metadata.get("ferry_process", "")
        found.append(ContainerEnding(account, name, owner, len(container.policies), tuple(sorted(shown.items()))))
    return tuple(sorted(found, key=lambda it: (it.account, it.name)))


def _sent_sas(stage: Stage) -> set[tuple[str, str]]:
    """Every SAS that went over the wire, with its container."""
    sent: set[tuple[str, str]] = set()
    for exchange in stage.world.network.exchanges:
        if exchange.body is not None and exchange.url.endswith("/transfers/request"):
            texts = _texts(exchange.body)
            container = next((text for text in texts if text.startswith(("ferry-", "shared"))), "")
            sent |= {(container, text) for text in texts if "sig=" in text}
    return sent


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    return [text for item in value for text in _texts(item)] if isinstance(value, list) else []


def _is_accepted(stage: Stage, container: str, sas: str) -> bool:
    """Whether a SAS that was captured on the wire still opens anything."""
    target = BlobTarget("https://consumerdata.test", container, "intruder", Secret(sas))
    hook, stage.cloud.before_request = stage.cloud.before_request, None
    try:
        MemoryBlobWriter(stage.cloud).put_bytes(target, b"x", "text/plain")
    except EffectFailed:
        return False
    finally:
        stage.cloud.before_request = hook
    stage.cloud.containers()["consumerdata", container].blobs.pop("intruder")
    return True
