"""Reads single settings from an environment, and keeps every fault that it finds on the way."""

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.json_value import Json
from ferry.settings.table import SETTINGS

# What fits at the head of the name of a table and of a queue.
_PREFIX = re.compile(r"[a-z][a-z0-9]{2,19}")
# What a browser calls an origin; nothing in it could end a directive of a content policy.
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?")
_SECRET_NAME = re.compile(r"[0-9a-zA-Z-]{1,127}")
_ACCOUNT_MEMBERS = ("endpoint", "keyName", "credential")


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What the settings say of a storage account."""

    endpoint: str | None = None
    key_name: str | None = None
    use_identity: bool = False


class SettingReader:
    """The settings of one environment; `faults` tells what is missing or wrong, each with an example."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._known = {setting.name: setting for setting in SETTINGS}
        self.faults: list[str] = []

    def text(self, name: str) -> str:
        setting = self._known[name]
        value = self._environment.get(name, "").strip()
        if value:
            return value
        if setting.default is None:
            self.fault(name, "is missing")
        return setting.default or ""

    def is_given(self, name: str) -> bool:
        return bool(self._environment.get(name, "").strip())

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and not value.startswith(("http://", "https://")):
            self.fault(name, f"is no URL: {value!r}")
        return value.rstrip("/")

    def number(self, name: str) -> float:
        value = self.text(name)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < math.inf:
            self.fault(name, f"is no number of 0 or more: {value!r}")
        return number

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in choices:
            self.fault(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def items(self, name: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in self.text(name).split(",") if item.strip())

    def networks(self, name: str) -> tuple[str, ...]:
        items = self.items(name)
        for item in items:
            try:
                ipaddress.ip_network(item)
            except ValueError:
                self.fault(name, f"holds no network: {item!r}")
        return items

    def origins(self, name: str) -> tuple[str, ...]:
        items = self.items(name)
        for item in items:
            if not _ORIGIN.fullmatch(item):
                self.fault(name, f"holds no origin (scheme, host and port alone, lower case): {item!r}")
        return items

    def prefix(self, name: str) -> str:
        value = self.text(name)
        if not _PREFIX.fullmatch(value):
            self.fault(name, f"must be 3 to 20 lower-case letters and digits, with a letter first, not {value!r}")
        return value

    def secret_name(self, name: str) -> str:
        value = self.text(name)
        if not _SECRET_NAME.fullmatch(value):
            self.fault(name, f"must be 1 to 127 letters, digits and hyphens, not {value!r}")
        return value

    def json(self, name: str) -> dict[str, Json]:
        value = self.text(name)
        try:
            parsed: Json = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            self.fault(name, "is no JSON object")
            return {}
        return dict(parsed)

    def callbacks(self, name: str) -> tuple[CallbackAddress, ...]:
        """A JSON array of callback addresses."""
        try:
            told: Json = json.loads(self.text(name))
        except ValueError:
            told = None
        if not isinstance(told, list):
            self.fault(name, "is no JSON array")
            return ()
        return tuple(found for number, item in enumerate(told) if (found := self._callback(name, number, item)))

    def _callback(self, name: str, number: int, item: Json) -> CallbackAddress | None:
        # Only who is told of events pays for the rules of addresses while the app starts.
        from ferry.domain.events import read_callback
        from ferry.domain.faults import InvalidInput

        try:
            return read_callback(item if isinstance(item, dict) else {}, f"[{number}]")
        except InvalidInput as error:
            self.fault(name, f"has at {error}")
            return None

    def deadlines(self, name: str) -> dict[str, float]:
        """Seconds by the name of a state."""
        told = self.json(name)
        known = _states() if told else frozenset[str]()
        deadlines: dict[str, float] = {}
        for state, seconds in told.items():
            if state not in known:
                self.fault(name, f"names no state: {state!r}")
            elif isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
                self.fault(name, f"has no number of 0 or more for {state}: {seconds!r}")
            else:
                deadlines[state] = float(seconds)
        return deadlines

    def accounts(self, name: str) -> dict[str, KnownAccount]:
        return {account: self._account(name, account, value) for account, value in self.json(name).items()}

    def _account(self, name: str, account: str, value: Json) -> KnownAccount:
        said: Mapping[str, Json] = value if isinstance(value, Mapping) else {}
        texts = {key: text for key, text in said.items() if key in _ACCOUNT_MEMBERS and isinstance(text, str)}
        endpoint, credential = texts.get("endpoint", ""), texts.get("credential", "key")
        if not isinstance(value, Mapping) or texts.keys() != said.keys():
            self.fault(name, f"has for {account!r} no object of {', '.join(_ACCOUNT_MEMBERS)} alone, as text")
        elif endpoint and not endpoint.startswith(("http://", "https://")):
            self.fault(name, f"has for {account!r} an endpoint that is no URL: {endpoint!r}")
        elif credential not in ("key", "identity"):
            self.fault(name, f"has for {account!r} a credential that is neither key nor identity: {credential!r}")
        return KnownAccount(endpoint.rstrip("/") or None, texts.get("keyName"), credential == "identity")

    def fault(self, name: str, what: str) -> None:
        setting = self._known[name]
        self.faults.append(f"{name} {what}: {setting.purpose}, for example {name}={setting.example}")


def _states() -> frozenset[str]:
    # Only who sets deadlines pays for the tables of states while the app starts.
    from ferry.domain.states import NegotiationState, TransferState

    return frozenset({*TransferState, *NegotiationState, "DATA_FLOW"})
