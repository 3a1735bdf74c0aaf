"""What is moved: a few assets of a few blobs each at the provider, with an agreement for each, made before any kill."""

import hashlib
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass

from ferry.cli.blob_checks import create_container
from ferry.cli.management import ManagementClient
from ferry.cli.stack import PROVIDER, LocalStack

ASSETS = 3
_SIZES_BYTES = (0, 1, 1024, 70_000, 300_000)
_AGREEMENT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Offered:
    """An asset under an agreement; `digests` are the SHA-256 of its blobs by name."""

    asset_id: str
    agreement_id: str
    digests: Mapping[str, str]


def offer_all(stack: LocalStack, consumer: ManagementClient, provider: ManagementClient, *, seed: int) -> list[Offered]:
    """Put the blobs, define the offers, negotiate."""
    provider.create_policy("everybody")
    offered: list[Offered] = []
    for number in range(ASSETS):
        asset_id, container = f"asset-{number}", f"source-{number}"
        contents = _contents(random.Random(f"{seed} {number}"))
        with stack.blobs(PROVIDER) as service:
            create_container(service, container, contents)
            account = str(service.account_name)
        provider.create_asset(asset_id, {"account": account, "container": container, "blobPrefix": ""}, {})
        provider.create_contract_definition(f"offer-{number}", "everybody", asset_id)
        agreement_id = _agree(stack, consumer, asset_id)
        digests = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
        offered.append(Offered(asset_id, agreement_id, digests))
    return offered


def _contents(chance: random.Random) -> Mapping[str, bytes]:
    return {f"folder {size}/größe-{size}.bin": chance.randbytes(size) for size in _SIZES_BYTES}


def _agree(stack: LocalStack, consumer: ManagementClient, asset_id: str) -> str:
    base = stack.provider.protocol_url
    offer = next(offer for offer in consumer.catalog(base) if offer.asset_id == asset_id)
    negotiation_id = consumer.negotiate(base, offer)
    deadline = time.monotonic() + _AGREEMENT_SECONDS
    while time.monotonic() < deadline:
        view = consumer.negotiation(negotiation_id)
        if view.state == "FINALIZED" and view.agreement_id is not None:
            return view.agreement_id
        time.sleep(0.1)
    raise AssertionError(f"the negotiation about {asset_id} has led to no agreement in {_AGREEMENT_SECONDS:g} s")
