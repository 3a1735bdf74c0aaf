"""The happy path and every failure path, as plays that can be interrupted anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.control_plane.transfers import provider_pid_of
from ferry.data_plane.manifest import DeliveryTally
from ferry.domain.data_address import DestinationAddress
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.decision import CommandKind
from ferry.domain.process import JsonObject
from ferry.domain.secret import Secret
from ferry.ports.peer import PeerAnswer
from ferry.ports.storage_failure import StorageFailed, StorageProblem
from tests.crash.ending import ending_of
from tests.crash.stage import SOURCE, TRANSFER_ID, Stage
from tests.world.participants import STARTED_AT

SHARED = "shared"
READER = "http://reader.test/dataflows"
SERVER_COPIES = ("Put Blob From URL", "Copy Blob From URL")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A play, the world that it needs, and what the consumer shows at each note: state and code.

    `repeats`: after so many times the same effect says nothing new (a play that waits for a deadline repeats a lot).
    """

    name: str
    play: Callable[[Stage], None]
    expected: tuple[str, ...]
    has_trigger: bool = True
    has_plane: bool = False
    blobs: Mapping[str, bytes] = field(default_factory=lambda: dict(SOURCE))
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    repeats: int = 8

    def __str__(self) -> str:
        return self.name


def note(stage: Stage, leave_out: str = "") -> None:
    """Remember how it stands."""
    stage.snapshots.append(ending_of(stage, leave_out=leave_out))


# --- building blocks ------------------------------------------------------------------------------------------------


def deprovision(stage: Stage) -> None:
    """Steps 16-18, and how it stands then."""
    stage.command(CommandKind.DEPROVISION)
    stage.settle()


def end(stage: Stage, leave_out: str = "") -> None:
    """Let the transfer come to its end, note it, deprovision, note it."""
    stage.settle()
    note(stage, leave_out)
    deprovision(stage)
    note(stage, leave_out)


def block_source(stage: Stage) -> None:
    """The provider's storage does not answer: a copy cannot get on, and does not fail either."""

    def hook(request: MemoryRequest) -> None:
        if request.account == "providerdata":
            raise StorageFailed(StorageProblem.UNAVAILABLE, "the source does not answer; it is retried")

    stage.before_request(hook)


def start_and_block(stage: Stage, state: str = "STARTED", side: str = "consumer") -> None:
    """A transfer that has come to that state and stays there."""
    stage.agree()
    block_source(stage)
    stage.start()
    stage.settle(lambda it: it.state(side) == state)


def on_copy(stage: Stage, act: Callable[[], None], blob_name: str = "data/two.txt") -> None:
    """Do something while that blob is being copied, each time."""

    def hook(request: MemoryRequest) -> None:
        if request.operation in SERVER_COPIES and request.blob_name.endswith(blob_name):
            act()

    stage.before_request(hook)


# --- the plays ------------------------------------------------------------------------------------------------------


def happy(stage: Stage) -> None:
    stage.negotiate()
    stage.start()
    end(stage)


def retention(stage: Stage) -> None:
    stage.agree()
    stage.start()
    stage.settle()
    deprovision(stage)
    stage.pass_retention()
    note(stage)


def retention_of_failure(stage: Stage) -> None:
    """Nobody deprovisions what has failed: it is done when its time is over."""
    stage.agree()
    empty_source(stage)
    stage.start()
    stage.settle()
    stage.pass_retention()
    stage.settle()
    stage.pass_retention()
    note(stage)


def unheard_completion(stage: Stage) -> None:
    stage.agree()
    stage.consumer.deaf_to = ("/completion",)
    stage.start()
    end(stage)


def remote_plane(stage: Stage) -> None:
    stage.agree()
    stage.start()
    end(stage)


def unmanaged(stage: Stage) -> None:
    share(stage)
    stage.start(managed=False, destination=DestinationAddress("consumerdata", SHARED, "in/"))
    end(stage)


def unmanaged_failure(stage: Stage) -> None:
    share(stage)
    empty_source(stage)
    stage.start(managed=False, destination=DestinationAddress("consumerdata", SHARED, "in/"))
    end(stage)


def share(stage: Stage) -> None:
    stage.agree()
    stage.cloud.add_container(stage.account("consumer"), SHARED)
    stage.cloud.add_blob(stage.account("consumer"), SHARED, "bystander.txt", b"not yours")


def empty_source(stage: Stage) -> None:
    stage.cloud.accounts["https://providerdata.test"].containers["source"].blobs.clear()


def source_missing(stage: Stage) -> None:
    stage.agree()
    empty_source(stage)
    stage.start()
    end(stage)


def source_key_missing(stage: Stage) -> None:
    stage.agree()
    stage.provider.outside.vault.delete("providerdata")
    stage.start()
    end(stage)


def destination_key_missing(stage: Stage) -> None:
    stage.agree()
    stage.consumer.outside.vault.delete("consumerdata")
    stage.start()
    stage.settle(lambda it: it.state() == "TERMINATED")
    stage.pass_time(60)
    note(stage)
    # Whether a policy is left cannot be known without the key, so it is looked for until the key is there again.
    stage.consumer.outside.vault.store("consumerdata", Secret("consumer-key"))
    stage.settle()
    deprovision(stage)
    note(stage)


def refused(stage: Stage) -> None:
    stage.agree()
    stage.forget_agreement("provider")
    stage.start()
    end(stage)


def client_terminates(stage: Stage) -> None:
    start_and_block(stage)
    stage.command(CommandKind.TERMINATE)
    end(stage)


def provider_terminates(stage: Stage) -> None:
    start_and_block(stage, "STARTED", "provider")
    stage.command(CommandKind.TERMINATE, "provider")
    end(stage)


def paused(suspends: str, resumes: str) -> Callable[[Stage], None]:
    """A copy that cannot get on is suspended, and resumed when the source is there again."""

    def play(stage: Stage) -> None:
        start_and_block(stage, "STARTED", "provider")
        stage.settle(lambda it: it.state() == "STARTED")
        suspend(stage, suspends)
        stage.before_request(None)
        stage.command(CommandKind.RESUME, resumes)
        end(stage)

    return play


def renewed(stage: Stage) -> None:
    """A pause that lasts longer than the SAS that it began with."""
    stage.agree()
    block_source(stage)
    stage.start(sas_seconds=300)
    stage.settle(lambda it: it.state() == it.state("provider") == "STARTED")
    suspend(stage, "provider")
    first = _sas_end(stage, "provider")
    stage.settle(lambda it: _sas_end(it, "provider") > first)
    stage.before_request(None)
    stage.command(CommandKind.RESUME)
    end(stage)


def ended_while_renewed(stage: Stage) -> None:
    """The provider's client ends it in the middle of a renewal, each time that the consumer extends its policy."""
    stage.agree()
    block_source(stage)
    stage.start(sas_seconds=300)
    stage.settle(lambda it: it.state() == it.state("provider") == "STARTED")
    suspend(stage, "provider")

    def hook(request: MemoryRequest) -> None:
        if request.operation == "Set Container ACL" and stage.state("provider") == "SUSPENDED":
            stage.command(CommandKind.TERMINATE, "provider")

    stage.before_request(hook)
    end(stage)


def _sas_end(stage: Stage, name: str) -> datetime:
    transfer = stage.transfer(name)
    ends_at = transfer.destination.sas_expires_at if transfer and transfer.destination else None
    assert ends_at is not None, f"{name} knows no end of its SAS"
    return ends_at


def suspend(stage: Stage, side: str) -> None:
    """Suspended on both sides."""
    stage.command(CommandKind.SUSPEND, side)
    stage.settle(lambda it: it.state() == it.state("provider") == "SUSPENDED")


def ended_while_suspended(stage: Stage) -> None:
    start_and_block(stage, "STARTED", "provider")
    suspend(stage, "provider")
    stage.command(CommandKind.TERMINATE)
    end(stage)


def pull(stage: Stage) -> None:
    """The consumer's client reads from the address of a data plane that is no part of the play, pauses, and is done."""
    start_pull(stage)
    suspend(stage, "consumer")
    stage.command(CommandKind.RESUME)
    stage.settle(lambda it: it.state() == it.state("provider") == "STARTED")
    stage.command(CommandKind.COMPLETE)
    stage.settle()
    deprovision(stage)
    note(stage)


def terminated_pull(stage: Stage) -> None:
    start_pull(stage)
    stage.command(CommandKind.TERMINATE, "provider")
    end(stage)


def start_pull(stage: Stage) -> None:
    """A pull whose address both sides keep."""
    stage.agree()
    plane = DataPlaneInstance("reader", STARTED_AT, STARTED_AT, READER, ("HttpData-PULL",))
    stage.provider.outside.data_planes.create(plane.id, plane)
    stage.world.network.attach(READER, _reader)
    stage.start(transfer_type="HttpData-PULL", destination=None)
    stage.settle(lambda it: it.state() == it.state("provider") == "STARTED")


def _reader(method: str, url: str, headers: Mapping[str, str], body: JsonObject | None) -> PeerAnswer:
    """The data plane: it is always ready."""
    del method, url, headers, body
    address = {"@type": "DataAddress", "endpointType": "HttpData", "endpoint": "http://reader.test/data"}
    return PeerAnswer(200, {"dataFlowId": "flow-1", "state": "STARTED", "dataAddress": address})


def container_deleted(stage: Stage) -> None:
    stage.agree()
    containers = stage.cloud.accounts["https://consumerdata.test"].containers
    on_copy(stage, lambda: containers.pop(f"ferry-{TRANSFER_ID}", None) and None)
    stage.start()
    end(stage)


def sas_refused(stage: Stage) -> None:
    stage.agree()

    def revoke() -> None:
        for container in stage.cloud.containers().values():
            container.policies = {}

    on_copy(stage, revoke, "data/one.txt")
    stage.start()
    end(stage)


def peer_gone(stage: Stage) -> None:
    start_and_block(stage)
    stage.provider.go_away()
    end(stage, "provider")


def peer_never_there(stage: Stage) -> None:
    stage.agree()
    stage.provider.go_away()
    stage.start()
    end(stage)


def forged_marker(stage: Stage) -> None:
    start_and_block(stage)
    tally = DeliveryTally()
    tally.add("data/one.txt", 3)
    provider_pid = provider_pid_of("consumer", TRANSFER_ID)
    manifest = tally.manifest(consumer_pid=TRANSFER_ID, provider_pid=provider_pid, agreement_id=stage.agreement_id)
    stage.cloud.add_blob(stage.account("consumer"), f"ferry-{TRANSFER_ID}", ".complete", manifest.encode())
    end(stage)


def damaged_delivery(stage: Stage) -> None:
    stage.agree()

    def hook(request: MemoryRequest) -> None:
        if request.blob_name == ".complete" and request.operation == "Put Blob":
            stage.cloud.add_blob(stage.account("consumer"), request.container, "data/one.txt", b"something else")

    stage.before_request(hook)
    stage.start()
    # Whether the provider hears of it before or after its own COMPLETED is a matter of moments.
    end(stage, "provider")


def deprovision_during_copy(stage: Stage) -> None:
    stage.agree()
    is_done = False

    def act() -> None:
        nonlocal is_done
        if not is_done:
            stage.command(CommandKind.DEPROVISION)
            is_done = True

    on_copy(stage, act)
    stage.start()
    end(stage)


def stalled_copy(stage: Stage) -> None:
    """A copy stands still for longer than its lease; another process takes over, comes halfway, and the first wakes."""
    stage.agree()
    has_stalled = has_failed = False

    def hook(request: MemoryRequest) -> None:
        nonlocal has_stalled, has_failed
        if request.operation in SERVER_COPIES and not has_stalled:
            has_stalled = True
            stage.world.clock.advance(20)
            stage.run_twin_of_provider()
        elif request.operation == "Put Blob From URL" and request.blob_name == "data/two.txt" and not has_failed:
            has_failed = True
            raise StorageFailed(StorageProblem.UNAVAILABLE, "the destination does not answer; it is retried")

    stage.before_request(hook)
    stage.start()
    end(stage)


def _fails(name: str, play: Callable[[Stage], None], code: str) -> Scenario:
    return Scenario(name, play, (f"TERMINATED {code}", f"DEPROVISIONED {code}"))


_COMPLETES = ("COMPLETED", "DEPROVISIONED")


SCENARIOS: tuple[Scenario, ...] = (
    Scenario("happy path", happy, _COMPLETES),
    Scenario("happy path without trigger", happy, _COMPLETES, has_trigger=False),
    Scenario("retention", retention, ("",)),
    Scenario("retention of a failed transfer", retention_of_failure, ("",)),
    Scenario("completion message never heard", unheard_completion, _COMPLETES),
    Scenario("neither message nor trigger", unheard_completion, _COMPLETES, has_trigger=False),
    Scenario("data plane in another app", remote_plane, _COMPLETES, has_plane=True),
    Scenario("unmanaged container with a bystander", unmanaged, _COMPLETES),
    Scenario("stalled copy", stalled_copy, _COMPLETES),
    Scenario("suspended and resumed by the consumer", paused("consumer", "consumer"), _COMPLETES),
    Scenario("suspended by the provider, resumed by the consumer", paused("provider", "consumer"), _COMPLETES),
    Scenario("suspended by the consumer, resumed by the provider", paused("consumer", "provider"), _COMPLETES),
    Scenario("suspended at a data plane in another app", paused("provider", "provider"), _COMPLETES, has_plane=True),
    Scenario("renewed while suspended", renewed, _COMPLETES),
    Scenario("pull", pull, ("DEPROVISIONED",)),
    _fails("terminated while it is renewed", ended_while_renewed, "TERMINATED_BY_CLIENT"),
    _fails("terminated while suspended", ended_while_suspended, "TERMINATED_BY_CLIENT"),
    _fails("terminated pull", terminated_pull, "TERMINATED_BY_CLIENT"),
    _fails("unmanaged container, failure", unmanaged_failure, "SOURCE_BLOB_MISSING"),
    _fails("source blob missing", source_missing, "SOURCE_BLOB_MISSING"),
    _fails("source key missing", source_key_missing, "SOURCE_KEY_MISSING"),
    _fails("destination key missing", destination_key_missing, "DESTINATION_KEY_MISSING"),
    _fails("provider refuses", refused, "AGREEMENT_UNKNOWN"),
    _fails("client terminates", client_terminates, "TERMINATED_BY_CLIENT"),
    _fails("provider terminates", provider_terminates, "TERMINATED_BY_CLIENT"),
    _fails("container deleted during the copy", container_deleted, "DESTINATION_GONE"),
    _fails("SAS refused", sas_refused, "SAS_REFUSED"),
    _fails("provider gone for good", peer_gone, "DEADLINE_EXCEEDED"),
    _fails("provider never there", peer_never_there, "PEER_UNREACHABLE"),
    _fails("forged marker", forged_marker, "VERIFICATION_FAILED"),
    _fails("damaged delivery", damaged_delivery, "VERIFICATION_FAILED"),
    Scenario("deprovisioned during the copy", deprovision_during_copy, ("DEPROVISIONED DEPROVISIONED_BY_CLIENT",) * 2),
)
