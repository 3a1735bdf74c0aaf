"""A consumer with an agreement over some blobs of a provider: what pictures and examples begin with."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack

_BLOBS = {f"reports/{number:02}.csv": b"a,b\n" * 256 for number in range(12)}
_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Agreed:
    """An asset of the provider, and the agreement over it."""

    asset_id: str
    agreement_id: str


def client_of(stack: LocalStack, name: str, headers: Mapping[str, str] | None = None) -> ManagementClient:
    """A client of a participant's management API."""
    participant = stack.participant(name)
    return ManagementClient(participant.management_url, participant.api_key, headers=headers)


def agree(stack: LocalStack) -> Agreed:
    """Offer twelve small blobs as asset `reports`, and negotiate. Raises TimeoutError."""
    source = f"src-{uuid.uuid4().hex}"
    with stack.blobs(PROVIDER) as outbox, outbox.create_container(source) as container:
        for name, content in _BLOBS.items():
            container.upload_blob(name, content)
    with client_of(stack, PROVIDER) as provider:
        account = stack.resources(PROVIDER).data_storage.name
        provider.create_asset("reports", {"account": account, "container": source, "blobPrefix": ""}, {})
        provider.create_policy("everybody")
        provider.create_contract_definition("offer", "everybody", "reports")
    with client_of(stack, CONSUMER) as consumer:
        offer = consumer.catalog(stack.provider.protocol_url)[0]
        negotiation = consumer.negotiate(stack.provider.protocol_url, offer)
        until = time.monotonic() + _PATIENCE_SECONDS
        while (view := consumer.negotiation(negotiation)).agreement_id is None:
            if time.monotonic() > until:
                raise TimeoutError(f"the negotiation stands at {view.state}")
            time.sleep(0.1)
        return Agreed(offer.asset_id, view.agreement_id)
