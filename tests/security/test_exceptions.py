"""What is raised and logged when others fail holds no secret, not even as the cause of something else.

Peers and destinations are no friends: here they refuse everything and quote all that they were sent.
"""

import json
import logging
import secrets
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from azure.core.credentials import AccessToken
from azure.core.pipeline.transport import RequestsTransport

from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_wire.wire_sides import WireSides
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.clock import VirtualClock
from ferry.adapters.egress import EgressGuard
from ferry.adapters.http_peer import HttpPeer
from ferry.adapters.key_vault import KeyVault
from ferry.adapters.storage_connection import read_connection
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.domain.faults import FerryError
from ferry.domain.secret import Secret
from ferry.emulators.certificates import create_certificate
from ferry.ports.copying import BlobTarget
from ferry.ports.storage import Account, BlobItem, SasScope, SourceBlob
from ferry.settings import Settings, read_settings
from ferry.telemetry import JsonFormatter
from tests.security.issued_secrets import secrets_of_sas
from tests.security.planted_secrets import WRITTEN, new_secret
from tests.security.relay import Answer, Forward, RecordingRelay, Request, TlsFiles
from tests.security.secret_forms import Finding, Place, PlaceKind, Scanner, SecretForm, SecretKind, SecretValue

pytestmark = pytest.mark.emulators

type Fail = Callable[[Request, Forward], Answer | None]

_KEY, _TOKEN = "bm90IGFuIGFjY291bnQga2V5IGJ1dCBvbmUgYnkgaXRzIGxvb2tz", f"eyJhbGciOiJub25lIn0.{secrets.token_hex(30)}.x"
# Of a length that no base64 has.
_NO_BASE64 = f"{secrets.token_hex(20)}x"
_ITEM = BlobItem("one.txt", 3, '"etag"', None)


def a_sas() -> str:
    """A SAS by its looks."""
    return f"sv=2025-01-05&se=2030-01-01&sr=c&sp=cw&sig={secrets.token_hex(22)}%3D"


@dataclass(frozen=True, slots=True)
class Service:
    """A service that fails, and the secrets that it is sent."""

    relay: RecordingRelay
    certificate: Path
    sas: str
    source_sas: str
    value: str

    @property
    def secrets(self) -> list[SecretValue]:
        """All of them."""
        found = [*secrets_of_sas(self.sas), *secrets_of_sas(self.source_sas)]
        found += [SecretValue(SecretKind.STORED, self.value), SecretValue(SecretKind.TOKEN, _TOKEN)]
        return [*found, SecretValue(SecretKind.ACCOUNT_KEY, _KEY)]


class FixedCredential:
    """A token that never changes."""

    def get_token(self, *scopes: str, **options: object) -> AccessToken:
        """The token."""
        del scopes, options
        return AccessToken(_TOKEN, int(datetime(2040, 1, 1, tzinfo=UTC).timestamp()))


def cut(request: Request, forward: Forward) -> Answer | None:
    """Break the connection."""
    del request, forward


def quoting(status: int) -> Fail:
    """Refuse, and quote the whole request."""

    def refuse(request: Request, forward: Forward) -> Answer:
        del forward
        quoted = f"{request.method} {request.target} {request.headers} {request.body.decode(errors='replace')}"
        code = "AuthenticationFailed" if status == 403 else "InternalError"
        if request.header("content-type").startswith("application/json"):
            body = json.dumps({"@type": "TransferError", "code": code, "reason": [quoted]}).encode()
            return Answer(status, body, (("Content-Type", "application/json"),))
        body = (
            f"<?xml version='1.0'?><Error><Code>{code}</Code><Message><![CDATA[{quoted}]]></Message></Error>".encode()
        )
        return Answer(status, body, (("Content-Type", "application/xml"), ("x-ms-error-code", code)))

    return refuse


FAILURES: Mapping[str, Fail] = {"cut": cut, "refused": quoting(403), "broken": quoting(500)}


@pytest.fixture(params=FAILURES)
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Service]:
    certificate = create_certificate(tmp_path)
    relay = RecordingRelay(lambda: "", tls=TlsFiles(certificate.certificate_path, certificate.key_path))
    with relay.intercepting(lambda _: True, FAILURES[request.param]), pytest.MonkeyPatch.context() as patch:
        patch.setenv("REQUESTS_CA_BUNDLE", str(certificate.bundle_path))
        yield Service(relay, certificate.certificate_path, a_sas(), a_sas(), _NO_BASE64)
    relay.close()


def _guard() -> EgressGuard:
    return EgressGuard([], allow_loopback=True)


def _writer(service: Service) -> tuple[AzureBlobWriter, BlobTarget]:
    clients = BlobClients(guard=_guard())
    target = BlobTarget(f"{service.relay.url}/account", "container", "one.txt", Secret(service.sas))
    return AzureBlobWriter(clients, VirtualClock()), target


def _put_bytes(service: Service) -> None:
    writer, target = _writer(service)
    writer.put_bytes(target, b"one", "text/plain")


def _copy(service: Service) -> None:
    """One blob through the copy engine: its URL is offered, and the bytes where that is refused."""
    clients = BlobClients(guard=_guard())
    sides = WireSides(_guard(), clients, VirtualClock())
    engine = CopyEngine(EngineOptions(tries=2, first_pause_seconds=0.001), at_close=sides.close)
    order = PageOrder(
        blobs=(SourceBlob(_ITEM, "one.txt"),),
        source=sides.source_at(Secret(f"{service.relay.url}/account/source?{service.source_sas}")),
        destination=sides.destination(f"{service.relay.url}/account", "container", Secret(service.sas)),
        until=time.monotonic() + 60,
    )
    try:
        engine.run(order, PageState(), tell=lambda _: True)
    finally:
        engine.close()
        clients.close()


def _storage(service: Service) -> tuple[AzureBlobStorage, Account]:
    transport = RequestsTransport(connection_verify=str(service.certificate))
    clients = BlobClients(guard=_guard(), transport=transport)
    return AzureBlobStorage(clients, VirtualClock()), Account("account", f"{service.relay.url}/account", Secret(_KEY))


def _create_container(service: Service) -> None:
    storage, account = _storage(service)
    storage.create_container(account, "container", "owner")


def _list_blobs(service: Service) -> None:
    storage, account = _storage(service)
    storage.list_blobs(account, "container", "")


def _sign_with_no_key(service: Service) -> None:
    storage, _ = _storage(service)
    at = datetime(2030, 1, 1, tzinfo=UTC)
    account = Account("account", f"{service.relay.url}/account", Secret(service.value))
    storage.issue_sas(account, SasScope("container", "cw", at, at))


def _post(service: Service) -> None:
    body = {"dataAddress": {"endpointProperties": [{"name": "secret", "value": f"?{service.sas}"}]}}
    peer = HttpPeer(_guard(), authorization=lambda _: f"Bearer {_TOKEN}", answer_limit_bytes=100)
    try:
        peer.post(f"{service.relay.url}/transfers/request", body, audience="peer")
    finally:
        peer.close()


def _store_secret(service: Service) -> None:
    transport = RequestsTransport(connection_verify=str(service.certificate))
    vault = KeyVault(service.relay.url, credential=FixedCredential(), transport=transport)
    vault.store("name", Secret(service.value))


OPERATIONS: Mapping[str, Callable[[Service], None]] = {
    "put bytes": _put_bytes,
    "copy": _copy,
    "create container": _create_container,
    "list blobs": _list_blobs,
    "sign with no key": _sign_with_no_key,
    "post to a peer": _post,
    "store a secret": _store_secret,
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_failure_holds_no_secret_and_no_cause_with_one(name: str, service: Service) -> None:
    with pytest.raises(FerryError) as caught:
        OPERATIONS[name](service)
    assert [str(finding) for finding in _found(caught.value, service.secrets)] == []


@pytest.mark.parametrize("form", SecretForm)
@pytest.mark.parametrize("kind", SecretKind)
def test_planted_secret_is_found_in_an_exceptions_cause(kind: SecretKind, form: SecretForm) -> None:
    secret = new_secret(kind)
    try:
        try:
            raise ValueError(WRITTEN[form](secret.value))
        except ValueError as cause:
            raise FerryError("it did not work") from cause
    except FerryError as error:
        found = _found(error, [secret])
    assert {finding.secret for finding in found} == {secret}


def test_logged_exception_is_one_line_without_signature_key_and_token() -> None:
    key, token = f"{'k' * 86}==", f"eyJhbGciOiJIUzI1NiJ9.{secrets.token_hex(30)}.{secrets.token_hex(20)}"
    sas = a_sas()
    try:
        raise ValueError(f'{{\\"sas\\":\\"?{sas}\\"}} AccountKey={key};X {key} Bearer {token}')
    except ValueError as error:
        record = logging.LogRecord("ferry", logging.ERROR, "", 0, "failed: %s", (error,), (ValueError, error, None))
    line = JsonFormatter("consumer").format(record)
    assert "\n" not in line
    assert json.loads(line)["message"].startswith("failed: ")
    values = [*secrets_of_sas(sas), SecretValue(SecretKind.ACCOUNT_KEY, key), SecretValue(SecretKind.TOKEN, token)]
    assert Scanner(values).findings([Place(PlaceKind.LOG, "line", line.encode())]) == ()


def test_secrets_in_values_of_ours_are_not_shown() -> None:
    settings = _settings()
    connection = read_connection({"S": f"AccountName=a;AccountKey={_KEY};BlobEndpoint=https://a.example.org"}, "S")
    account = Account("account", "https://a.example.org", Secret(_KEY))
    shown = f"{settings!r} {settings} {connection!r} {account!r} {Secret(_KEY)} {Secret(_KEY)!r} {Secret(_KEY):>9}"
    values = [SecretValue(SecretKind.ACCOUNT_KEY, _KEY), SecretValue(SecretKind.API_KEY, settings.api_key)]
    assert Scanner(values).findings([Place(PlaceKind.LOG, "repr", shown.encode())]) == ()


def _settings() -> Settings:
    return read_settings(
        {
            "FERRY_PARTICIPANT_ID": "consumer",
            "FERRY_PUBLIC_URL": "https://consumer.example.org",
            "FERRY_VAULT_URL": "https://vault.example.org",
            "FERRY_API_KEY": secrets.token_urlsafe(24),
            "FERRY_IDENTITY": "mock",
        }
    )


def _found(error: Exception, values: list[SecretValue]) -> list[Finding]:
    """What is in an exception as logs write it, with everything that led to it, and in its own words."""
    text = "".join(traceback.format_exception(error))
    parts: list[BaseException | None] = [error]
    while (last := parts[-1]) is not None:
        text += f"\n{last!r} {vars(last)}"
        parts.append(last.__cause__ or last.__context__)
    return list(Scanner(values).findings([Place(PlaceKind.EXCEPTION, type(error).__name__, text.encode())]))
