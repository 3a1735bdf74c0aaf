"""How the app reaches its own storage account: the setting that Functions itself uses, with a key or without."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.secret import Secret

_PUBLIC_SUFFIX = "core.windows.net"


@dataclass(frozen=True, slots=True)
class StorageConnection:
    """A connection string, or endpoints that are used with the participant's own identity."""

    connection_string: Secret | None = field(default=None, repr=False)
    table_endpoint: str = ""
    queue_endpoint: str = ""
    blob_endpoint: str = ""


def read_connection(environment: Mapping[str, str], setting: str = "AzureWebJobsStorage") -> StorageConnection:
    """The connection that a setting names, by the conventions of Functions. Raises InvalidInput.

    `<setting>` is a connection string; `<setting>__accountName`, or `<setting>__tableServiceUri` and
    `<setting>__queueServiceUri`, stand for identity. `<setting>__blobServiceUri` may be left out: then it is the table
    service's with another word.
    """
    if environment.get(setting):
        return StorageConnection(Secret(environment[setting]))
    account = environment.get(f"{setting}__accountName", "")
    endpoints = [_endpoint(environment, setting, service, account) for service in ("table", "queue")]
    if not all(endpoints):
        example = f"{setting}=UseDevelopmentStorage=true, or {setting}__accountName=myaccount"
        raise InvalidInput((InputFault(setting, f"is required, for example {example}"),))
    blob_endpoint = _endpoint(environment, setting, "blob", account) or endpoints[0].replace(".table.", ".blob.", 1)
    return StorageConnection(table_endpoint=endpoints[0], queue_endpoint=endpoints[1], blob_endpoint=blob_endpoint)


def _endpoint(environment: Mapping[str, str], setting: str, service: str, account: str) -> str:
    given = environment.get(f"{setting}__{service}ServiceUri", "")
    return given or (f"https://{account}.{service}.{_PUBLIC_SUFFIX}" if account else "")
