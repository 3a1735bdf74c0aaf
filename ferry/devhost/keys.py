"""Function, host, system and master keys, checked as in Azure when authentication is switched on.

The keys file is JSON with `masterKey`, `functionKeys` (host keys by name), `systemKeys` (`blobs_extension`) and
`functions` (keys of a function by name). FERRY_DEVHOST_KEYS_FILE names it; else it lies in the user's cache. It is
written on first use.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from ferry.devhost.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ferry.devhost.functions import AuthLevel

KEYS_FILE_SETTING = "FERRY_DEVHOST_KEYS_FILE"
BLOBS_SYSTEM_KEY = "blobs_extension"


@dataclass(frozen=True, slots=True, repr=False)
class HostKeys:
    """The keys of one app, by kind and name."""

    master: str
    host: Mapping[str, str] = field(default_factory=dict[str, str])
    system: Mapping[str, str] = field(default_factory=dict[str, str])
    functions: Mapping[str, Mapping[str, str]] = field(default_factory=dict[str, "Mapping[str, str]"])

    def admits_function(self, function_name: str, level: AuthLevel, presented: str) -> bool:
        """Whether a presented key opens a function of this level; the master key opens all."""
        if level == "anonymous":
            return True
        if level == "admin":
            return self.admits_admin(presented)
        own = self.functions.get(function_name, {})
        return _matches(presented, (self.master, *self.host.values(), *own.values()))

    def admits_admin(self, presented: str) -> bool:
        """Whether a presented key is the master key."""
        return _matches(presented, (self.master,))

    def admits_extension(self, key_name: str, presented: str) -> bool:
        """Whether a presented key is the extension's system key, or the master key."""
        return _matches(presented, (self.master, *filter(None, (self.system.get(key_name),))))


class OpenAccess:
    """Everybody is admitted: what `func start` does unless --enableAuth is given."""

    def admits_function(self, function_name: str, level: AuthLevel, presented: str) -> bool:
        """Always."""
        return True

    def admits_admin(self, presented: str) -> bool:
        """Always."""
        return True

    def admits_extension(self, key_name: str, presented: str) -> bool:
        """Always."""
        return True


type Access = HostKeys | OpenAccess


def keys_file(host_id: str, environ: Mapping[str, str] = os.environ) -> Path:
    """Where the keys lie: the setting, or the user's cache."""
    configured = environ.get(KEYS_FILE_SETTING)
    if configured:
        return Path(configured)
    cache = Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "ferry" / "devhost" / host_id / "keys.json"


def load_keys(file: Path) -> HostKeys:
    """Read the keys, after writing new ones when there is no such file (readable by its owner only)."""
    if not file.exists():
        _write_new_keys(file)
    try:
        document: object = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise SettingsError(f"The keys file {file} is not valid JSON: {error}") from error
    if not isinstance(document, dict):
        raise SettingsError(f"The keys file {file} must hold a JSON object")
    sections = cast("dict[str, object]", document)
    master = sections.get("masterKey")
    if not isinstance(master, str) or not master:
        raise SettingsError(f'The keys file {file} has no "masterKey"')
    functions = cast("dict[str, object]", sections.get("functions") or {})
    return HostKeys(
        master=master,
        host=_names(sections.get("functionKeys"), file),
        system=_names(sections.get("systemKeys"), file),
        functions={name: _names(keys, file) for name, keys in functions.items()},
    )


def _write_new_keys(file: Path) -> None:
    document = {
        "masterKey": secrets.token_urlsafe(32),
        "functionKeys": {"default": secrets.token_urlsafe(32)},
        "systemKeys": {BLOBS_SYSTEM_KEY: secrets.token_urlsafe(32)},
        "functions": {},
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(document, stream, indent=2)


def _names(value: object, file: Path) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise SettingsError(f"A section of the keys file {file} is not a JSON object")
    return {name: str(key) for name, key in cast("dict[str, object]", value).items() if key}


def _matches(presented: str, accepted: Iterable[str]) -> bool:
    given = presented.encode()
    return any([hmac.compare_digest(given, key.encode()) for key in accepted])
