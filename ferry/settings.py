"""What a deployment says of itself, read from the environment once; every fault is told at once, with an example."""

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.decision import Limits
from ferry.domain.faults import FerryError
from ferry.domain.process import Json
from ferry.domain.states import NegotiationState, TransferState

# What fits at the head of the name of a table and of a queue.
_PREFIX = re.compile(r"[a-z][a-z0-9]{2,19}")


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its name, what it is for, an example. `default` None: it must be given."""

    name: str
    purpose: str
    example: str
    default: str | None = None


SETTINGS: tuple[Setting, ...] = (
    Setting("FERRY_PARTICIPANT_ID", "who this participant is to its peers", "consumer"),
    Setting("FERRY_PUBLIC_URL", "where peers reach this app", "https://ferry-consumer.azurewebsites.net"),
    Setting("FERRY_VAULT_URL", "the Key Vault for keys and SAS", "https://my-vault.vault.azure.net"),
    Setting("FERRY_ROLES", "which parts run here", "consumer,provider", "consumer,provider,dataplane"),
    Setting("FERRY_MANAGEMENT_AUTH", "who may manage: api-key or function-key", "api-key", "api-key"),
    Setting("FERRY_API_KEY", "the key in x-api-key, for FERRY_MANAGEMENT_AUTH=api-key", "@Microsoft.KeyVault(...)", ""),
    Setting("FERRY_IDENTITY", "how peers prove who they are", "mock", "mock"),
    Setting("FERRY_STORAGE_CONNECTION", "the setting that leads to tables and queues", "STATE", "AzureWebJobsStorage"),
    Setting("FERRY_DESTINATION_ACCOUNT", "where transfers go that name no account", "consumerdata", ""),
    Setting("FERRY_DESTINATION_CONNECTION", "the setting that the blob trigger uses; none: no trigger", "DATA", ""),
    Setting(
        "FERRY_STORAGE_ACCOUNTS",
        "accounts that are not at the public address, or have another key name, or none (credential identity)",
        '{"consumerdata": {"endpoint": "https://data.example.org", "keyName": "k", "credential": "key"}}',
        "{}",
    ),
    Setting("FERRY_STORAGE_CREDENTIAL", "key (from the vault) or identity, for all other accounts", "identity", "key"),
    Setting("FERRY_ALLOWED_HOSTS", "hosts that this app may call", "peer.example.org,.example.net", ""),
    Setting("FERRY_ALLOWED_NETWORKS", "private networks that those hosts may lie in", "10.1.0.0/16", ""),
    Setting("FERRY_ALLOW_LOOPBACK", "whether http and loopback are allowed (local runs)", "true", "false"),
    Setting(
        "FERRY_DATA_PLANE_URL", "a data plane in another app; empty: embedded", "https://plane.example.org/api", ""
    ),
    Setting("FERRY_INLINE_SECONDS", "how long a management call goes on with a process", "0", "1"),
    Setting("FERRY_JANITOR_SCHEDULE", "when the janitor runs (NCRONTAB)", "*/20 * * * * *", "0 */5 * * * *"),
    Setting("FERRY_JANITOR_SECONDS", "after how long the janitor looks at a process", "20", "300"),
    Setting("FERRY_DEADLINES", "seconds in a state before it is given up", '{"REQUESTED": 600}', "{}"),
    Setting("FERRY_DEADLINE_SECONDS", "the same for all other states", "600", "3600"),
    Setting("FERRY_FIRST_LOOK_SECONDS", "the first look for the data", "2", "2"),
    Setting("FERRY_LAST_LOOK_SECONDS", "the longest pause between such looks", "30", "30"),
    Setting("FERRY_SAS_SECONDS", "how long a SAS is valid", "3600", "3600"),
    Setting("FERRY_SAS_GRACE_SECONDS", "how long a new SAS that is refused is tried again", "40", "40"),
    Setting("FERRY_NOTIFY_SECONDS", "how long a peer is told of an end", "600", "600"),
    Setting("FERRY_RETENTION_DAYS", "how long finished processes are kept", "30", "30"),
    Setting("FERRY_NAME_PREFIX", "what tables and queues begin with", "ferry", "ferry"),
    Setting("FERRY_LOG_LEVEL", "what is logged", "DEBUG", "INFO"),
)

_STATE_SECONDS: dict[str, Json] = {"PREPARATION_REQUESTED": 300, "REQUESTING": 600, "INITIAL": 300, "STARTING": 600}
_LONG_SECONDS: dict[str, Json] = {"STARTED": 86400, "DATA_FLOW": 86400}
_STATES = frozenset({*TransferState, *NegotiationState, "DATA_FLOW"})
_ACCOUNT_MEMBERS = ("endpoint", "keyName", "credential")


class SettingsError(FerryError):
    """Settings are missing or wrong; the message names each with its purpose and an example."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the app cannot start:\n  " + "\n  ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True)
class KnownAccount:
    """What the settings say of a storage account."""

    endpoint: str | None = None
    key_name: str | None = None
    use_identity: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. URLs have no slash at the end."""

    participant_id: str
    public_url: str
    vault_url: str
    roles: frozenset[str]
    management_auth: str
    api_key: str = field(repr=False)
    identity: str
    storage_connection: str
    destination_account: str
    destination_connection: str
    accounts: Mapping[str, KnownAccount]
    use_identity: bool
    allowed_hosts: tuple[str, ...]
    allowed_networks: tuple[str, ...]
    allow_loopback: bool
    data_plane_url: str
    inline_seconds: float
    janitor_schedule: str
    janitor_seconds: float
    sas_grace_seconds: float
    limits: Limits
    name_prefix: str
    log_level: str

    @property
    def dsp_url(self) -> str:
        """The DSP base: catalog and the provider's side; the version endpoint stands one level up."""
        return f"{self.public_url}/api/dsp/2025-1"

    @property
    def callback_url(self) -> str:
        """The DSP base of the consumer's side."""
        return f"{self.dsp_url}/consumer"

    @property
    def control_url(self) -> str:
        """Where a data plane in another app tells the end of a flow."""
        return f"{self.public_url}/api/control"


class _Reader:
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
            self._fault(name, "is missing")
        return setting.default or ""

    def url(self, name: str) -> str:
        value = self.text(name)
        if value and not value.startswith(("http://", "https://")):
            self._fault(name, f"is no URL: {value!r}")
        return value.rstrip("/")

    def number(self, name: str) -> float:
        value = self.text(name)
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number < math.inf:
            self._fault(name, f"is no number of 0 or more: {value!r}")
        return number

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        value = self.text(name)
        if value not in choices:
            self._fault(name, f"must be one of {', '.join(choices)}, not {value!r}")
        return value

    def items(self, name: str) -> tuple[str, ...]:
        return tuple(item.strip() for item in self.text(name).split(",") if item.strip())

    def networks(self, name: str) -> tuple[str, ...]:
        items = self.items(name)
        for item in items:
            try:
                ipaddress.ip_network(item)
            except ValueError:
                self._fault(name, f"holds no network: {item!r}")
        return items

    def prefix(self, name: str) -> str:
        value = self.text(name)
        if not _PREFIX.fullmatch(value):
            self._fault(name, f"must be 3 to 20 lower-case letters and digits, with a letter first, not {value!r}")
        return value

    def json(self, name: str) -> dict[str, Json]:
        value = self.text(name)
        try:
            parsed: Json = json.loads(value)
        except ValueError:
            parsed = None
        if not isinstance(parsed, dict):
            self._fault(name, "is no JSON object")
            return {}
        return dict(parsed)

    def deadlines(self, name: str) -> dict[str, Json]:
        told = self.json(name)
        for state, seconds in told.items():
            if state not in _STATES:
                self._fault(name, f"names no state: {state!r}")
            elif isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
                self._fault(name, f"has no number of 0 or more for {state}: {seconds!r}")
        return told

    def accounts(self, name: str) -> dict[str, KnownAccount]:
        return {account: self._account(name, account, value) for account, value in self.json(name).items()}

    def _account(self, name: str, account: str, value: Json) -> KnownAccount:
        said: Mapping[str, Json] = value if isinstance(value, Mapping) else {}
        texts = {key: text for key, text in said.items() if key in _ACCOUNT_MEMBERS and isinstance(text, str)}
        endpoint, credential = texts.get("endpoint", ""), texts.get("credential", "key")
        if not isinstance(value, Mapping) or texts.keys() != said.keys():
            self._fault(name, f"has for {account!r} no object of {', '.join(_ACCOUNT_MEMBERS)} alone, as text")
        elif endpoint and not endpoint.startswith(("http://", "https://")):
            self._fault(name, f"has for {account!r} an endpoint that is no URL: {endpoint!r}")
        elif credential not in ("key", "identity"):
            self._fault(name, f"has for {account!r} a credential that is neither key nor identity: {credential!r}")
        return KnownAccount(endpoint.rstrip("/") or None, texts.get("keyName"), credential == "identity")

    def _fault(self, name: str, what: str) -> None:
        setting = self._known[name]
        self.faults.append(f"{name} {what}: {setting.purpose}, for example {name}={setting.example}")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises SettingsError with every fault."""
    reader = _Reader(environment)
    roles = frozenset(reader.items("FERRY_ROLES"))
    unknown = roles - {"consumer", "provider", "dataplane"}
    if unknown or not roles:
        reader.faults.append(f"FERRY_ROLES names {sorted(unknown)}: choose among consumer, provider, dataplane")
    auth = reader.choice("FERRY_MANAGEMENT_AUTH", ("api-key", "function-key"))
    api_key = reader.text("FERRY_API_KEY")
    if auth == "api-key" and not api_key and roles & {"consumer", "provider"}:
        reader.faults.append("FERRY_API_KEY is missing: FERRY_MANAGEMENT_AUTH=api-key needs the key that clients send")
    settings = Settings(
        participant_id=reader.text("FERRY_PARTICIPANT_ID"),
        public_url=reader.url("FERRY_PUBLIC_URL"),
        vault_url=reader.url("FERRY_VAULT_URL"),
        roles=roles,
        management_auth=auth,
        api_key=api_key,
        identity=reader.choice("FERRY_IDENTITY", ("mock",)),
        storage_connection=reader.text("FERRY_STORAGE_CONNECTION"),
        destination_account=reader.text("FERRY_DESTINATION_ACCOUNT"),
        destination_connection=reader.text("FERRY_DESTINATION_CONNECTION"),
        accounts=reader.accounts("FERRY_STORAGE_ACCOUNTS"),
        use_identity=reader.choice("FERRY_STORAGE_CREDENTIAL", ("key", "identity")) == "identity",
        allowed_hosts=reader.items("FERRY_ALLOWED_HOSTS"),
        allowed_networks=reader.networks("FERRY_ALLOWED_NETWORKS"),
        allow_loopback=reader.choice("FERRY_ALLOW_LOOPBACK", ("true", "false")) == "true",
        data_plane_url=reader.url("FERRY_DATA_PLANE_URL"),
        inline_seconds=reader.number("FERRY_INLINE_SECONDS"),
        janitor_schedule=reader.text("FERRY_JANITOR_SCHEDULE"),
        janitor_seconds=reader.number("FERRY_JANITOR_SECONDS"),
        sas_grace_seconds=reader.number("FERRY_SAS_GRACE_SECONDS"),
        limits=_limits(reader),
        name_prefix=reader.prefix("FERRY_NAME_PREFIX"),
        log_level=reader.choice("FERRY_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")),
    )
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


def _limits(reader: _Reader) -> Limits:
    return Limits(
        state_seconds={**_STATE_SECONDS, **_LONG_SECONDS, **reader.deadlines("FERRY_DEADLINES")},
        default_state_seconds=reader.number("FERRY_DEADLINE_SECONDS"),
        sas_seconds=reader.number("FERRY_SAS_SECONDS"),
        retention_seconds=reader.number("FERRY_RETENTION_DAYS") * 86400,
        notify_seconds=reader.number("FERRY_NOTIFY_SECONDS"),
        first_look_seconds=reader.number("FERRY_FIRST_LOOK_SECONDS"),
        last_look_seconds=reader.number("FERRY_LAST_LOOK_SECONDS"),
    )
