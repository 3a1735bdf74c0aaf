"""What end-to-end tests do with two participants: put blobs, offer them, agree, transfer, wait, look at the result."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from azure.core.exceptions import ResourceNotFoundError

from ferry.cli.management import ManagementClient, TransferView
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack

SETTLED = ("COMPLETED", "TERMINATED", "DEPROVISIONED")


@dataclass(frozen=True, slots=True)
class Contract:
    """An asset that the consumer has an agreement about; `container` is where its blobs lie at the provider."""

    asset_id: str
    agreement_id: str
    container: str


class Pair:
    """The two participants of a stack. Every name that it makes up is new, so tests can share the stack."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.consumer = ManagementClient(stack.consumer.management_url, stack.consumer.api_key)
        self.provider = ManagementClient(stack.provider.management_url, stack.provider.api_key)
        self.inbox = stack.blobs(CONSUMER)
        self.outbox = stack.blobs(PROVIDER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for client in (self.consumer, self.provider, self.inbox, self.outbox):
            client.close()

    @property
    def provider_url(self) -> str:
        """The provider's DSP base."""
        return self.stack.provider.protocol_url

    def put(self, blobs: Mapping[str, bytes]) -> str:
        """A new container of the provider with these blobs in it."""
        container = f"src-{uuid.uuid4().hex}"
        with self.outbox.create_container(container) as client:
            for name, content in blobs.items():
                client.upload_blob(name, content)
        return container

    def offer(self, container: str, address: Mapping[str, Any] | None = None) -> str:
        """Offer a container's blobs to everybody; the asset's id. `address`: instead of all of them."""
        asset_id = f"asset-{uuid.uuid4().hex}"
        account = self.stack.resources(PROVIDER).data_storage.name
        source = {"account": account, "container": container, **(address or {"blobPrefix": ""})}
        self.provider.create_asset(asset_id, source, {})
        self.provider.create_policy(f"policy-{asset_id}")
        self.provider.create_contract_definition(f"offer-{asset_id}", f"policy-{asset_id}", asset_id)
        return asset_id

    def agree(self, asset_id: str) -> str:
        """Negotiate the offer of an asset; the agreement's id."""
        offers = self.consumer.catalog(self.provider_url, limit=1000)
        offer = next(offer for offer in offers if offer.asset_id == asset_id)
        negotiation_id = self.consumer.negotiate(self.provider_url, offer)
        view = until(
            lambda: self.consumer.negotiation(negotiation_id), lambda view: view.state in ("FINALIZED", "TERMINATED")
        )
        assert view.agreement_id is not None, view
        return view.agreement_id

    def contract(self, blobs: Mapping[str, bytes], address: Mapping[str, Any] | None = None) -> Contract:
        """Blobs at the provider, and the consumer's agreement about them."""
        container = self.put(blobs)
        asset_id = self.offer(container, address)
        return Contract(asset_id, self.agree(asset_id), container)

    def transfer(
        self,
        contract: Contract,
        *,
        managed: bool = True,
        destination: Mapping[str, Any] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> str:
        """Start a transfer; its id at the consumer."""
        account = self.stack.resources(CONSUMER).data_storage.name
        return self.consumer.start_transfer(
            self.provider_url,
            asset_id=contract.asset_id,
            contract_id=contract.agreement_id,
            managed=managed,
            destination=None if destination is None else {"account": account, **destination},
            extra=extra,
        )

    def wait(self, transfer_id: str, *states: str, seconds: float = 30.0) -> TransferView:
        """The consumer's view once it is in one of the states (without any: a final one)."""
        wanted = states or SETTLED
        return until(
            lambda: self.consumer.transfer(transfer_id), lambda view: view.state in wanted, timeout_seconds=seconds
        )

    def wait_provider(self, view: TransferView, *states: str, seconds: float = 30.0) -> TransferView:
        """The provider's view of the same transfer, once it is in one of the states (without any: a final one)."""
        wanted, provider_pid = states or SETTLED, view.correlation_id
        assert provider_pid is not None, view
        return until(
            lambda: self.provider.transfer(provider_pid), lambda theirs: theirs.state in wanted, timeout_seconds=seconds
        )

    def delivered(self, container: str) -> dict[str, bytes]:
        """All blobs of a container of the consumer, markers included; empty where there is no such container."""
        with self.inbox.get_container_client(container) as client:
            try:
                return {name: client.download_blob(name).readall() for name in client.list_blob_names()}
            except ResourceNotFoundError:
                return {}


def until[T](look: Callable[[], T], is_enough: Callable[[T], bool], *, timeout_seconds: float = 30.0) -> T:
    """What `look` gives as soon as it is enough. Fails with the last of it when the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not is_enough(seen := look()):
        assert time.monotonic() < deadline, f"after {timeout_seconds:g} s: {seen}"
        time.sleep(0.05)
    return seen
