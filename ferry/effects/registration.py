"""A data plane that registers itself with its control plane, again and again: one that starts anew has forgotten it.

It is done by the timer, whose first round comes with the start of the app; the same registration again changes nothing.
"""

import logging
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ferry.domain.data_address import AZURE_STORAGE
from ferry.domain.faults import EffectFailed
from ferry.domain.process import Json
from ferry.ports.callbacks import Callbacks
from ferry.ports.clock import Clock
from ferry.ports.vault import Vault
from ferry.protocol import signaling_v1
from ferry.protocol.signaling_flows import AZURE_STORAGE_PULL, AZURE_STORAGE_PUSH, SUPPORTED

log = logging.getLogger("ferry.registration")

AGAIN = timedelta(minutes=10)
_MANAGEMENT_CONTEXT = "https://w3id.org/edc/connector/management/v2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registrar:
    """Where and how a control plane is told of this plane. `key_name`: the vault's secret for its `x-api-key`."""

    url: str
    dialect: str
    plane_id: str
    plane_url: str
    key_name: str | None = None

    @property
    def address(self) -> str:
        """Where the registration goes."""
        return f"{self.url}/{'v1/' if self.is_edc else ''}dataplanes"

    @property
    def method(self) -> str:
        """POST to EDC's selector, PUT by Data Plane Signaling."""
        return "POST" if self.is_edc else "PUT"

    @property
    def is_edc(self) -> bool:
        """Whether the control plane speaks EDC's own signaling."""
        return self.dialect == signaling_v1.DIALECT

    def message(self) -> dict[str, Json]:
        """The registration."""
        if self.is_edc:
            return {
                "@context": signaling_v1.CONTEXT,
                "@type": "DataPlaneInstance",
                "@id": self.plane_id,
                "url": f"{self.plane_url}/v1/dataflows",
                "allowedSourceTypes": [AZURE_STORAGE],
                "allowedTransferTypes": [AZURE_STORAGE_PUSH, AZURE_STORAGE_PULL],
            }
        return {
            "@context": [_MANAGEMENT_CONTEXT],
            "@type": "DataPlaneInstance",
            "dataplaneId": self.plane_id,
            "endpoint": f"{self.plane_url}/dataflows",
            "transferTypes": list(SUPPORTED),
            "labels": [],
        }


@dataclass(slots=True, kw_only=True)
class Registration:
    """Keeps the registration; `registrar` None where there is nowhere to register."""

    registrar: Registrar | None
    callbacks: Callbacks
    vault: Vault
    clock: Clock
    _done_at: datetime | None = field(default=None, init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False)

    def keep(self) -> bool:
        """Register unless that was done a moment ago; whether it is registered. What goes wrong is tried again."""
        registrar = self.registrar
        if registrar is None:
            return False
        with self._lock:
            if self._done_at is not None and self.clock.now() - self._done_at < AGAIN:
                return True
            try:
                status = self._send(registrar)
            except EffectFailed as failed:
                log.warning("not registered at %s: %s; it is tried again", registrar.url, failed.fault.message)
                return False
            if not 200 <= status < 300:
                log.warning("not registered: %s answered %s; it is tried again", registrar.address, status)
                return False
            self._done_at = self.clock.now()
            log.info("registered as data plane %s at %s", registrar.plane_id, registrar.url)
            return True

    def _send(self, registrar: Registrar) -> int:
        key = self.vault.get(registrar.key_name) if registrar.key_name else None
        headers = {"x-api-key": key} if key is not None else {}
        return self.callbacks.deliver(registrar.address, registrar.message(), headers=headers, method=registrar.method)
