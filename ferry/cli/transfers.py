"""What the commands of `ferry transfer` do with a participant."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import typer

from ferry.cli.exits import ExitCode
from ferry.cli.explain.explanation import Explainer
from ferry.cli.explain.view import show
from ferry.cli.failure import CommandFailed
from ferry.cli.management import CONTEXT, PROTOCOL, ManagementClient, ManagementError, TransferView
from ferry.cli.moved import shown as progress_shown
from ferry.cli.output import Output
from ferry.cli.profiles import Profile
from ferry.cli.session import participant, tell
from ferry.cli.watch import TransferWatch

_ROLES = ("CONSUMER", "PROVIDER")


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOrder:
    """What is to be started. Asset and provider None: those of the agreement."""

    agreement_id: str
    asset_id: str | None = None
    provider: str | None = None
    transfer_type: str = "AzureStorage-PUSH"
    managed: bool = True
    destination: Mapping[str, str] = field(default_factory=dict[str, str])
    sas_seconds: int | None = None
    idempotency_key: str | None = None

    def body(self, *, asset_id: str, provider: str) -> dict[str, Any]:
        """The TransferRequest."""
        body: dict[str, Any] = {
            "@context": CONTEXT,
            "@type": "TransferRequest",
            "counterPartyAddress": provider,
            "protocol": PROTOCOL,
            "transferType": self.transfer_type,
            "assetId": asset_id,
            "contractId": self.agreement_id,
            "managedResources": self.managed,
        }
        if self.destination:
            body["dataDestination"] = {"@type": "DataAddress", "type": "AzureStorage", **self.destination}
        if self.sas_seconds is not None:
            body["sasValiditySeconds"] = self.sas_seconds
        return body


def start(order: StartOrder, profile_name: str | None, output: Output, *, timeout: float | None, wait: bool) -> None:
    """Start it; with `wait` follow it to its end."""
    with participant(profile_name) as (client, profile):
        asset_id = order.asset_id or _agreement(client, order.agreement_id)["assetId"]
        provider = order.provider or _provider_of(client, order.agreement_id)
        headers = {"Idempotency-Key": order.idempotency_key} if order.idempotency_key else None
        answer = client.request(
            "POST", "/transferprocesses", order.body(asset_id=asset_id, provider=provider), headers
        ).json()
        transfer_id = str(answer["@id"])
        if not wait:
            output.result({"id": transfer_id, "createdAt": answer.get("createdAt")})
            output.line(transfer_id)
            output.note(f"follow it with: ferry transfer watch{option_of(profile)} {transfer_id}")
            return
        output.note(f"transfer {transfer_id}")
        _follow(client, transfer_id, profile, output, timeout=timeout)


def list_all(
    profile_name: str | None, output: Output, *, state: str | None, role: str | None, limit: int, offset: int
) -> None:
    """Show a list."""
    spec = _filter(state=state, role=role)
    with participant(profile_name) as (client, _):
        found = list(client.query("/transferprocesses", spec, limit=limit, offset=offset))
    output.result(found)
    output.table(("id", "role", "state", "since (UTC)", "asset", "with", "cause"), [_row(it) for it in found])


def watch(transfer_id: str, profile_name: str | None, output: Output, *, timeout: float | None) -> None:
    """Follow it to its end."""
    with participant(profile_name) as (client, profile):
        _follow(client, transfer_id, profile, output, timeout=timeout)


def explain(transfer_id: str, profile_name: str | None, output: Output, *, peer_profile: str | None) -> None:
    """Tell its story."""
    with participant(profile_name) as (client, profile):
        ours = client.transfer(transfer_id)
    theirs = _of_peer(ours, peer_profile)
    told = Explainer(now=datetime.now(UTC), profile_option=option_of(profile)).explain(ours, theirs)
    output.result(told.to_json())
    if not output.is_json:
        show(told, output)


def order(transfer_id: str, verb: str, profile_name: str | None, output: Output, *, reason: str | None = None) -> None:
    """Send an order and show the state that it has led to so far."""
    body = {"@context": CONTEXT, "reason": reason} if reason is not None else None
    with participant(profile_name) as (client, _):
        client.call("POST", f"/transferprocesses/{transfer_id}/{verb}", body)
        state = client.transfer_state(transfer_id)
    output.result({"id": transfer_id, "state": state})
    output.line(f"{transfer_id} is {state}")


def deprovision(
    transfer_id: str, profile_name: str | None, output: Output, *, timeout: float | None, wait: bool
) -> None:
    """Send the order and, with `wait`, stay until everything is gone."""
    if not wait:
        order(transfer_id, "deprovision", profile_name, output)
        return
    with participant(profile_name) as (client, _), progress_shown(output) as shown:
        client.deprovision(transfer_id)
        watching = TransferWatch(
            client=client, transfer_id=transfer_id, shown=shown, timeout_seconds=timeout, tells_history=False
        )
        view = watching.until(frozenset({"DEPROVISIONED"}))
    output.result({"id": transfer_id, "state": view.state})
    output.line(f"{transfer_id} is {view.state}: {view.history[-1].what}")


def option_of(profile: Profile) -> str:
    """What must be typed to reach the same participant again."""
    return "" if profile.is_default else f" --profile {profile.name}"


def _follow(
    client: ManagementClient, transfer_id: str, profile: Profile, output: Output, *, timeout: float | None
) -> None:
    with progress_shown(output) as shown:
        view = TransferWatch(client=client, transfer_id=transfer_id, shown=shown, timeout_seconds=timeout).until()
    output.result(view.raw)
    told = view.delivered
    arrived = f": {told['blobs']} blobs, {told['bytes']} bytes" if {"blobs", "bytes"} <= told.keys() else ""
    output.line(f"{transfer_id} is {view.state}{arrived}")
    if view.error is not None or view.state == "TERMINATED":
        # Other connectors tell their sentence alone, or nothing.
        why = view.error or view.raw.get("errorDetail") or "no reason was given"
        failure = CommandFailed(
            f"Transfer {transfer_id} is {view.state}: {why}",
            next_step=f"ferry transfer explain{option_of(profile)} {transfer_id}",
            exit_code=ExitCode.ENDED_BADLY,
        )
        tell(failure, output)
        raise typer.Exit(failure.exit_code)


def _of_peer(ours: TransferView, peer_profile: str | None) -> TransferView | None:
    """The other participant's view of the same transfer; None where it is not asked, or not known there."""
    if peer_profile is None or ours.correlation_id is None:
        return None
    with participant(peer_profile) as (client, _):
        try:
            return client.transfer(ours.correlation_id)
        except ManagementError as error:
            if error.status == 404:
                return None
            raise


def _agreement(client: ManagementClient, agreement_id: str) -> dict[str, Any]:
    return client.ask("GET", f"/contractagreements/{agreement_id}")


def _provider_of(client: ManagementClient, agreement_id: str) -> str:
    try:
        return str(client.ask("GET", f"/contractagreements/{agreement_id}/negotiation")["counterPartyAddress"])
    except ManagementError as error:
        if error.status != 404 or not error.is_of_api:
            raise
        raise CommandFailed(
            f"Nobody knows any more where agreement {agreement_id} was negotiated, or there is none of that id",
            next_step="name the provider's DSP address with --provider, or look with `ferry contract agreements`",
            exit_code=ExitCode.NOT_FOUND,
        ) from error


def _filter(*, state: str | None, role: str | None) -> dict[str, Any]:
    criteria: list[dict[str, Any]] = []
    if state is not None:
        criteria.append({"operandLeft": "state", "operator": "=", "operandRight": state.upper()})
    if role is not None:
        if role.upper() not in _ROLES:
            raise CommandFailed(f"{role!r} is no role", next_step="use consumer or provider", exit_code=ExitCode.USAGE)
        criteria.append({"operandLeft": "type", "operator": "=", "operandRight": role.upper()})
    return {"filterExpression": [{"@type": "Criterion", **it} for it in criteria]} if criteria else {}


def _row(shown: Mapping[str, Any]) -> tuple[str, ...]:
    since = datetime.fromtimestamp(shown.get("stateTimestamp", 0) / 1000, UTC)
    error: Mapping[str, Any] = shown.get("error") or {}
    return (
        str(shown["@id"]),
        str(shown.get("type", "")).lower(),
        str(shown["state"]),
        since.strftime("%Y-%m-%d %H:%M:%S"),
        str(shown.get("assetId", "")),
        str(shown.get("counterPartyId", "")),
        str(error.get("code", "")),
    )
