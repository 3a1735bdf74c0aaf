"""A participant from outside: does it answer, let us in, reach storage, vault and peers; does anything lie still."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, cast

import httpx2

from ferry.cli.api_errors import failure_of
from ferry.cli.doctor.finding import Finding, bad, doubtful, good
from ferry.cli.doctor.skew import skew_finding
from ferry.cli.explain.clock import duration
from ferry.cli.management import CONTEXT, PROTOCOL, ManagementClient, ManagementError
from ferry.cli.profiles import Profile
from ferry.cli.session import new_client
from ferry.telemetry import redacted

_READY = "/api/health/ready"
_SLOW_SECONDS = 2.0
_LIVE_STATES = ("PREPARATION_REQUESTED", "REQUESTING", "REQUESTED", "STARTING", "STARTED", "COMPLETING")
_LIVE_LIMIT = 200
_PEER_LIMIT = 3
_FIXES = {
    "storage": "look at AzureWebJobsStorage (or FERRY_STORAGE_CONNECTION), the account's firewall, and the identity's "
    "roles Storage Blob, Queue and Table Data Contributor",
    "vault": "look at FERRY_VAULT_URL, the vault's firewall, and the identity's role Key Vault Secrets Officer",
}


def look_from_outside(profile: Profile, peer: str | None) -> Iterator[Finding]:
    """Everything that can be seen by HTTP; stops where nothing more can be asked."""
    with new_client(profile) as client:
        asked_at, begun = datetime.now(UTC), time.monotonic()
        try:
            answer = client.send("GET", f"{profile.app_url}{_READY}")
        except ManagementError as error:
            yield bad("participant", f"{profile.app_url} does not answer: {error}", "start it, or correct the URL")
            return
        yield from _of_readiness(profile, answer, time.monotonic() - begun)
        date = answer.headers.get("date")
        yield skew_finding("clock", date, asked_at=asked_at, answered_at=datetime.now(UTC))
        try:
            recent = list(client.query("/transferprocesses", limit=1))
        except ManagementError as error:
            failure = failure_of(error, profile)
            yield bad("key", f"{failure.what} {' '.join(failure.faults)}".strip(), failure.next_step)
            return
        yield good("key", "the management API lets us in")
        yield _of_work(client)
        yield from _of_peers(client, [peer] if peer else _known_peers(client, recent))


def _of_readiness(profile: Profile, answer: httpx2.Response, seconds: float) -> Iterator[Finding]:
    if answer.status_code not in (200, 503):
        seen = f"{profile.app_url}{_READY} was answered {answer.status_code}"
        yield bad("participant", seen, "correct the URL: it is that of the app, such as https://app.example")
        return
    if seconds > _SLOW_SECONDS:
        yield doubtful("participant", f"it answered after {seconds:.1f} s", "a cold start takes long: ask again")
    else:
        yield good("participant", f"{profile.app_url} answers after {seconds * 1000:.0f} ms")
    faults = _texts(answer)
    for component, fix in _FIXES.items():
        fault = next((it for it in faults if it.startswith(f"{component}:")), None)
        if fault is None:
            yield good(component, "it answers")
        else:
            yield bad(component, redacted(fault.partition(": ")[2]), fix)
    for other in faults:
        if other.partition(":")[0] not in _FIXES:
            yield bad("readiness", redacted(other), "read the participant's log")


def _texts(answer: httpx2.Response) -> list[str]:
    try:
        told: Any = answer.json()
    except ValueError:
        return [f"its readiness cannot be read: {answer.text[:200]}"]
    faults: Any = cast("dict[str, Any]", told).get("faults", ()) if isinstance(told, dict) else ()
    return [str(fault) for fault in faults]


def _of_work(client: ManagementClient) -> Finding:
    """What lies behind its deadline: the janitor ends it at once, if it runs, and a queue that is read moves on."""
    now, overdue, live = datetime.now(UTC), list[str](), 0
    for state in _LIVE_STATES:
        criterion = {"@type": "Criterion", "operandLeft": "state", "operator": "=", "operandRight": state}
        for shown in client.query("/transferprocesses", {"filterExpression": [criterion]}, limit=_LIVE_LIMIT):
            live += 1
            deadline = shown.get("deadlineAt")
            if deadline and (late := (now - datetime.fromisoformat(deadline)).total_seconds()) > 0:
                overdue.append(f"{shown['@id']} ({state}, {duration(late)} late)")
    if not overdue:
        return good("work", f"{live} transfers are under way, none is behind its deadline")
    seen = f"{len(overdue)} of {live} transfers are behind their deadline, such as {overdue[0]}"
    return bad("work", seen, "the app's timer or queues do not run: look at its log, and at AzureWebJobs.*.Disabled")


def _known_peers(client: ManagementClient, recent: list[dict[str, Any]]) -> list[str]:
    found = [str(it.get("counterPartyAddress", "")) for it in recent]
    found += [str(it.get("counterPartyAddress", "")) for it in client.query("/contractnegotiations", limit=20)]
    # The consumer's side has a base of its own, which has no catalog.
    bases = dict.fromkeys(address.removesuffix("/consumer") for address in found if address)
    return list(bases)[:_PEER_LIMIT]


def _of_peers(client: ManagementClient, addresses: list[str]) -> Iterator[Finding]:
    if not addresses:
        yield good("peers", "none is known yet; name one with --peer")
    for address in addresses:
        body = {
            "@context": CONTEXT,
            "@type": "CatalogRequest",
            "counterPartyAddress": address,
            "protocol": PROTOCOL,
            "querySpec": {"limit": 1},
        }
        try:
            client.ask("POST", "/catalog/request", body)
        except ManagementError as error:
            seen = redacted("; ".join(error.faults) or str(error))
            yield bad(f"peer {address}", seen, _peer_fix(error, seen))
        else:
            yield good(f"peer {address}", "the participant reaches it and reads its catalog")


def _peer_fix(error: ManagementError, seen: str) -> str:
    if error.status == 400:
        return "the participant may not call it: allow its host in FERRY_ALLOWED_HOSTS"
    if "PEER_REFUSED" in seen:
        return "it does not know us: compare FERRY_IDENTITY and FERRY_PARTNERS of both, and its clock"
    return "see that it runs, that its address is right, and that no firewall is between the two"
