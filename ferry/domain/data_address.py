"""DataAddress of type AzureStorage: where blobs lie, or where they are to go. Property names are EDC's.

An address never holds a secret: the SAS travels beside it and lies in a vault.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ferry.domain.faults import InputFault, InvalidInput
from ferry.domain.process import Json

AZURE_STORAGE = "AzureStorage"
AZURE_STORAGE_PUSH = "AzureStorage-PUSH"
EDC_NAMESPACE = "https://w3id.org/edc/v0.0.1/ns/"
DEFAULT_MARKER = ".complete"
SECRET_PROPERTY = "secret"  # noqa: S105 - the name of the property, not its value
RENEWAL_PROPERTY = "renewal"

_ACCOUNT = re.compile(r"[a-z0-9]{3,24}")
_CONTAINER = re.compile(r"(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*|\$root|\$web")
_ENDPOINT = re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class SourceAddress:
    """Blobs that a provider owns: one (`blob_name`) or all under a prefix (`blob_prefix`, ends with `/` or is empty).

    `key_name` is the vault's alias of the account key; None stands for the participant's identity or the default alias.
    """

    account: str
    container: str
    blob_name: str | None = None
    blob_prefix: str | None = None
    key_name: str | None = None
    endpoint: str | None = None


@dataclass(frozen=True, slots=True)
class DestinationAddress:
    """Where a consumer wants blobs: container, optional folder (ends with `/`), optional new name for a single blob.

    `renews`: a consumer says that it renews the SAS when it is asked to.
    """

    account: str
    container: str | None = None
    folder: str = ""
    blob_name: str | None = None
    key_name: str | None = None
    endpoint: str | None = None
    marker: str = DEFAULT_MARKER
    renews: bool = False


def is_pull(transfer_type: str) -> bool:
    """Whether the consumer reads (`HttpData-PULL`, also with a response channel behind it) or the provider writes."""
    return re.fullmatch(r".+-PULL(-.+)?", transfer_type, re.IGNORECASE) is not None


def blob_name_fault(path: str, name: str) -> InputFault | None:
    """What is wrong with a blob's name, by the service's rules and ours (no `..`, no control characters)."""
    if not 1 <= len(name) <= 1024:
        return InputFault(path, "a blob name has 1 to 1024 characters")
    if name.count("/") > 253:
        return InputFault(path, "a blob name has at most 254 path segments")
    if _CONTROL.search(name):
        return InputFault(path, "a blob name holds no control characters")
    if any(part in (".", "..") for part in name.split("/")):
        return InputFault(path, "a blob name holds no '.' or '..' segment")
    return None


class AddressReader:
    """Reads the properties of one address and collects every fault in it."""

    def __init__(self, properties: Mapping[str, Json], path: str) -> None:
        self._properties = {name.removeprefix(EDC_NAMESPACE).removeprefix("edc:"): v for name, v in properties.items()}
        self._path = path
        self.faults: list[InputFault] = []

    def text(self, name: str) -> str | None:
        """A property as text; None where it is absent or blank."""
        value = self._properties.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.faults.append(InputFault(f"{self._path}.{name}", "must be a string"))
            return None
        return value

    def matching(self, name: str, pattern: re.Pattern[str], rule: str, *, required: bool) -> str | None:
        """A property that must look like `pattern`."""
        value = self.text(name)
        if value is None:
            if required:
                self.faults.append(InputFault(f"{self._path}.{name}", f"is required: {rule}"))
            return None
        if not pattern.fullmatch(value):
            self.faults.append(InputFault(f"{self._path}.{name}", rule, value))
        return value

    def account(self) -> str:
        """The storage account."""
        rule = "a storage account has 3 to 24 lower-case letters and digits"
        return self.matching("account", _ACCOUNT, rule, required=True) or ""

    def container(self, *, required: bool) -> str | None:
        """The container."""
        rule = "a container has 3 to 63 lower-case letters, digits and single hyphens"
        return self.matching("container", _CONTAINER, rule, required=required)

    def endpoint(self) -> str | None:
        """The blob endpoint of the account, where it is not the public one."""
        value = self.matching(
            "endpoint", re.compile(r"https?://[^/?#@\s]+(/[^?#@\s]*)?"), "an http(s) URL", required=False
        )
        return value.rstrip("/") if value else None

    def blob_name(self, name: str) -> str | None:
        """A property that holds the name of a blob."""
        value = self.text(name)
        fault = blob_name_fault(f"{self._path}.{name}", value) if value is not None else None
        if fault is not None:
            self.faults.append(fault)
        return value

    def has(self, name: str) -> bool:
        """Whether the property is there at all."""
        return name in self._properties

    def expect_type(self) -> None:
        """The address must be of type AzureStorage."""
        value = self.text("type")
        if value != AZURE_STORAGE:
            self.faults.append(InputFault(f"{self._path}.type", f"must be {AZURE_STORAGE}", value))

    def finish(self) -> None:
        """Raise InvalidInput with everything that was found."""
        if self.faults:
            raise InvalidInput(tuple(self.faults))


def read_source(properties: Mapping[str, Json], path: str = "dataAddress") -> SourceAddress:
    """A source address from its properties. Raises InvalidInput with every fault."""
    reader = AddressReader(properties, path)
    reader.expect_type()
    prefix = reader.blob_name("blobPrefix")
    name = reader.blob_name("blobName") or reader.blob_name("blobname")
    if prefix is None and name is None and not reader.has("blobPrefix"):
        reader.faults.append(InputFault(f"{path}.blobName", "either blobName or blobPrefix is required"))
    if prefix is not None and not prefix.endswith("/"):
        reader.faults.append(InputFault(f"{path}.blobPrefix", "must end with '/'", prefix))
    if reader.has(SECRET_PROPERTY):
        reader.faults.append(InputFault(f"{path}.secret", "no secret in an asset: name its vault alias in keyName"))
    source = SourceAddress(
        account=reader.account(),
        container=reader.container(required=True) or "",
        blob_name=None if reader.has("blobPrefix") else name,
        blob_prefix=(prefix or "") if reader.has("blobPrefix") else None,
        key_name=reader.text("keyName"),
        endpoint=reader.endpoint(),
    )
    reader.finish()
    return source


def read_destination(properties: Mapping[str, Json], path: str = "dataDestination") -> DestinationAddress:
    """A destination address from its properties. Raises InvalidInput with every fault."""
    reader = AddressReader(properties, path)
    reader.expect_type()
    folder = reader.blob_name("folderName") or ""
    destination = DestinationAddress(
        account=reader.account(),
        container=reader.container(required=False),
        folder=folder if not folder or folder.endswith("/") else f"{folder}/",
        blob_name=reader.blob_name("blobName") or reader.blob_name("blobname"),
        key_name=reader.text("keyName"),
        endpoint=reader.endpoint(),
        marker=reader.blob_name("completionMarker") or DEFAULT_MARKER,
        renews=reader.text(RENEWAL_PROPERTY) == "true",
    )
    reader.finish()
    return destination
