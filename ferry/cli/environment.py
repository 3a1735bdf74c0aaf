"""The settings of a participant on this machine: what the app reads from its environment, and none of the shell's."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.emulators.azurite import StorageAccount
from ferry.emulators.resources import ParticipantResources

DESTINATION_CONNECTION = "FERRY_DESTINATION_STORAGE"
HOST_STORAGE = "AzureWebJobsStorage"
JANITOR_SECONDS = 20

# What a shell may hold for other apps, and what would lead this one astray.
_FOREIGN_PREFIXES = (
    "FERRY_",
    "AZURE_",
    "IDENTITY_",
    "MSI_",
    "AzureWebJobs",
    "AzureFunctions",
    "WEBSITE_",
    "FUNCTIONS_",
)
_FOREIGN_NAMES = frozenset(
    {
        "PYTHON_THREADPOOL_THREAD_COUNT",
        "PYTHONDONTWRITEBYTECODE",
        "APPLICATIONINSIGHTS_CONNECTION_STRING",
        "CORS_ALLOWED_ORIGINS",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantSettings:
    """One process of a participant. `data_plane_url`: where its data plane runs, if that is another process.

    `signed`: it proves who it is, to `partners` (their DIDs by participant id). `dashboards`: origins of the apps that
    may show its side of a transfer beside theirs, and whose side it may show.
    """

    resources: ParticipantResources
    host_id: str
    api_key: str = field(repr=False)
    roles: str = "consumer,provider,dataplane"
    keyless: bool = False
    data_plane_url: str = ""
    signed: bool = False
    partners: Mapping[str, str] = field(default_factory=dict[str, str])
    dashboards: tuple[str, ...] = ()

    def environment(self, public_url: str) -> dict[str, str]:
        """The variables, without those of the machine."""
        resources, account = self.resources, self.resources.data_storage
        known: dict[str, str] = {"endpoint": account.blob_endpoint}
        if self.keyless:
            known["credential"] = "identity"
        return {
            **resources.environment(),
            **self._host_storage(),
            **_connection(DESTINATION_CONNECTION, account, keyless=self.keyless),
            "AzureFunctionsWebHost__hostid": self.host_id,
            "FUNCTIONS_WORKER_RUNTIME": "python",
            "FERRY_PARTICIPANT_ID": resources.name,
            "FERRY_PUBLIC_URL": public_url,
            "FERRY_ROLES": self.roles,
            "FERRY_VAULT_URL": resources.vault_url,
            "FERRY_API_KEY": self.api_key,
            "FERRY_STORAGE_ACCOUNTS": json.dumps({account.name: known}),
            "FERRY_DESTINATION_ACCOUNT": account.name,
            "FERRY_DESTINATION_CONNECTION": DESTINATION_CONNECTION,
            "FERRY_ALLOW_LOOPBACK": "true",
            "FERRY_JANITOR_SCHEDULE": f"*/{JANITOR_SECONDS} * * * * *",
            "FERRY_JANITOR_SECONDS": str(JANITOR_SECONDS),
            "FERRY_DATA_PLANE_URL": self.data_plane_url,
            "FERRY_IDENTITY": "signed" if self.signed else "mock",
            "FERRY_PARTNERS": json.dumps(dict(self.partners)),
            "FERRY_DASHBOARD_PARTNERS": ",".join(self.dashboards),
            "CORS_ALLOWED_ORIGINS": json.dumps(self.dashboards) if self.dashboards else "",
        }

    def _host_storage(self) -> dict[str, str]:
        if not self.keyless:
            return {}
        # The empty one takes away what the resources say: no key at all is in this environment.
        return {HOST_STORAGE: "", **_connection(HOST_STORAGE, self.resources.host_storage, keyless=True)}


def machine_environment() -> dict[str, str]:
    """The variables of this process that a participant may see."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_FOREIGN_PREFIXES) and name not in _FOREIGN_NAMES
    }


def merged(*layers: Mapping[str, str]) -> dict[str, str]:
    """The layers in one, later ones above earlier ones; an empty value takes a variable away."""
    found: dict[str, str] = {}
    for layer in layers:
        found.update(layer)
    return {name: value for name, value in found.items() if value}


def _connection(setting: str, account: StorageAccount, *, keyless: bool) -> dict[str, str]:
    """A storage connection by the conventions of Functions: with the account's key, or for the identity."""
    if not keyless:
        return {setting: account.connection_string}
    return {
        f"{setting}__blobServiceUri": account.blob_endpoint,
        f"{setting}__queueServiceUri": account.queue_endpoint,
        f"{setting}__tableServiceUri": account.table_endpoint,
    }
