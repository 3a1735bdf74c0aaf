"""What `ferry catalog` and `ferry negotiate` do with a participant."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from ferry.cli.api_client import PAGE_LIMIT, json_objects
from ferry.cli.definitions import show_document
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.management import CONTEXT, PROTOCOL, ManagementClient, NegotiationView, Offer, read_offers
from ferry.cli.output import Output
from ferry.cli.session import participant

_PAUSES_SECONDS = (0.1, 0.2, 0.3, 0.5, 1.0)
_ODRL_CONTEXT = "http://www.w3.org/ns/odrl.jsonld"


@dataclass(frozen=True, slots=True)
class WantedOffer:
    """What is to be negotiated: an asset of a provider; `offer_id` where it has several offers."""

    provider: str
    asset_id: str
    offer_id: str | None = None

    def choose(self, offers: Sequence[Offer]) -> Offer:
        """The offer that is meant. Raises CommandFailed where there is none, or more than one."""
        if self.offer_id is not None:
            offers = [offer for offer in offers if _stable(str(offer.policy.get("@id"))) == _stable(self.offer_id)]
        if not offers:
            meant = f"offer {self.offer_id}" if self.offer_id else "offer"
            raise CommandFailed(
                f"{self.provider} makes us no {meant} for asset {self.asset_id}",
                next_step=f"see what it offers: ferry catalog list {self.provider}",
                exit_code=ExitCode.NOT_FOUND,
            )
        if len(offers) > 1:
            raise CommandFailed(
                f"Asset {self.asset_id} has {len(offers)} offers:",
                next_step="choose one with --offer",
                exit_code=ExitCode.USAGE,
                faults=[str(offer.policy.get("@id")) for offer in offers],
            )
        return offers[0]


def list_offers(provider: str, profile: str | None, output: Output, *, limit: int, offset: int) -> None:
    """Show what a provider offers."""
    body = _request(provider, querySpec={"limit": min(limit, PAGE_LIMIT), "offset": offset})
    with participant(profile) as (client, _):
        catalog = client.ask("POST", "/catalog/request", body)
    output.result(catalog)
    datasets = json_objects(catalog.get("dataset"))
    rows = [_row(dataset, policy) for dataset in datasets for policy in json_objects(dataset.get("hasPolicy"))]
    output.table(("asset", "name", "offer", "formats"), rows, empty="it offers us nothing")


def show_offer(provider: str, asset_id: str, profile: str | None, output: Output) -> None:
    """Show one asset of a provider."""
    with participant(profile) as (client, _):
        show_document(_dataset(client, provider, asset_id), output)


def negotiate(wanted: WantedOffer, profile: str | None, output: Output, *, timeout: float | None) -> None:
    """Begin a negotiation; with a `timeout` stay until there is an agreement."""
    with participant(profile) as (client, _):
        dataset = _dataset(client, wanted.provider, wanted.asset_id)
        offer = wanted.choose(_offers_of(client, wanted, dataset))
        negotiation_id = client.negotiate(wanted.provider, offer)
        if timeout is None:
            output.result({"negotiation": negotiation_id})
            output.line(negotiation_id)
            return
        output.note(f"negotiation {negotiation_id}")
        view = _settled(client, negotiation_id, timeout)
    if view.agreement_id is None or view.state != "FINALIZED":
        raise _failed(view, timeout)
    output.result({"negotiation": view.id, "state": view.state, "agreement": view.agreement_id})
    output.line(view.agreement_id)
    output.note(f"move the data with: ferry transfer start {view.agreement_id}")


def _stable(offer_id: str) -> str:
    """What stays of an offer's id: EDC and Ferry join definition, asset and a part that is new with each catalog."""
    parts = offer_id.split(":")
    return ":".join(parts[:2]) if len(parts) == 3 else offer_id


def _settled(client: ManagementClient, negotiation_id: str, timeout: float) -> NegotiationView:
    deadline, count = time.monotonic() + timeout, 0
    while True:
        view = client.negotiation(negotiation_id)
        if view.state in ("FINALIZED", "TERMINATED") or time.monotonic() >= deadline:
            return view
        time.sleep(_PAUSES_SECONDS[min(count, len(_PAUSES_SECONDS) - 1)])
        count += 1


def _failed(view: NegotiationView, timeout: float) -> CommandFailed:
    if view.state == "TERMINATED":
        return CommandFailed(
            f"Negotiation {view.id} is TERMINATED: {view.error or 'the other side gave no reason'}",
            next_step=f"look at it: ferry contract negotiations {view.id}",
            exit_code=ExitCode.ENDED_BADLY,
        )
    return CommandFailed(
        f"Negotiation {view.id} is still {view.state} after {timeout:g} s; it goes on",
        next_step="somebody may have to decide (FERRY_NEGOTIATION=manual); look again with "
        f"`ferry contract negotiations {view.id}`",
        exit_code=ExitCode.TIMED_OUT,
    )


def _dataset(client: ManagementClient, provider: str, asset_id: str) -> dict[str, Any]:
    return client.ask("POST", "/catalog/dataset/request", {**_request(provider, "DatasetRequest"), "@id": asset_id})


def _offers_of(client: ManagementClient, wanted: WantedOffer, dataset: Mapping[str, Any]) -> list[Offer]:
    """The offers of a dataset. Who provides stands in the catalog's head alone."""
    catalog = client.ask("POST", "/catalog/request", _request(wanted.provider, querySpec={"limit": 1}))
    return read_offers({"participantId": catalog.get("participantId"), "dataset": dict(dataset)})


def _request(provider: str, kind: str = "CatalogRequest", **members: object) -> dict[str, Any]:
    return {
        "@context": [CONTEXT, _ODRL_CONTEXT],
        "@type": kind,
        "counterPartyAddress": provider.rstrip("/"),
        "protocol": PROTOCOL,
        **members,
    }


def _row(dataset: Mapping[str, Any], policy: Mapping[str, Any]) -> tuple[str, ...]:
    formats = sorted({str(_format(it)) for it in json_objects(dataset.get("distribution"))})
    name = dataset.get("name") or dataset.get("edc:name") or ""
    return str(dataset["@id"]), str(name), str(policy.get("@id", "")), ", ".join(formats)


def _format(distribution: Mapping[str, Any]) -> object:
    told: Any = distribution.get("format") or distribution.get("dct:format") or ""
    return cast("Mapping[str, Any]", told).get("@id", "") if isinstance(told, dict) else told
