"""A consumer, a provider and the provider's data plane: three apps that speak over one network."""

from dataclasses import dataclass, replace
from typing import Any

from ferry.adapters.memory_peer import Exchange
from ferry.control_plane.consumer_decisions import TransferOrder
from ferry.domain.contracts import Asset
from ferry.domain.data_address import DestinationAddress, SourceAddress
from ferry.domain.data_flow import DataFlow
from ferry.domain.message_kind import Role
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import TransferProcess
from ferry.services import Surface
from ferry.services.memory import MemoryWorld, memory_outside
from tests.unit.control_plane.agreed import agreement
from tests.unit.services.app_host import AppHost, app_host
from tests.world.participants import STARTED_AT, settings_of

PLANE_URL = "http://plane.test/api"


@dataclass(slots=True)
class Planes:
    """Three apps; `plane` belongs to the provider and shares its vault."""

    world: MemoryWorld
    consumer: AppHost
    provider: AppHost
    plane: AppHost

    @property
    def all(self) -> tuple[AppHost, AppHost, AppHost]:
        """Each of them."""
        return self.consumer, self.provider, self.plane

    def start(self, **changes: Any) -> str:
        """Ask for a transfer; the consumer's pid."""
        order = TransferOrder(
            counter_party_id="provider",
            counter_party_address="http://provider.test/api/dsp/2025-1",
            agreement_id="agreement-1",
            asset_id="",
            destination=DestinationAddress("consumerdata"),
            process_id="transfer-1",
        )
        core = self.consumer.app.core
        handled = core.transfers.initiate(replace(order, **changes), inline_seconds=1)
        Emitter(self.consumer).emit(handled.looks)
        return handled.process.id

    def ours(self) -> TransferProcess:
        """The consumer's process."""
        return self.consumer.app.core.transfers.get("transfer-1")

    def theirs(self) -> TransferProcess:
        """The provider's process."""
        return self.provider.app.core.transfers.get(self.ours().provider_pid)

    def flow(self) -> DataFlow | None:
        """The flow, as the plane has it."""
        record = self.plane.outside.flows.load(self.ours().provider_pid)
        return record.document if record else None

    def drain(self, *hosts: AppHost) -> None:
        """Handle what is visible, of these apps or of all."""
        for _ in range(500):
            if not any([host.work_once() for host in hosts or self.all]):
                return
        raise AssertionError("the queues do not come to rest")

    def run(self, seconds: float = 60.0) -> None:
        """Let time pass, and the janitors come by."""
        until = self.world.clock.now().timestamp() + seconds
        while self.world.clock.now().timestamp() < until:
            self.drain()
            self.world.clock.advance(2.0)
            for host in self.all:
                host.emit(host.app.timer())
        self.drain()

    def sent(self, ending: str) -> list[Exchange]:
        """The requests to URLs with that ending."""
        return [exchange for exchange in self.world.network.exchanges if exchange.url.endswith(ending)]


@dataclass(frozen=True, slots=True)
class Emitter:
    """Puts looks on the queue of an app."""

    host: AppHost

    def emit(self, looks: Any) -> None:
        """At once."""
        for look in looks:
            self.host.queue.send(look, delay_seconds=0)


def make_planes(**settings: str) -> Planes:
    """Three apps, keys in their vaults, one agreement over two blobs; the settings are the provider's."""
    world = MemoryWorld()
    consumer = app_host(world, settings_of("consumer"), Surface.CONSUMER_DSP)
    provider_settings = settings_of("provider", FERRY_DATA_PLANE_URL=PLANE_URL, **settings)
    provider = app_host(world, provider_settings, Surface.PROVIDER_DSP, Surface.CONTROL)
    plane_settings = settings_of("provider", FERRY_PUBLIC_URL="http://plane.test", FERRY_ROLES="dataplane", **settings)
    outside = replace(memory_outside(world, "provider"), vault=provider.outside.vault)
    plane = app_host(world, plane_settings, Surface.DATA_PLANE, outside=outside)
    planes = Planes(world, consumer, provider, plane)
    for name, host in (("consumer", consumer), ("provider", provider)):
        key = Secret(f"{name}-key")
        account = world.cloud.add_account(f"{name}data", endpoint=f"https://{name}data.test", key=key)
        host.outside.vault.store(f"{name}data", key)
        role = Role.CONSUMER if name == "consumer" else Role.PROVIDER
        host.outside.agreements.create("agreement-1", agreement(role))
        if role is Role.PROVIDER:
            world.cloud.add_container(account, "source")
            for blob in ("one.txt", "two.txt"):
                world.cloud.add_blob(account, "source", blob, blob.encode())
    address = SourceAddress("providerdata", "source", None, "")
    provider.outside.assets.create("asset-1", Asset("asset-1", STARTED_AT, address))
    return planes
