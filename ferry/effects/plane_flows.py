"""What a data plane's flows do outside: make a destination ready, give and take access, fetch, tell (steps 3-12)."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace

from ferry.control_plane.flows import FlowService
from ferry.data_plane.accounts import AccountDirectory
from ferry.data_plane.provisioner import ObjectStorageProvisioner
from ferry.data_plane.read_access import ReadAccess
from ferry.domain.data_address import AZURE_STORAGE_PUSH
from ferry.domain.data_flow import DataFlow
from ferry.domain.decision import FlowReport
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.plane_flow import PlaneFlow, PlaneFlowKind
from ferry.domain.process import Intent, IntentKind, JsonObject
from ferry.domain.states import FlowState
from ferry.effects.remote_data_plane import UNKNOWN_TRIES
from ferry.ports.clock import Clock
from ferry.ports.peer import Peer
from ferry.ports.vault import Vault
from ferry.ports.work import LookMessage, TaskQueue
from ferry.protocol import signaling, signaling_flows, signaling_v1
from ferry.protocol.envelope import WrittenMessage
from ferry.protocol.pull_tokens import HTTP_PULL, PullGrant, new_grant, pull_address, read_grant
from ferry.protocol.sas import parse_sas


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneAddresses:
    """The data addresses that this plane gives out. `pull_url` is where the data of a flow are read over HTTP."""

    vault: Vault
    accounts: AccountDirectory
    clock: Clock
    pull_url: Callable[[str], str]

    def of(self, flow: PlaneFlow) -> WrittenMessage | None:
        """What the other side is told; None where there is nothing to tell. Raises EffectFailed."""
        if not flow.has_secret or flow.is_final:
            return None
        if flow.kind is PlaneFlowKind.RECEIVE:
            return self._destination(flow)
        return self._served(flow) if flow.kind is PlaneFlowKind.SERVE else None

    def grant_of(self, flow: PlaneFlow) -> PullGrant | None:
        """What opens a flow that is read over HTTP; None where it is closed."""
        is_open = flow.kind is PlaneFlowKind.SERVE and flow.transfer_type == HTTP_PULL
        return read_grant(self.vault.get(flow.secret_name)) if is_open and not flow.is_final else None

    def _destination(self, flow: PlaneFlow) -> WrittenMessage | None:
        destination = flow.destination
        if destination is None:
            return None
        stored = self.vault.get(destination.secret_name)
        if stored is None:
            message = f"the SAS of flow {flow.id} is not in the vault any more; have the transfer prepared anew"
            raise EffectFailed.because(FaultCode.SAS_MISSING, message, step=4)
        sas, _ = parse_sas(stored.reveal())
        endpoint = self.accounts.endpoint(destination.account, destination.endpoint)
        return signaling_flows.destination_message(destination, sas, endpoint)

    def _served(self, flow: PlaneFlow) -> WrittenMessage | None:
        if flow.transfer_type == HTTP_PULL:
            grant = self.grant_of(flow)
            return pull_address(grant, flow.id, self.pull_url(flow.id), self.clock.now()) if grant else None
        stored, source = self.vault.get(flow.secret_name), flow.source
        if stored is None or source is None:
            return None
        endpoint = self.accounts.endpoint(source.account, source.endpoint)
        return signaling_flows.source_message(source, stored, endpoint)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaneFlowEffects:
    """The intents of such flows. `flows` copies what is fetched."""

    provisioner: ObjectStorageProvisioner
    access: ReadAccess
    addresses: PlaneAddresses
    vault: Vault
    flows: FlowService
    queue: TaskQueue
    peer: Peer

    def prepare(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Container and SAS."""
        return self.provisioner.prepare(flow, intent)

    def grant(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Let the other side read; what it was given once counts again."""
        del intent
        if flow.source is None:
            return {}
        if flow.transfer_type == HTTP_PULL:
            if self.access.find(flow.source, None) is None and flow.source.blob_name is not None:
                message = (
                    f"blob {flow.source.blob_name!r} of flow {flow.id} does not exist; put it where the asset says"
                )
                raise EffectFailed.because(FaultCode.SOURCE_BLOB_MISSING, message, step=8)
            if read_grant(self.vault.get(flow.secret_name)) is None:
                self.vault.store(flow.secret_name, new_grant().to_secret())
            return {}
        readable = self.access.grant(flow.source, flow.policy_id)
        self.vault.store(flow.secret_name, readable.token.to_secret(), expires_at=readable.expires_at)
        return {}

    def revoke(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Nobody reads or writes by what we gave out, as far as it can be taken back."""
        if flow.destination is not None:
            return self.provisioner.revoke(flow, intent)
        if flow.source is not None and flow.transfer_type != HTTP_PULL:
            self.access.revoke(flow.source, flow.policy_id)
        return {}

    def drop_secret(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """The provider's address, or what opens ours."""
        del intent
        self.vault.delete(flow.secret_name)
        return {}

    def fetch(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Begin the copy from the provider's address; the same one again goes on."""
        del intent
        self._look_at(self.flows.accept(_copy_of(flow)).looks)
        return {}

    def suspend(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Let the copy stand still."""
        del intent
        self.flows.suspend(flow.id, "suspended by the control plane")
        return {}

    def resume(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Let the copy go on."""
        handled = self.flows.resume(flow.id)
        if handled is None:
            return self.fetch(flow, intent)
        self._look_at(handled.looks)
        return {}

    def stop(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """Stop the copy."""
        del intent
        self.flows.terminate(flow.id, "the control plane wants it no more")
        return {}

    def tell(self, flow: PlaneFlow, intent: Intent) -> JsonObject:
        """News for the control plane. Raises EffectFailed (retryable) until it has taken them.

        409 and 5xx say that it is not ready for them, and so may 404 for a while: all are told again.
        """
        news = str(intent.detail.get("news"))
        path, body = self._news(flow, news)
        answer = self.peer.post(f"{flow.callback_address}{path}", body, audience=flow.callback_address)
        if 200 <= answer.status < 300 or (answer.status == 404 and intent.attempt + 1 >= UNKNOWN_TRIES):
            return {}
        message = f"the control plane at {flow.callback_address} answered {answer.status} to {news} of flow {flow.id}"
        retryable = answer.status in (404, 408, 409, 425, 429) or answer.status >= 500
        raise EffectFailed.because(FaultCode.DATA_PLANE_UNAVAILABLE, message, retryable=retryable, step=12)

    def _news(self, flow: PlaneFlow, news: str) -> tuple[str, WrittenMessage]:
        """Where it is told and what: how the flow stands, and once it is ready its address."""
        address = self.addresses.of(flow) if news in ("prepared", "started") else None
        if flow.dialect == signaling_v1.DIALECT:
            return signaling_v1.news_path(flow.id, news), signaling_v1.news_body(news, flow.error, address)
        body = signaling.status_message(flow.id, flow_report(flow), message_id=str(uuid.uuid4()))
        told = body if address is None else {**body, "dataAddress": address}
        return signaling.news_path(flow.id, news), told

    def erase(self, flow: PlaneFlow) -> None:
        """Take away the container that was made for a flow that came to nothing; what was delivered stays."""
        if flow.destination is not None and flow.destination.managed and not self.provisioner.is_delivered(flow):
            self.provisioner.remove(flow, Intent("erase", IntentKind.REMOVE_DESTINATION))

    def _look_at(self, looks: tuple[LookMessage, ...]) -> None:
        for look in looks:
            self.queue.send(look, delay_seconds=0)


def flow_report(flow: PlaneFlow) -> FlowReport:
    """How such a flow stands."""
    return FlowReport(flow.state.value, {}, flow.error)


def _copy_of(flow: PlaneFlow) -> DataFlow:
    """The copy into our own container. Its callback address makes it look after itself; its news come to the flow."""
    if flow.source is None or flow.destination is None:
        raise EffectFailed.because(
            FaultCode.ADDRESS_INVALID, f"flow {flow.id} has no addresses to copy between", step=7
        )
    return DataFlow(
        id=flow.id,
        created_at=flow.created_at,
        state_at=flow.state_at,
        state=FlowState.STARTED,
        agreement_id=flow.agreement_id,
        participant_id=flow.counter_party_id,
        consumer_pid=flow.consumer_pid or flow.id,
        asset_id=flow.asset_id,
        source=replace(flow.source, key_name=flow.secret_name),
        destination=flow.destination,
        transfer_type=AZURE_STORAGE_PUSH,
        callback_address=flow.callback_address,
        fetched=True,
        trace_parent=flow.trace_parent,
    )
