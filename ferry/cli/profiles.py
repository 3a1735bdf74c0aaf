"""Profiles: which participant a command speaks to, and with which key; from a file, or from the environment.

The file is `$XDG_CONFIG_HOME/ferry/config.toml` (`~/.config/ferry/config.toml`), or what FERRY_CONFIG names:

    default = "consumer"

    [profiles.consumer]
    url = "https://consumer.example"
    api_key_env = "CONSUMER_KEY"

`--profile` goes before FERRY_URL, that before FERRY_PROFILE, that before the file's default. Nothing here prints a key.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.domain.secret import Secret

MANAGEMENT_PATH = "/api/management/v3"
ENVIRONMENT = "environment"
URL_VARIABLE, KEY_VARIABLE, TOKEN_VARIABLE = "FERRY_URL", "FERRY_API_KEY", "FERRY_TOKEN"
PROFILE_VARIABLE, CONFIG_VARIABLE = "FERRY_PROFILE", "FERRY_CONFIG"
_LOOPBACK_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
# Each kind of credential, and the header that carries it.
CREDENTIALS = {"api_key": "x-api-key", "function_key": "x-functions-key", "token": "authorization"}
_MEMBERS = frozenset({"url", *CREDENTIALS, *(f"{name}_env" for name in CREDENTIALS)})

type Table = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A participant: `url` has no slash at the end. `headers` prove who asks, by header name; `is_default`: unasked."""

    name: str
    url: str
    headers: Mapping[str, Secret] = field(default_factory=dict[str, Secret], repr=False)
    is_default: bool = False

    @property
    def management_url(self) -> str:
        """The base of the management API; a `url` that names its version is taken as it is."""
        return self.url if "/management/" in self.url else f"{self.url}{MANAGEMENT_PATH}"

    @property
    def app_url(self) -> str:
        """The base of the app itself, below which `/api` stands."""
        return self.url.partition("/api/management/")[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfigFile:
    """The file as it is: its profiles by name, still unchecked, and the name of the default one."""

    path: Path
    default: str = ""
    profiles: Mapping[str, Table] = field(default_factory=dict[str, Table], repr=False)

    @property
    def holds_secrets(self) -> bool:
        """Whether a key itself stands in it, not the name of a variable."""
        return any(name in profile for profile in self.profiles.values() for name in CREDENTIALS)


def config_path(environment: Mapping[str, str] = os.environ) -> Path:
    """Where the file is, or would be."""
    named = environment.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    base = environment.get("XDG_CONFIG_HOME")
    return (Path(base) if base else Path.home() / ".config") / "ferry" / "config.toml"


def read_config(environment: Mapping[str, str] = os.environ) -> ConfigFile:
    """The file; an empty one where there is none. Raises CommandFailed."""
    path = config_path(environment)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ConfigFile(path=path)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _fault(f"{path} cannot be read: {error}", "mend the file; docs/cli.md shows one") from None
    default, profiles = document.get("default", ""), document.get("profiles", {})
    if not isinstance(default, str) or not isinstance(profiles, dict):
        raise _fault(f"{path}: `default` is a name, `profiles` is a table", "mend the file; docs/cli.md shows one")
    named = cast("dict[str, object]", profiles)
    wrong = [name for name, profile in named.items() if not isinstance(profile, dict)]
    if wrong:
        raise _fault(f"{path}: profiles.{wrong[0]} is not a table", "mend the file; docs/cli.md shows one")
    return ConfigFile(path=path, default=default, profiles=cast("dict[str, Table]", named))


def find_profile(name: str | None, environment: Mapping[str, str] = os.environ) -> Profile:
    """The profile of that name, or the one that is meant where none is named. Raises CommandFailed with every fault."""
    if name is None and environment.get(URL_VARIABLE):
        return _of_environment(environment)
    config = read_config(environment)
    chosen = name or environment.get(PROFILE_VARIABLE) or config.default
    if not chosen and len(config.profiles) == 1:
        chosen = next(iter(config.profiles))
    if not chosen:
        raise _fault(
            "No participant is named",
            f"set {URL_VARIABLE} and {KEY_VARIABLE}, or write a profile into {config.path} (docs/cli.md)",
        )
    if chosen not in config.profiles:
        known = ", ".join(sorted(config.profiles)) or "none"
        raise _fault(f"There is no profile {chosen!r} in {config.path}; known: {known}", "name a known one")
    return _of_file(chosen, config, environment, is_default=name is None)


def _of_environment(environment: Mapping[str, str]) -> Profile:
    headers: dict[str, Secret] = {}
    if environment.get(KEY_VARIABLE):
        headers["x-api-key"] = Secret(environment[KEY_VARIABLE])
    if environment.get(TOKEN_VARIABLE):
        headers["authorization"] = Secret(f"Bearer {environment[TOKEN_VARIABLE]}")
    url = environment[URL_VARIABLE].rstrip("/")
    faults = _url_faults(URL_VARIABLE, url) + _header_faults(headers)
    if faults:
        raise _fault("The environment names no participant:", "correct the variables", faults)
    return Profile(name=ENVIRONMENT, url=url, headers=headers, is_default=True)


def _of_file(name: str, config: ConfigFile, environment: Mapping[str, str], *, is_default: bool) -> Profile:
    table = config.profiles[name]
    faults = [f"{member} is not known; known: {', '.join(sorted(_MEMBERS))}" for member in table.keys() - _MEMBERS]
    faults += [f"{member} is not a string" for member, value in table.items() if not isinstance(value, str)]
    texts = {member: value for member, value in table.items() if isinstance(value, str)}
    url = texts.get("url", "").rstrip("/")
    faults += _url_faults("url", url)
    headers: dict[str, Secret] = {}
    for kind, header in CREDENTIALS.items():
        value = texts.get(kind)
        variable = texts.get(f"{kind}_env")
        if variable:
            value = environment.get(variable)
            if not value:
                faults.append(f"{kind}_env names the variable {variable}, which is not set")
        if value:
            headers[header] = Secret(f"Bearer {value}" if kind == "token" else value)
    faults += _header_faults(headers)
    if faults:
        raise _fault(f"Profile {name} in {config.path} is not right:", "mend these", faults)
    return Profile(name=name, url=url, headers=headers, is_default=is_default)


def _url_faults(what: str, url: str) -> list[str]:
    """A key goes with every request, so nothing but https, or this machine itself, will do."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return [f"{what} is not a URL"]
    if parts.scheme not in ("https", "http") or not host or parts.query or parts.username:
        return [f"{what} must look like https://participant.example, without a query or a user"]
    if parts.scheme == "http" and not is_loopback_host(host):
        return [f"{what} must be https: over http the key could be read on its way (http is for this machine alone)"]
    return []


def _header_faults(headers: Mapping[str, Secret]) -> list[str]:
    """What no header can hold, such as a key that was copied with a line end."""
    return [
        f"the value for {name} holds characters that a header cannot hold (a line end?)"
        for name, value in headers.items()
        if not value.reveal().isascii() or not value.reveal().isprintable()
    ]


def is_loopback_host(host: str) -> bool:
    """Whether a host is this machine."""
    return host in _LOOPBACK_HOSTS or host.endswith(".localhost")


def _fault(what: str, next_step: str, faults: list[str] | None = None) -> CommandFailed:
    return CommandFailed(what, next_step=next_step, exit_code=ExitCode.USAGE, faults=faults or ())
