"""Key Vault's secrets over loopback TLS, so that the unchanged SDK keeps SAS and account keys (steps 2, 4, 6, 18)."""

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ferry.emulators.certificates import Certificate
from ferry.emulators.faults import FaultPlan
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.secret_store import DeletedSecret, SecretProperties, SecretStore, SecretVersion, VaultError
from ferry.emulators.tokens import Identity, TokenIssuer, TokenRejectedError

_ROUTE = re.compile(
    r"/(?P<kind>secrets|deletedsecrets)(?:/(?P<name>[0-9a-zA-Z-]{1,127}))?(?:/(?P<tail>[0-9a-f]{32}|versions|recover))?/?"
)
_PAGE_SIZE = 25
_API_VERSION = "7.6"


@dataclass(frozen=True, slots=True)
class VaultCall:
    """One request that a vault answered; the path holds the secret's name, never its value."""

    method: str
    path: str
    status: int


@dataclass(frozen=True, slots=True)
class _Operation:
    store: SecretStore
    request: Request
    name: str
    tail: str | None
    view: "_View"


class KeyVault:
    """One participant's vault on a port of its own; it accepts only tokens of that participant's identity."""

    def __init__(self, owner: Identity, issuer: TokenIssuer, certificate: Certificate) -> None:
        self.store = SecretStore()
        self.faults = FaultPlan()
        self._owner = owner
        self._issuer = issuer
        self._calls: list[VaultCall] = []
        self._calls_lock = threading.Lock()
        self._server = LoopbackServer(self._answer_and_log, certificate=certificate)
        # The SDK demands that the vault's host end with "." and the challenge's resource; 127.0.0.1 ends with .0.0.1.
        self._resource = f"https://0.0.1:{self._server.port}"

    @property
    def url(self) -> str:
        """What a client takes as the vault's URL."""
        return self._server.url

    @property
    def calls(self) -> Sequence[VaultCall]:
        """The answered requests, oldest first, challenges (401) included."""
        with self._calls_lock:
            return tuple(self._calls)

    def clear_calls(self) -> None:
        """Forget the answered requests."""
        with self._calls_lock:
            self._calls.clear()

    def refuse_connections_for(self, seconds: float) -> None:
        """Be unreachable for a while."""
        self._server.refuse_for(seconds)

    def clear_faults(self) -> None:
        """Be reachable and behave again."""
        self.faults.clear()
        self._server.reopen()

    def close(self) -> None:
        """Stop serving; the secrets are gone."""
        self._server.close()

    def _answer_and_log(self, request: Request) -> Response:
        try:
            response = self._refusal(request) or self.faults.take() or _answer(self.store, request, self.url)
        except VaultError as error:
            response = _error(error.status, error.code, str(error), inner_code=error.inner_code)
        with self._calls_lock:
            self._calls.append(VaultCall(request.method, request.path, response.status))
        return response

    def _refusal(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        try:
            object_id = self._issuer.object_id(token, self._resource)
        except TokenRejectedError as error:
            return _error(401, "Unauthorized", f"AKV10000: {error}", headers=self._challenge())
        if object_id != self._owner.object_id:
            return _error(403, "Forbidden", f"Caller {object_id} may not use this vault", inner_code="ForbiddenByRbac")
        return None

    def _challenge(self) -> dict[str, str]:
        authority = f"https://login.microsoftonline.com/{self._owner.tenant_id}"
        return {"WWW-Authenticate": f'Bearer authorization="{authority}", resource="{self._resource}"'}


class _View:
    """Writes secrets as the service does."""

    def __init__(self, base: str, store: SecretStore) -> None:
        self._base = base
        self._store = store

    def value(self, secret: SecretVersion) -> dict[str, Any]:
        return {"value": secret.value, **self.version(secret)}

    def version(self, secret: SecretVersion) -> dict[str, Any]:
        return {**self.summary(secret), "id": f"{self._base}/secrets/{secret.name}/{secret.version}"}

    def summary(self, secret: SecretVersion) -> dict[str, Any]:
        properties = secret.properties
        attributes = {
            "enabled": properties.enabled,
            "nbf": properties.not_before,
            "exp": properties.expires_at,
            "created": secret.created_at,
            "updated": secret.updated_at,
            "recoveryLevel": self._store.recovery_level,
            "recoverableDays": self._store.retention_days,
        }
        shown = {
            "id": f"{self._base}/secrets/{secret.name}",
            "contentType": properties.content_type,
            "attributes": _without_nulls(attributes),
            "tags": dict(properties.tags),
        }
        return _without_nulls(shown)

    def deleted(self, deleted: DeletedSecret) -> dict[str, Any]:
        return {
            **self.summary(deleted.latest),
            "recoveryId": f"{self._base}/deletedsecrets/{deleted.latest.name}",
            "deletedDate": int(deleted.deleted_at),
            "scheduledPurgeDate": int(deleted.scheduled_purge_at),
        }

    def page(self, items: Sequence[Mapping[str, Any]], request: Request) -> Response:
        start = int(request.query.get("$skiptoken", "0"))
        size = min(int(request.query.get("maxresults", _PAGE_SIZE)), _PAGE_SIZE)
        following = f"{self._base}{request.path}?api-version={_API_VERSION}&maxresults={size}&$skiptoken={start + size}"
        return Response(
            body={
                "value": list(items[start : start + size]),
                "nextLink": following if start + size < len(items) else None,
            }
        )


def _answer(store: SecretStore, request: Request, base: str) -> Response:
    route = _ROUTE.fullmatch(request.path)
    if route is None:
        return _error(400, "BadParameter", "The path names no secret that could exist")
    operation = _Operation(store, request, route["name"] or "", route["tail"], _View(base, store))
    if not operation.name:
        return _list(operation, route["kind"]) if request.method == "GET" else _not_allowed()
    tail = route["tail"] if route["tail"] in ("versions", "recover") else None
    answer = _OPERATIONS.get((request.method, route["kind"], tail))
    return answer(operation) if answer else _not_allowed()


def _list(operation: _Operation, kind: str) -> Response:
    view, store = operation.view, operation.store
    if kind == "secrets":
        return view.page([view.summary(secret) for secret in store.latest()], operation.request)
    return view.page([view.deleted(deleted) for deleted in store.deleted()], operation.request)


def _set(operation: _Operation) -> Response:
    body = operation.request.json()
    value = body.get("value")
    if not isinstance(value, str):
        raise VaultError(400, "BadParameter", "The body has no value")
    properties = SecretProperties(**_changes(body))
    return Response(body=operation.view.value(operation.store.set(operation.name, value, properties)))


def _get(operation: _Operation) -> Response:
    return Response(body=operation.view.value(operation.store.get(operation.name, operation.tail)))


def _versions(operation: _Operation) -> Response:
    versions = operation.store.versions(operation.name)
    return operation.view.page([operation.view.version(version) for version in versions], operation.request)


def _update(operation: _Operation) -> Response:
    changes = _changes(operation.request.json())
    return Response(body=operation.view.version(operation.store.update(operation.name, operation.tail, changes)))


def _delete(operation: _Operation) -> Response:
    return Response(body=operation.view.deleted(operation.store.delete(operation.name)))


def _get_deleted(operation: _Operation) -> Response:
    return Response(body=operation.view.deleted(operation.store.get_deleted(operation.name)))


def _purge(operation: _Operation) -> Response:
    operation.store.purge(operation.name)
    return Response(204)


def _recover(operation: _Operation) -> Response:
    return Response(body=operation.view.version(operation.store.recover(operation.name)))


_OPERATIONS: Mapping[tuple[str, str, str | None], Callable[[_Operation], Response]] = {
    ("PUT", "secrets", None): _set,
    ("GET", "secrets", None): _get,
    ("GET", "secrets", "versions"): _versions,
    ("PATCH", "secrets", None): _update,
    ("DELETE", "secrets", None): _delete,
    ("GET", "deletedsecrets", None): _get_deleted,
    ("DELETE", "deletedsecrets", None): _purge,
    ("POST", "deletedsecrets", "recover"): _recover,
}


def _changes(body: Mapping[str, Any]) -> dict[str, Any]:
    attributes: Mapping[str, Any] = body.get("attributes") or {}
    return _without_nulls(
        {
            "content_type": body.get("contentType"),
            "tags": body.get("tags"),
            "enabled": attributes.get("enabled"),
            "not_before": attributes.get("nbf"),
            "expires_at": attributes.get("exp"),
        }
    )


def _without_nulls(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value is not None}


def _not_allowed() -> Response:
    return _error(405, "MethodNotAllowed", "This operation does not exist for secrets")


def _error(
    status: int,
    code: str,
    message: str,
    *,
    inner_code: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    error: dict[str, Any] = {"code": code, "message": message}
    if inner_code is not None:
        error["innererror"] = {"code": inner_code}
    return Response(status, {"error": error}, headers or {})
