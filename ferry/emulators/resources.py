"""What the emulators hold for each participant, and how a child process tells its parent of it (design: local run)."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ferry.emulators.azurite import StorageAccount

# The longest account name, 24 characters, must hold the participant's name and a suffix.
_PARTICIPANT = re.compile(r"[a-z][a-z0-9]{1,19}")
_HOST_SUFFIX = "host"
_DATA_SUFFIX = "data"


@dataclass(frozen=True, slots=True)
class ParticipantResources:
    """One participant's Azure: two storage accounts, a vault and a managed identity."""

    name: str
    host_storage: StorageAccount
    data_storage: StorageAccount
    vault_url: str
    identity_environment: Mapping[str, str] = field(repr=False)
    trust_environment: Mapping[str, str]
    certificate_path: Path

    def environment(self) -> dict[str, str]:
        """The variables that the participant's Functions app needs besides its own settings."""
        return {
            "AzureWebJobsStorage": self.host_storage.connection_string,
            **self.identity_environment,
            **self.trust_environment,
            **_without_proxy(),
        }


@dataclass(frozen=True, slots=True)
class StackDescription:
    """Everything that a client of a running stack must know; it contains the emulators' keys."""

    participants: Mapping[str, ParticipantResources]
    admin_url: str
    admin_key: str = field(repr=False)
    azurite_pid: int
    boot_seconds: float

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self), default=str)

    @staticmethod
    def from_json(text: str) -> "StackDescription":
        """The reverse of `to_json`."""
        document: dict[str, Any] = json.loads(text)
        participants = {name: _participant(shown) for name, shown in document.pop("participants").items()}
        return StackDescription(participants=participants, **document)


def check_participants(names: Sequence[str]) -> None:
    """Raise ValueError unless the names are distinct and can begin a storage account's name."""
    if not names or len(set(names)) != len(names):
        raise ValueError("Name at least one participant, and none twice")
    for name in names:
        if not _PARTICIPANT.fullmatch(name):
            raise ValueError(f"The participant's name {name!r} must match {_PARTICIPANT.pattern}")


def account_names(participant: str) -> tuple[str, str]:
    """The names of a participant's host storage and data storage account."""
    return participant + _HOST_SUFFIX, participant + _DATA_SUFFIX


def _without_proxy() -> dict[str, str]:
    # A proxy of the machine cannot reach the machine's loopback. Python's clients read the lower-case name first.
    kept = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = ",".join(filter(None, (kept, "127.0.0.1", "localhost")))
    return {"NO_PROXY": hosts, "no_proxy": hosts}


def _participant(document: dict[str, Any]) -> ParticipantResources:
    accounts = {name: StorageAccount(**document.pop(name)) for name in ("host_storage", "data_storage")}
    certificate_path = Path(document.pop("certificate_path"))
    return ParticipantResources(**accounts, **document, certificate_path=certificate_path)
