"""A consumer and a provider that can die, a client that repeats what was not answered, and time that goes on."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from ferry.adapters.memory_cloud import MemoryCloud, MemoryRequest
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.control_plane.negotiation_decisions import ContractOrder
from ferry.domain.contracts import ContractAgreement
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_address import DestinationAddress
from ferry.domain.decision import Command, CommandKind
from ferry.domain.faults import IllegalTransition
from ferry.domain.message_kind import Role
from ferry.domain.process import Process
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.ports.storage import Account
from ferry.ports.stores import IndexKind
from ferry.services.memory import MemoryWorld, memory_outside
from tests.crash.hosts import Host, Install, documents, every_document, every_row
from tests.crash.points import CrashPlan
from tests.world.participants import STARTED_AT, Pair, offer, settings_of

TRANSFER_ID = "transfer-1"
NEGOTIATION_ID = "negotiation-1"
AGREEMENT_ID = "agreement-1"
JANITOR_SECONDS = 20.0
PATIENCE = timedelta(hours=3)
LIMITS = {
    "FERRY_DEADLINES": json.dumps(
        {**dict.fromkeys(("PREPARATION_REQUESTED", "REQUESTING", "INITIAL", "STARTED"), 150), "SUSPENDED": 3600}
    ),
    "FERRY_DEADLINE_SECONDS": "150",
    "FERRY_NOTIFY_SECONDS": "100",
}
SOURCE = {"data/one.txt": b"one", "data/two.txt": b"two two"}

type Check = Callable[["Stage"], bool]


@dataclass(slots=True)
class Stage:
    """The world of one run. `has_trigger`: whether news of markers reach the consumer's blob trigger."""

    plan: CrashPlan
    install: Install | None = None
    blobs: Mapping[str, bytes] = field(default_factory=lambda: dict(SOURCE))
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    has_trigger: bool = True
    has_plane: bool = False
    world: MemoryWorld = field(default_factory=MemoryWorld)
    hosts: list[Host] = field(default_factory=list[Host])
    snapshots: list[object] = field(default_factory=list[object])
    agreement_id: str = AGREEMENT_ID
    _noticed: set[str] = field(default_factory=set[str])
    _next_tick: datetime = STARTED_AT

    def __post_init__(self) -> None:
        for name in ("consumer", "provider"):
            self._add_host(name)
        if self.has_plane:
            self._add_plane()
        for name in ("consumer", "provider"):
            key = Secret(f"{name}-key")
            self.cloud.add_account(f"{name}data", endpoint=f"https://{name}data.test", key=key)
            self.host(name).outside.vault.store(f"{name}data", key)
        offer(Pair(self.world, self.consumer.app, self.provider.app), self.blobs)
        self._next_tick = self.now + timedelta(seconds=JANITOR_SECONDS)

    # --- who and what there is ----------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The virtual time."""
        return self.world.clock.now()

    @property
    def cloud(self) -> MemoryCloud:
        """All storage accounts."""
        return self.world.cloud

    @property
    def consumer(self) -> Host:
        """The consumer's process."""
        return self.host("consumer")

    @property
    def provider(self) -> Host:
        """The provider's process."""
        return self.host("provider")

    def host(self, name: str) -> Host:
        """The process of that name."""
        return next(host for host in self.hosts if host.name == name)

    def account(self, name: str) -> Account:
        """A storage account of a participant, with its key."""
        return Account(f"{name}data", f"https://{name}data.test", Secret(f"{name}-key"))

    def transfer(self, name: str = "consumer") -> TransferProcess | None:
        """The one transfer of that side, as it lies in its store."""
        return next(iter(documents(self.host(name).outside.transfers)), None)

    def state(self, name: str = "consumer") -> str:
        """The state of that side's transfer; empty where there is none."""
        transfer = self.transfer(name)
        return transfer.state_name if transfer else ""

    # --- what clients do ----------------------------------------------------------------------------------------

    def agree(self) -> None:
        """Put the same agreement into both stores, without negotiating."""
        for host in (self.consumer, self.provider):
            agreement = ContractAgreement(
                id=AGREEMENT_ID,
                created_at=STARTED_AT,
                signed_at=STARTED_AT,
                provider_id="provider",
                consumer_id="consumer",
                asset_id="asset-1",
                policy={},
                negotiation_id=NEGOTIATION_ID,
                role=Role.CONSUMER if host is self.consumer else Role.PROVIDER,
            )
            host.outside.agreements.create(AGREEMENT_ID, agreement)

    def forget_agreement(self, name: str) -> None:
        """Take the agreement out of that side's store."""
        self.host(name).outside.agreements.delete(AGREEMENT_ID)

    def negotiate(self) -> None:
        """Negotiate the agreement, over the wire."""
        dataset = self.provider.app.core.catalog.dataset("consumer", "asset-1")
        assert dataset is not None
        order = ContractOrder(
            process_id=NEGOTIATION_ID,
            counter_party_id="provider",
            counter_party_address=self.provider.settings.dsp_url,
            offer_id=str(dataset.offers[0].id),
            asset_id="asset-1",
            policy={"permission": [{"action": "use"}]},
            request_digest="negotiation",
        )

        def call() -> None:
            app = self.consumer.app
            app.emit(app.core.negotiations.initiate(order, inline_seconds=1).looks)

        self._ask(self.consumer, call)
        self.settle()
        record = self.consumer.outside.negotiations.load(NEGOTIATION_ID)
        assert record is not None and record.document.agreement is not None, record
        self.agreement_id = record.document.agreement.id

    def start(self, **changes: object) -> None:
        """Step 1, repeated under the same id until it is answered."""
        order = TransferOrder(
            counter_party_id="provider",
            counter_party_address=self.provider.settings.dsp_url,
            agreement_id=self.agreement_id,
            asset_id="",
            destination=DestinationAddress("consumerdata"),
            process_id=TRANSFER_ID,
            request_digest="order",
        )
        order = replace(order, **changes)

        def call() -> None:
            app = self.consumer.app
            app.emit(app.core.transfers.initiate(order, inline_seconds=1).looks)

        self._ask(self.consumer, call)

    def command(self, kind: CommandKind, name: str = "consumer") -> None:
        """Terminate or deprovision, repeated until it is answered; a repeated one may find that it is done."""
        attempts = 0

        def call() -> None:
            nonlocal attempts
            attempts += 1
            app, transfer = self.host(name).app, self.transfer(name)
            assert transfer is not None
            try:
                handled = app.core.transfers.command(transfer.id, Command(kind, "asked for"), inline_seconds=1)
            except IllegalTransition:
                if attempts == 1:
                    raise
                return
            app.emit(handled.looks)

        self._ask(self.host(name), call)

    # --- how the world goes on ----------------------------------------------------------------------------------

    def settle(self, until: Check | None = None) -> None:
        """Let the world go on until the check holds, or else until nothing is left to do."""
        give_up_at = self.now + PATIENCE
        while not (until is not None and until(self)):
            if self._pump():
                continue
            unsettled = self._unsettled()
            if not unsettled and not any(host.is_up and host.pending() for host in self.hosts):
                assert until is None, f"at rest as {self.state()}, and still waited for"
                return
            self._pass_time(with_janitors=bool(unsettled))
            if self.now > give_up_at:
                raise AssertionError(f"does not come to rest: {unsettled or 'messages without end'}")

    def pass_time(self, seconds: float) -> None:
        """Let at least so much time pass."""
        until = self.now + timedelta(seconds=seconds)
        while self.now < until:
            if not self._pump():
                self._pass_time()

    def pass_retention(self) -> None:
        """Let a month pass, and the janitors come by at three full hours, when they clear away."""
        hours = int(self.now.timestamp() // 3600) + 31 * 24
        for hour in range(hours, hours + 3):
            self.world.clock.advance_to(datetime.fromtimestamp(hour * 3600, UTC))
            self._next_tick = self.now
            self._pass_time()
            while self._pump():
                pass

    def run_twin_of_provider(self) -> None:
        """A second process of the provider's app looks for work, and does what it finds."""
        provider = self.provider
        twin = Host(
            "provider-2", self.world, provider.settings, provider.outside, self.plan, self.install, is_reachable=False
        )
        twin.tick()
        while twin.work_once():
            pass

    def before_request(self, hook: Callable[[MemoryRequest], None] | None) -> None:
        """Plan a fault of the storage service."""
        self.cloud.before_request = hook

    def _ask(self, host: Host, call: Callable[[], None]) -> None:
        for _ in range(6):
            if host.attempt(call):
                return
            self.world.clock.advance(1.0)
        raise AssertionError(f"{host.name} dies of every call")

    def _pump(self) -> bool:
        """Whatever can happen now happens once; False where nothing can."""
        worked = self._notice_markers()
        for host in self.hosts:
            worked = host.work_once() or worked
        return worked

    def _notice_markers(self) -> bool:
        """Event Grid tells of each new marker until the trigger has taken the news."""
        if not self.has_trigger or not self.consumer.is_up:
            return False
        worked = False
        for (account, name), container in self.cloud.containers().items():
            markers = [blob for blob in container.blobs if blob.endswith(".complete")]
            for path in (f"{name}/{blob}" for blob in markers if account == "consumerdata"):
                if path not in self._noticed:
                    worked = True
                    if self.consumer.notice(path, container.blobs[path.partition("/")[2]].content):
                        self._noticed.add(path)
        return worked

    def _pass_time(self, *, with_janitors: bool = True) -> None:
        """On to the next thing that time brings: a message, or the janitors' timer (where they have work)."""
        visible = [host.app.queue.next_visible_at() for host in self.hosts if host.is_up]
        times = [at for at in visible if at is not None and at > self.now]
        if with_janitors or not times:
            times.append(max(self.now, self._next_tick))
        self.world.clock.advance_to(min(times))
        if self.now >= self._next_tick:
            self._next_tick = self.now + timedelta(seconds=JANITOR_SECONDS)
            for host in self.hosts:
                host.tick()

    def _unsettled(self) -> list[str]:
        """The processes that still have something to do."""
        found: list[str] = []
        for host in (host for host in self.hosts if host.is_up):
            # A flow that nobody looks after by itself is at rest when it is final: its transfer has asked for it.
            left = [it for it in every_document(host) if not (it.is_settled or (it.is_final and not it.is_indexed))]
            left = [it for it in left if not _is_over(host, it)]
            found += [f"{host.name} {it.id} {it.state_name} {[i.kind.value for i in it.intents]}" for it in left]
            # One that died before it was listed is left to the janitor.
            due = {row.process_id for row in every_row(host) if row.kind is IndexKind.DUE}
            found += [
                f"{host.name} {it.id} is not listed" for it in every_document(host) if it.is_settled and it.id in due
            ]
        return found

    def _add_host(self, name: str) -> None:
        changes = {**LIMITS, **self.settings}
        if name == "provider" and self.has_plane:
            changes["FERRY_DATA_PLANE_URL"] = "http://plane.test/api"
        outside = memory_outside(self.world, name)
        self.hosts.append(Host(name, self.world, settings_of(name, **changes), outside, self.plan, self.install))

    def _add_plane(self) -> None:
        """The provider's data plane in an app of its own: its own stores and queue, the same vault."""
        changes = {"FERRY_PUBLIC_URL": "http://plane.test", "FERRY_ROLES": "dataplane"}
        settings = settings_of("provider", **self.settings, **changes, FERRY_DEADLINES=LIMITS["FERRY_DEADLINES"])
        outside = replace(memory_outside(self.world, "provider"), vault=self.provider.outside.vault)
        self.hosts.append(Host("plane", self.world, settings, outside, self.plan, self.install))


def _is_over(host: Host, process: Process) -> bool:
    """Whether it is a page of a flow that has ended: nobody is to copy it any more, and it leaves with its flow."""
    if not isinstance(process, CopyPage):
        return False
    record = host.outside.flows.load(process.flow_id)
    return record is None or record.document.is_final
