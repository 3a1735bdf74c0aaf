"""The stack's own interface: faults, call logs, event subscriptions, request counts; for tests and for `ferry up`."""

import hmac
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from ferry.emulators.azurite import Azurite
from ferry.emulators.event_grid import EventGrid, EventSubscription
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.faults import FaultPlan
from ferry.emulators.identity import IdentityEndpoint
from ferry.emulators.key_vault import KeyVault
from ferry.emulators.loopback_server import LoopbackServer, Request, Response
from ferry.emulators.relay_faults import RelayFault

ADMIN_KEY_HEADER = "X-Ferry-Admin-Key"

type _Handler = Callable[[Request, Sequence[str]], Response]


class AdminServer:
    """Answers on a port of its own to those who know the key."""

    def __init__(
        self,
        azurite: Azurite,
        *,
        vaults: Mapping[str, KeyVault],
        identity_endpoint: IdentityEndpoint,
        event_grid: EventGrid,
        relay: FaultRelay | None,
    ) -> None:
        self.key = secrets.token_hex(16)
        self._azurite = azurite
        self._vaults = vaults
        self._identity_endpoint = identity_endpoint
        self._event_grid = event_grid
        self._relay = relay
        self._routes: Sequence[tuple[str, str, _Handler]] = (
            ("POST", r"/vaults/(\w+)/faults", self._plan_vault_fault),
            ("DELETE", r"/vaults/(\w+)/faults", self._clear_vault_faults),
            ("PATCH", r"/vaults/(\w+)", self._configure_vault),
            ("GET", r"/vaults/(\w+)/calls", self._show_calls),
            ("DELETE", r"/vaults/(\w+)/calls", self._clear_calls),
            ("GET", r"/vaults/(\w+)/secrets", self._show_secret_names),
            ("POST", r"/identity/faults", self._plan_identity_fault),
            ("DELETE", r"/identity/faults", self._clear_identity_faults),
            ("PATCH", r"/identity", self._configure_identity),
            ("GET", r"/eventgrid/subscriptions", self._show_subscriptions),
            ("POST", r"/eventgrid/subscriptions", self._subscribe),
            ("DELETE", r"/eventgrid/subscriptions/(\w+)", self._unsubscribe),
            ("POST", r"/relay/faults", self._plan_relay_faults),
            ("DELETE", r"/relay/faults", self._clear_relay_faults),
            ("PATCH", r"/relay", self._configure_relay),
            ("GET", r"/requests", self._show_requests),
            ("DELETE", r"/requests", self._clear_requests),
        )
        self._server = LoopbackServer(self._answer)

    @property
    def url(self) -> str:
        """The interface's address, without a slash at the end."""
        return self._server.url

    def close(self) -> None:
        """Stop answering."""
        self._server.close()

    def _answer(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get(ADMIN_KEY_HEADER.lower(), ""), self.key):
            return _error(401, f"The header {ADMIN_KEY_HEADER} is missing or wrong")
        for method, pattern, handler in self._routes:
            match = re.fullmatch(pattern, request.path)
            if match is not None and method == request.method:
                try:
                    return handler(request, match.groups())
                except KeyError as error:
                    return _error(404, f"There is no {error} in this stack")
        return _error(404, f"There is no {request.method} {request.path} here")

    def _plan_vault_fault(self, request: Request, names: Sequence[str]) -> Response:
        vault, body = self._vaults[names[0]], request.json()
        if "refuseSeconds" in body:
            vault.refuse_connections_for(float(body["refuseSeconds"]))
        else:
            _plan(vault.faults, body)
        return Response(204)

    def _clear_vault_faults(self, _: Request, names: Sequence[str]) -> Response:
        self._vaults[names[0]].clear_faults()
        return Response(204)

    def _configure_vault(self, request: Request, names: Sequence[str]) -> Response:
        store, body = self._vaults[names[0]].store, request.json()
        store.purge_protection = bool(body.get("purgeProtection", store.purge_protection))
        store.purge_delay_seconds = float(body.get("purgeDelaySeconds", store.purge_delay_seconds))
        store.retention_days = int(body.get("retentionDays", store.retention_days))
        return Response(204)

    def _show_calls(self, _: Request, names: Sequence[str]) -> Response:
        return Response(body={"calls": [asdict(call) for call in self._vaults[names[0]].calls]})

    def _clear_calls(self, _: Request, names: Sequence[str]) -> Response:
        self._vaults[names[0]].clear_calls()
        return Response(204)

    def _show_secret_names(self, _: Request, names: Sequence[str]) -> Response:
        store = self._vaults[names[0]].store
        live = [secret.name for secret in store.latest()]
        return Response(body={"live": live, "deleted": [deleted.latest.name for deleted in store.deleted()]})

    def _plan_identity_fault(self, request: Request, _: Sequence[str]) -> Response:
        _plan(self._identity_endpoint.faults, request.json())
        return Response(204)

    def _clear_identity_faults(self, _: Request, __: Sequence[str]) -> Response:
        self._identity_endpoint.faults.clear()
        return Response(204)

    def _configure_identity(self, request: Request, _: Sequence[str]) -> Response:
        self._identity_endpoint.issuer.lifetime_seconds = float(request.json()["tokenLifetimeSeconds"])
        return Response(204)

    def _show_subscriptions(self, _: Request, __: Sequence[str]) -> Response:
        return Response(body={"subscriptions": [_shown(known) for known in self._event_grid.subscriptions]})

    def _subscribe(self, request: Request, _: Sequence[str]) -> Response:
        body = request.json()
        subscription = EventSubscription(
            account=body["account"],
            target_url=body["targetUrl"],
            blob_name_ends_with=body.get("blobNameEndsWith", ".complete"),
            container_prefixes=tuple(body.get("containerPrefixes", ("ferry-",))),
        )
        self._event_grid.subscribe(subscription)
        return Response(201, _shown(subscription))

    def _unsubscribe(self, _: Request, names: Sequence[str]) -> Response:
        self._event_grid.unsubscribe(names[0])
        return Response(204)

    def _plan_relay_faults(self, request: Request, _: Sequence[str]) -> Response:
        faults = [RelayFault(**fault) for fault in request.json()["faults"]]
        self._known_relay().faults.plan(*faults)
        return Response(204)

    def _clear_relay_faults(self, _: Request, __: Sequence[str]) -> Response:
        relay = self._known_relay()
        relay.faults.clear()
        relay.accept()
        return Response(204)

    def _configure_relay(self, request: Request, _: Sequence[str]) -> Response:
        relay, body = self._known_relay(), request.json()
        relay.faults.delay_seconds = float(body.get("delaySeconds", relay.faults.delay_seconds))
        if "accepting" in body:
            (relay.accept if body["accepting"] else relay.refuse)()
        return Response(204)

    def _known_relay(self) -> FaultRelay:
        if self._relay is None:
            raise KeyError("relay")
        return self._relay

    def _show_requests(self, request: Request, _: Sequence[str]) -> Response:
        since = int(request.query.get("since", "0"))
        self._azurite.flush_requests()
        log = self._azurite.requests
        shown: dict[str, Any] = {
            "lastSequence": log.last_sequence,
            "counts": [asdict(count) for count in log.counts(since)],
        }
        if request.query.get("details") == "true":
            shown["requests"] = [asdict(answered) for answered in log.since(since)]
        return Response(body=shown)

    def _clear_requests(self, _: Request, __: Sequence[str]) -> Response:
        self._azurite.flush_requests()
        self._azurite.requests.clear()
        return Response(204)


def _plan(faults: FaultPlan, body: Mapping[str, Any]) -> None:
    faults.plan(
        int(body["status"]),
        calls=body.get("calls"),
        seconds=body.get("seconds"),
        retry_after_seconds=body.get("retryAfterSeconds"),
    )


def _shown(subscription: EventSubscription) -> dict[str, Any]:
    # The target's address has the host's key in it.
    return {
        "id": subscription.id,
        "account": subscription.account,
        "state": subscription.state,
        "delivered": subscription.delivered,
        "dropped": subscription.dropped,
    }


def _error(status: int, message: str) -> Response:
    return Response(status, {"error": {"message": message}})
