"""All emulators for a list of participants in one process, with Azurite as its child (design: local run)."""

import shutil
import tempfile
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from ferry.emulators.admin import AdminServer
from ferry.emulators.azurite import Azurite, launch_azurite, new_account_key
from ferry.emulators.azurite_install import install_azurite
from ferry.emulators.certificates import Certificate, create_certificate
from ferry.emulators.event_grid import EventGrid
from ferry.emulators.fault_relay import FaultRelay
from ferry.emulators.identity import IdentityEndpoint
from ferry.emulators.key_vault import KeyVault
from ferry.emulators.resources import ParticipantResources, StackDescription, account_names, check_participants
from ferry.emulators.tokens import DEFAULT_LIFETIME_SECONDS, TokenIssuer, new_identity

_AZURITE_TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class StackOptions:
    """How Azurite is served: over TLS, with bearer tokens (TLS only), on disk, behind a relay (without TLS only)."""

    https: bool = False
    oauth: bool = False
    location: Path | None = None
    relay: bool = False
    token_lifetime_seconds: float = DEFAULT_LIFETIME_SECONDS
    cache: Path | None = None


class Emulators:
    """The running stack; use `start` as a context manager, or call `close`."""

    def __init__(self, participants: Sequence[str], options: StackOptions) -> None:
        started_at = time.perf_counter()
        self._folder = Path(tempfile.mkdtemp(prefix="ferry-emulators-"))
        self._closers = [lambda: shutil.rmtree(self._folder, ignore_errors=True)]
        try:
            self._open(participants, options)
        except BaseException:
            self.close()
            raise
        self._boot_seconds = time.perf_counter() - started_at

    @classmethod
    def start(cls, participants: Sequence[str], options: StackOptions | None = None) -> Self:
        """Start everything and return when it can be used. Raises AzuriteInstallError, AzuriteStartError."""
        check_participants(participants)
        chosen = options or StackOptions()
        if chosen.oauth and not chosen.https:
            raise ValueError("Azurite accepts bearer tokens over TLS only: use https with oauth")
        if chosen.relay and chosen.https:
            raise ValueError("The fault relay reads plain HTTP: use it without https")
        return cls(participants, chosen)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def azurite(self) -> Azurite:
        """The storage emulator."""
        return self._azurite

    @property
    def vaults(self) -> Mapping[str, KeyVault]:
        """The vaults by participant."""
        return self._vaults

    @property
    def event_grid(self) -> EventGrid:
        """The event source, fed by Azurite."""
        return self._event_grid

    @property
    def description(self) -> StackDescription:
        """Endpoints, keys and environment of every participant."""
        return StackDescription(
            participants={name: self._resources(name) for name in self._vaults},
            admin_url=self._admin.url,
            admin_key=self._admin.key,
            azurite_pid=self._azurite.pid,
            boot_seconds=self._boot_seconds,
        )

    def close(self) -> None:
        """End Azurite and the servers and remove the certificate; a second call does nothing."""
        while self._closers:
            self._closers.pop()()

    def _open(self, participants: Sequence[str], options: StackOptions) -> None:
        installation = install_azurite(options.cache)
        self._certificate = create_certificate(self._folder)
        self._azurite = launch_azurite(
            installation,
            {account: new_account_key() for name in participants for account in account_names(name)},
            certificate=self._certificate if options.https else None,
            oauth=options.oauth,
            location=options.location,
            orphaned_folder=self._folder,
        )
        self._closers.append(self._azurite.stop)
        # Azurite needs a second to boot; the rest starts meanwhile.
        self._open_vaults(participants, options.token_lifetime_seconds, self._certificate)
        self._azurite.wait_until_listening(_AZURITE_TIMEOUT_SECONDS)
        self._relay = FaultRelay(self._azurite) if options.relay else None
        if self._relay is not None:
            self._closers.append(self._relay.close)
        self._event_grid = EventGrid(self._azurite, self._certificate, (self._relay or self._azurite).account)
        self._closers.append(self._event_grid.close)
        self._admin = AdminServer(
            self._azurite,
            vaults=self._vaults,
            identity_endpoint=self._identity_endpoint,
            event_grid=self._event_grid,
            relay=self._relay,
        )
        self._closers.append(self._admin.close)

    def _open_vaults(self, participants: Sequence[str], lifetime_seconds: float, certificate: Certificate) -> None:
        tenant_id = str(uuid.uuid4())
        issuer = TokenIssuer(lifetime_seconds)
        identities = {name: new_identity(name, tenant_id) for name in participants}
        self._identity_endpoint = IdentityEndpoint(issuer, identities)
        self._closers.append(self._identity_endpoint.close)
        self._vaults: dict[str, KeyVault] = {}
        for name, identity in identities.items():
            self._vaults[name] = KeyVault(identity, issuer, certificate)
            self._closers.append(self._vaults[name].close)

    def _resources(self, name: str) -> ParticipantResources:
        storage = self._relay or self._azurite
        host_account, data_account = account_names(name)
        return ParticipantResources(
            name=name,
            host_storage=storage.account(host_account),
            data_storage=storage.account(data_account),
            vault_url=self._vaults[name].url,
            identity_environment=self._identity_endpoint.environment(name),
            trust_environment=self._certificate.trust_environment(),
            certificate_path=self._certificate.certificate_path,
        )
