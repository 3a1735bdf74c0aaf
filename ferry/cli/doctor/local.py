"""A participant from inside: its settings, and the services that they name, asked as the participant would."""

# The SDK leaves keyword arguments without types.
# pyright: reportUnknownMemberType=false

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from ferry.adapters.storage_connection import StorageConnection, read_connection
from ferry.cli.doctor.finding import Finding, bad, doubtful, good
from ferry.cli.doctor.skew import skew_finding
from ferry.cli.explain.clock import duration
from ferry.data_plane.accounts import PUBLIC_ENDPOINT, is_loopback
from ferry.domain.faults import FerryError
from ferry.domain.looks import QueueName, queue_name
from ferry.settings import Settings, SettingsError, read_settings
from ferry.telemetry import redacted

_POISON_SUFFIX = "-poison"
_OLD_SECONDS = 300.0
_SECONDS = 10.0
_STORAGE_FIX = "look at the connection, the account's firewall and the identity's roles (Blob, Queue, Table Data)"


def look_inside(environment: Mapping[str, str]) -> Iterator[Finding]:
    """Settings first; where they are wrong nothing else can be asked."""
    try:
        settings = read_settings(environment)
    except SettingsError as error:
        for fault in error.faults:
            yield bad("setting", fault, "correct it in the app's settings")
        return
    yield good("settings", f"participant {settings.participant_id}, roles {', '.join(sorted(settings.roles))}")
    if settings.identity == "mock":
        yield doubtful("identity", "mock: every caller is believed", "set FERRY_IDENTITY=signed for other than tests")
    else:
        yield good("identity", f"signed, {len(settings.partners)} partners")
    if settings.signaling.mode == "open" and settings.public_url and not is_loopback(settings.public_url):
        seen = "open: whoever reaches the paths of the data plane may use them"
        yield doubtful("signaling", seen, "set FERRY_SIGNALING_ACCESS=own or api-key, or close these paths to others")
    yield from _of_services(settings, environment)
    yield from _of_queues(settings, read_connection(environment, settings.storage_connection))


def _of_services(settings: Settings, environment: Mapping[str, str]) -> Iterator[Finding]:
    from ferry.services.azure import azure_outside

    outside = azure_outside(settings, environment)
    yield _asked("storage", lambda: outside.transfers.load("doctor"), _STORAGE_FIX)
    vault_fix = "look at FERRY_VAULT_URL, the vault's firewall and the identity's role Key Vault Secrets Officer"
    yield _asked("vault", lambda: outside.vault.get("ferry-health"), vault_fix)
    for name, account in settings.accounts.items():
        asked_at = datetime.now(UTC)
        endpoint = account.endpoint or PUBLIC_ENDPOINT.format(account=name)
        try:
            answer = httpx2.get(f"{endpoint}?comp=list", timeout=_SECONDS, trust_env=False)
        except httpx2.HTTPError as error:
            yield bad(f"account {name}", f"{endpoint} does not answer: {error}", _STORAGE_FIX)
            continue
        yield good(f"account {name}", f"{endpoint} answers")
        date = answer.headers.get("date")
        yield skew_finding(f"clock of {name}", date, asked_at=asked_at, answered_at=datetime.now(UTC))


def _asked(what: str, ask: Callable[[], object], fix: str) -> Finding:
    try:
        ask()
    except FerryError as error:
        return bad(what, redacted(str(error)), fix)
    return good(what, "it answers")


def _of_queues(settings: Settings, connection: StorageConnection) -> Iterator[Finding]:
    """How long the oldest message that could be read has been waiting, and what was given up."""
    from azure.core.exceptions import AzureError, ResourceNotFoundError

    for queue in QueueName:
        name = queue_name(settings.name_prefix, queue)
        try:
            waiting = _waiting(connection, name)
            poisoned = _waiting(connection, f"{name}{_POISON_SUFFIX}")
        except ResourceNotFoundError:
            continue
        except AzureError as error:
            yield bad(f"queue {name}", redacted(type(error).__name__), _STORAGE_FIX)
            return
        if poisoned is not None:
            seen = f"there are messages in {name}{_POISON_SUFFIX}"
            yield doubtful(f"queue {name}", seen, "they are handled by the poison trigger; read the log if they stay")
        if waiting is not None and waiting > _OLD_SECONDS:
            seen = f"its oldest message has been waiting for {duration(waiting)}"
            yield bad(f"queue {name}", seen, "nobody reads it: start the app, or enable its queue functions")
        else:
            yield good(f"queue {name}", "empty" if waiting is None else f"oldest message {duration(waiting)}")


def _waiting(connection: StorageConnection, name: str) -> float | None:
    """The age in seconds of the first visible message; None where there is none, or no such queue."""
    from azure.core.exceptions import ResourceNotFoundError
    from azure.storage.queue import QueueClient

    from ferry.adapters.credentials import shared_credential

    options: dict[str, Any] = {"retry_total": 1}
    if connection.connection_string is not None:
        client = QueueClient.from_connection_string(connection.connection_string.reveal(), name, **options)
    else:
        client = QueueClient(connection.queue_endpoint, name, credential=shared_credential(), **options)
    with client:
        try:
            messages = client.peek_messages(1)
        except ResourceNotFoundError:
            return None
    inserted_at = messages[0].inserted_on if messages else None
    return None if inserted_at is None else (datetime.now(UTC) - inserted_at).total_seconds()
