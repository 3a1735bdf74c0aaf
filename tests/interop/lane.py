"""One direction, from a provider to a consumer: offers, contracts and transfers by EDC's management API v3.

Both products are asked with the same bodies, in the letters that EDC's own samples use.
"""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from azure.core.exceptions import ResourceNotFoundError

from ferry.cli.management import PROTOCOL, TRANSFER_TYPE, JsonObject
from tests.interop.stage import EDC, Party, Stage

CONTEXT = {"@vocab": "https://w3id.org/edc/v0.0.1/ns/"}
ODRL = "http://www.w3.org/ns/odrl.jsonld"
POLL_SECONDS = 0.05
PATIENCE_SECONDS = 60.0
# Longer than EDC needs for fifty at once.
FORGOTTEN_SECONDS = 30.0
ENDED = frozenset({"COMPLETED", "TERMINATED", "DEPROVISIONED"})

TRANSFERS, NEGOTIATIONS = "transferprocesses", "contractnegotiations"


class Unexpected(Exception):
    """A scenario did not go as it must; the message says how it went."""


@dataclass(frozen=True, slots=True)
class Goods:
    """An asset of the provider; `digests`: SHA-256 of its blobs by name."""

    asset_id: str
    container: str
    digests: Mapping[str, str]

    @property
    def digest(self) -> str:
        """One SHA-256 for all."""
        return joined_digest(self.digests)


@dataclass(frozen=True, slots=True)
class Ordered:
    """A transfer that was asked for: its id at the consumer, its destination, when it was (monotonic)."""

    id: str
    container: str
    at: float


@dataclass(slots=True)
class Lane:
    """A direction; agreements are made once for each asset."""

    provider: Party
    consumer: Party
    stage: Stage
    _agreements: dict[str, str] = field(default_factory=dict[str, str], init=False)

    @property
    def name(self) -> str:
        """Who gives to whom."""
        return f"{self.provider.name} -> {self.consumer.name}"

    def offered(self, asset_id: str, blobs: Mapping[str, bytes], address: Mapping[str, str]) -> Goods:
        """A container of the provider with these blobs, offered to everybody by that part of a data address."""
        container = f"src-{asset_id}"
        with self.provider.blobs.create_container(container) as client:
            for name, content in blobs.items():
                client.upload_blob(name, content)
        source = {"@type": "DataAddress", "type": "AzureStorage", "account": self.provider.account}
        source |= {"keyName": self.provider.account, "container": container, **address}
        properties = {"name": asset_id, "contenttype": "application/octet-stream"}
        self._create("assets", "Asset", asset_id, properties=properties, dataAddress=source)
        policy = {"@context": ODRL, "@type": "Set", **no_rules()}
        self._create("policydefinitions", "PolicyDefinition", f"p-{asset_id}", policy=policy)
        selector = {"@type": "Criterion", "operandLeft": f"{CONTEXT['@vocab']}id", "operator": "="}
        self._create(
            "contractdefinitions",
            "ContractDefinition",
            f"cd-{asset_id}",
            accessPolicyId=f"p-{asset_id}",
            contractPolicyId=f"p-{asset_id}",
            assetsSelector=[{**selector, "operandRight": asset_id}],
        )
        return Goods(asset_id, container, {name: _digest(content) for name, content in blobs.items()})

    def catalog(self) -> JsonObject:
        """The provider's catalog as the consumer's API shows it."""
        query = {"@type": "QuerySpec", "offset": 0, "limit": 1000}
        return self._ask_provider("catalog/request", "CatalogRequest", querySpec=query)

    def dataset(self, asset_id: str) -> JsonObject:
        """One dataset as the consumer's API shows it."""
        return self._ask_provider("catalog/dataset/request", "DatasetRequest", **{"@id": asset_id})

    def begin_negotiation(self, asset_id: str) -> str:
        """Ask for the offer of an asset; the negotiation's id at the consumer."""
        offer_id = str(as_list(member(self.dataset(asset_id), "hasPolicy"))[0]["@id"])
        offer = {"@context": ODRL, "@type": "Offer", "@id": offer_id, "assigner": self.provider.name}
        offer |= {"target": asset_id}
        return str(self._ask_provider(NEGOTIATIONS, "ContractRequest", policy={**offer, **no_rules()})["@id"])

    def agreement(self, asset_id: str) -> str:
        """The id under which the consumer knows its agreement about an asset; negotiated where there is none."""
        if asset_id not in self._agreements:
            negotiation_id = self.begin_negotiation(asset_id)
            self.wait(self.consumer, NEGOTIATIONS, negotiation_id, {"FINALIZED"})
            shown = self.show(self.consumer, NEGOTIATIONS, negotiation_id)
            self._agreements[asset_id] = str(shown["contractAgreementId"])
        return self._agreements[asset_id]

    def order(self, goods: Goods, container: str) -> Ordered:
        """Ask the consumer to have an asset brought into a new container of its account."""
        agreement = self.agreement(goods.asset_id)
        destination = {"@type": "DataAddress", "type": "AzureStorage", "account": self.consumer.account}
        at = time.monotonic()
        answer = self._ask_provider(
            TRANSFERS,
            "TransferRequest",
            contractId=agreement,
            transferType=TRANSFER_TYPE,
            dataDestination={**destination, "container": container},
        )
        return Ordered(str(answer["@id"]), container, at)

    def terminate(self, party: Party, transfer_id: str, reason: str) -> None:
        """End a transfer from that side."""
        body = {"@context": CONTEXT, "@type": "TerminateTransfer", "reason": reason}
        party.management.call("POST", f"/{TRANSFERS}/{transfer_id}/terminate", body)

    def state(self, party: Party, kind: str, process_id: str) -> str:
        """The state that a side's API shows now."""
        return str(party.management.ask("GET", f"/{kind}/{process_id}/state")["state"])

    def show(self, party: Party, kind: str, process_id: str) -> JsonObject:
        """A process as that side's API shows it."""
        return party.management.ask("GET", f"/{kind}/{process_id}")

    def wait(
        self,
        party: Party,
        kind: str,
        process_id: str,
        wanted: set[str] | frozenset[str],
        *,
        seconds: float = PATIENCE_SECONDS,
    ) -> str:
        """The first of those states that the API shows. Raises Unexpected where it ends otherwise or never does."""
        failed = ENDED - wanted - ({"COMPLETED"} if "DEPROVISIONED" in wanted else set[str]())
        deadline = time.monotonic() + seconds
        while (state := self.state(party, kind, process_id)) not in wanted:
            if state in failed or time.monotonic() > deadline:
                reason = told(self.show(party, kind, process_id))
                raise Unexpected(f"{party.name} shows {state}, not {' or '.join(sorted(wanted))}: {reason}")
            time.sleep(POLL_SECONDS)
        return state

    def provider_id(self, kind: str, consumer_id: str) -> str:
        """The provider's id of a process, as the consumer knows it. Raises Unexpected where it never does."""

        def known() -> str:
            return str(self.show(self.consumer, kind, consumer_id).get("correlationId") or "")

        return until(known, f"{self.consumer.name} never learned the provider's id of {consumer_id}")

    def is_forgotten(self, order: Ordered) -> bool:
        """Whether EDC as provider will never end a transfer.

        Its data plane drops the end of a copy that comes while its record is leased; the control plane then shows
        STARTED for ever, and nothing is on its way.
        """
        if self.provider.name != EDC or time.monotonic() - order.at < FORGOTTEN_SECONDS:
            return False
        provider_id = self.provider_id(TRANSFERS, order.id)
        return self.state(self.provider, TRANSFERS, provider_id) == "STARTED"

    def delivered(self, container: str) -> dict[str, str]:
        """SHA-256 by name of what lies in a container of the consumer, without Ferry's marker."""
        with self.consumer.blobs.get_container_client(container) as client:
            try:
                names = [name for name in client.list_blob_names() if name != ".complete"]
                return {name: _digest(client.download_blob(name).readall()) for name in names}
            except ResourceNotFoundError:
                return {}

    def _create(self, resource: str, type_of: str, created_id: str, **members: object) -> None:
        body = {"@context": CONTEXT, "@type": type_of, "@id": created_id, **members}
        self.provider.management.call("POST", f"/{resource}", body)

    def _ask_provider(self, resource: str, type_of: str, **members: object) -> JsonObject:
        body = {
            "@context": CONTEXT,
            "@type": type_of,
            "counterPartyAddress": self.provider.protocol_url,
            "counterPartyId": self.provider.name,
            "protocol": PROTOCOL,
            **members,
        }
        return self.consumer.management.ask("POST", f"/{resource}", body)


def until(look: Callable[[], str], failure: str, *, seconds: float = PATIENCE_SECONDS) -> str:
    """What `look` gives as soon as it gives something. Raises Unexpected with `failure`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise Unexpected(failure)
        time.sleep(POLL_SECONDS)
    return found


def told(shown: JsonObject) -> str:
    """Why a process failed, as its API says it; empty where it says nothing."""
    return str(shown.get("errorDetail") or "")


def member(shown: JsonObject, term: str) -> object:
    """A member of an answer, whether its name stands there short or with a prefix."""
    return next((value for name, value in shown.items() if name.rpartition(":")[2] == term), None)


def as_list(value: object) -> list[JsonObject]:
    """A list of objects, from one or many."""
    if value is None:
        return []
    return cast("list[JsonObject]", value if isinstance(value, list) else [value])


def no_rules() -> JsonObject:
    """A policy that permits all, as EDC's samples write it."""
    return {"permission": [], "prohibition": [], "obligation": []}


def joined_digest(digests: Mapping[str, str]) -> str:
    """One SHA-256 over names and digests; that of the blob itself where there is one."""
    if len(digests) == 1:
        return next(iter(digests.values()))
    return _digest("\n".join(f"{name} {digests[name]}" for name in sorted(digests)).encode()) if digests else ""


def both_ways(stage: Stage, names: Sequence[str]) -> list[Lane]:
    """A lane in each direction between two parties."""
    first, second = (stage.parties[name] for name in names)
    return [Lane(first, second, stage), Lane(second, first, stage)]


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
