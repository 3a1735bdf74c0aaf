"""A consumer's data plane in another app: has it prepare a flow, and tells it how the transfer goes on."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.message_kind import Role
from ferry.domain.process import Intent, JsonObject
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.flows import FlowController, result_of
from ferry.effects.remote_data_plane import RemoteDataPlane
from ferry.ports.vault import Vault
from ferry.protocol.data_addresses import told_address

type Perform = Callable[[TransferProcess, Intent], JsonObject]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFlows:
    """The consumer's hand on such a plane. `callback_address` is where it tells its news."""

    plane_of: Callable[[str | None], RemoteDataPlane]
    vault: Vault
    callback_address: str

    def prepare(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Have it prepared; the address for the provider, of a push, lies in our vault when this returns."""
        del intent
        report = self.plane_of(process.data_plane).prepare(process, self.callback_address)
        result = dict(result_of(report))
        if report.address is not None and not process.is_pull and process.address_secret is not None:
            self.vault.store(process.address_secret, report.address)
            result["address"] = True
        return result

    def started(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """The provider has started; of a pull, here is where the data are."""
        del intent
        address: JsonObject | None = None
        if process.is_pull and process.has_address and process.address_secret is not None:
            kept = self.vault.get(process.address_secret)
            if kept is None:
                message = f"the data address of transfer {process.id} is not in the vault any more; start it again"
                raise EffectFailed.because(FaultCode.SAS_MISSING, message, step=7)
            address = told_address(kept)
        self.plane_of(process.data_plane).started(_flow_id(process), address)
        return {}

    def check(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """How it stands; an empty result where the plane does not know it."""
        del intent
        report = self.plane_of(process.data_plane).status(_flow_id(process))
        return result_of(report) if report else {}

    def suspend(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Let it stand still."""
        del intent
        self.plane_of(process.data_plane).suspend(_flow_id(process), "the transfer is suspended")
        return {}

    def resume(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Let it go on."""
        del intent
        self.plane_of(process.data_plane).resume_prepared(_flow_id(process))
        return {}


@dataclass(frozen=True, slots=True)
class ByRole:
    """What is done to a flow, on the provider's side or on the consumer's."""

    provider: FlowController
    consumer: PreparedFlows

    def start(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Start it, or say that it has started."""
        return self._of(process, self.provider.start, self.consumer.started)(process, intent)

    def check(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """How it stands."""
        return self._of(process, self.provider.check, self.consumer.check)(process, intent)

    def suspend(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Let it stand still."""
        return self._of(process, self.provider.suspend, self.consumer.suspend)(process, intent)

    def resume(self, process: TransferProcess, intent: Intent) -> JsonObject:
        """Let it go on."""
        return self._of(process, self.provider.resume, self.consumer.resume)(process, intent)

    def _of(self, process: TransferProcess, provider: Perform, consumer: Perform) -> Perform:
        return consumer if process.role is Role.CONSUMER else provider


def _flow_id(process: TransferProcess) -> str:
    return process.data_flow_id or process.id
