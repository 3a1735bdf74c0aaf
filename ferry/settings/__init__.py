"""What a deployment says of itself, read from the environment once; every fault is told at once, with an example."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.domain.callback_address import CallbackAddress
from ferry.domain.faults import FerryError
from ferry.domain.limits import Limits
from ferry.settings.access import EntraAccess, KnownPartner, read_did, read_entra, read_partners, read_telemetry
from ferry.settings.reader import KnownAccount, SettingReader
from ferry.settings.signaling import SignalingAccess, read_signaling
from ferry.settings.table import SETTINGS, Setting

__all__ = [
    "SETTINGS",
    "EntraAccess",
    "KnownAccount",
    "KnownPartner",
    "Setting",
    "Settings",
    "SettingsError",
    "read_settings",
]

_STATE_SECONDS: dict[str, float] = {
    "PREPARATION_REQUESTED": 300,
    "REQUESTING": 600,
    "INITIAL": 300,
    "STARTING": 600,
    "SUSPENDING": 600,
    "RESUMING": 600,
}
_LONG_SECONDS: dict[str, float] = {"STARTED": 86400, "DATA_FLOW": 86400, "SUSPENDED": 7 * 86400}


class SettingsError(FerryError):
    """Settings are missing or wrong; the message names each with its purpose and an example."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("the app cannot start:\n  " + "\n  ".join(faults))
        self.faults = tuple(faults)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment. URLs have no slash at the end."""

    participant_id: str
    public_url: str
    vault_url: str
    roles: frozenset[str]
    management_auth: str
    api_key: str = field(repr=False)
    entra: EntraAccess
    identity: str
    own_did: str
    signing_key_name: str
    partners: Mapping[str, KnownPartner]
    storage_connection: str
    destination_account: str
    destination_connection: str
    accounts: Mapping[str, KnownAccount]
    use_identity: bool
    allowed_hosts: tuple[str, ...]
    allowed_networks: tuple[str, ...]
    allow_loopback: bool
    data_plane_url: str
    signaling: SignalingAccess
    negotiation: str
    catalog_page_size: int
    query_limit: int
    copy_page_blobs: int
    inline_seconds: float
    janitor_schedule: str
    janitor_seconds: float
    sas_grace_seconds: float
    limits: Limits
    callbacks: tuple[CallbackAddress, ...]
    dashboard_partners: tuple[str, ...]
    name_prefix: str
    log_level: str
    telemetry: str

    @property
    def dsp_url(self) -> str:
        """The DSP base: catalog and the provider's side; the version endpoint stands one level up."""
        return f"{self.public_url}/api/dsp/2025-1"

    @property
    def did(self) -> str:
        """Who this participant is to its partners, where it signs."""
        from ferry.protocol.did import did_of

        return self.own_did or did_of(f"{self.public_url}/api")

    @property
    def callback_url(self) -> str:
        """The DSP base of the consumer's side."""
        return f"{self.dsp_url}/consumer"

    @property
    def control_url(self) -> str:
        """Where a data plane in another app tells the end of a flow."""
        return f"{self.public_url}/api/control"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """The settings in an environment. Raises SettingsError with every fault."""
    reader = SettingReader(environment)
    roles = frozenset(reader.items("FERRY_ROLES"))
    unknown = roles - {"consumer", "provider", "dataplane"}
    if unknown or not roles:
        reader.faults.append(f"FERRY_ROLES names {sorted(unknown)}: choose among consumer, provider, dataplane")
    settings = Settings(
        participant_id=reader.text("FERRY_PARTICIPANT_ID"),
        public_url=reader.url("FERRY_PUBLIC_URL"),
        vault_url=reader.url("FERRY_VAULT_URL"),
        roles=roles,
        management_auth=reader.choice("FERRY_MANAGEMENT_AUTH", ("api-key", "function-key", "entra")),
        api_key=reader.text("FERRY_API_KEY"),
        entra=read_entra(reader),
        identity=reader.choice("FERRY_IDENTITY", ("mock", "signed")),
        own_did=read_did(reader, "FERRY_DID"),
        signing_key_name=reader.secret_name("FERRY_SIGNING_KEY_NAME"),
        partners=read_partners(reader, "FERRY_PARTNERS"),
        storage_connection=reader.text("FERRY_STORAGE_CONNECTION"),
        destination_account=reader.text("FERRY_DESTINATION_ACCOUNT"),
        destination_connection=reader.text("FERRY_DESTINATION_CONNECTION"),
        accounts=reader.accounts("FERRY_STORAGE_ACCOUNTS"),
        use_identity=reader.choice("FERRY_STORAGE_CREDENTIAL", ("key", "identity")) == "identity",
        allowed_hosts=reader.items("FERRY_ALLOWED_HOSTS"),
        allowed_networks=reader.networks("FERRY_ALLOWED_NETWORKS"),
        allow_loopback=reader.choice("FERRY_ALLOW_LOOPBACK", ("true", "false")) == "true",
        data_plane_url=reader.url("FERRY_DATA_PLANE_URL"),
        signaling=read_signaling(reader),
        negotiation=reader.choice("FERRY_NEGOTIATION", ("auto", "manual")),
        query_limit=max(1, int(reader.number("FERRY_QUERY_LIMIT"))),
        copy_page_blobs=min(max(1, int(reader.number("FERRY_COPY_PAGE_BLOBS"))), 5000),
        catalog_page_size=max(1, int(reader.number("FERRY_CATALOG_PAGE_SIZE"))),
        inline_seconds=reader.number("FERRY_INLINE_SECONDS"),
        janitor_schedule=reader.text("FERRY_JANITOR_SCHEDULE"),
        janitor_seconds=reader.number("FERRY_JANITOR_SECONDS"),
        sas_grace_seconds=reader.number("FERRY_SAS_GRACE_SECONDS"),
        limits=_limits(reader),
        callbacks=reader.callbacks("FERRY_CALLBACKS"),
        dashboard_partners=reader.origins("FERRY_DASHBOARD_PARTNERS"),
        name_prefix=reader.prefix("FERRY_NAME_PREFIX"),
        log_level=reader.choice("FERRY_LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR")),
        telemetry=read_telemetry(reader),
    )
    _need_together(settings, reader)
    if reader.faults:
        raise SettingsError(reader.faults)
    return settings


def _need_together(settings: Settings, reader: SettingReader) -> None:
    """What one setting needs of others; an app that is a data plane alone lets in its own participant alone."""
    _need_identity(settings, reader)
    if any((it.auth_code_id or "").lower() == settings.signing_key_name.lower() for it in settings.callbacks):
        reader.fault("FERRY_CALLBACKS", "names the signing key in authCodeId, which is never sent")
    registered = settings.signaling.register_at
    if registered and registered.key_name and registered.key_name.lower() == settings.signing_key_name.lower():
        reader.fault("FERRY_REGISTER_AT", "names the signing key in keyName, which is never sent")
    if not settings.roles & {"consumer", "provider"}:
        return
    if settings.management_auth == "api-key" and not settings.api_key:
        reader.fault("FERRY_API_KEY", "is missing with FERRY_MANAGEMENT_AUTH=api-key")
    if settings.management_auth == "entra" and not settings.entra.audience:
        reader.fault("FERRY_ENTRA_AUDIENCE", "is missing with FERRY_MANAGEMENT_AUTH=entra")
    if settings.management_auth == "entra" and not (settings.entra.issuer and settings.entra.jwks_url):
        reader.fault("FERRY_ENTRA_TENANT", "is missing with FERRY_MANAGEMENT_AUTH=entra")
    if settings.identity == "signed" and not settings.partners:
        reader.fault("FERRY_PARTNERS", "is missing with FERRY_IDENTITY=signed")


def _need_identity(settings: Settings, reader: SettingReader) -> None:
    """Whoever can be reached from elsewhere believes everybody only if it was told to."""
    if settings.identity != "mock" or reader.is_given("FERRY_IDENTITY") or settings.allow_loopback:
        return
    from ferry.data_plane.accounts import is_loopback

    if settings.public_url and not is_loopback(settings.public_url):
        reader.fault("FERRY_IDENTITY", "is missing: set signed, or mock to believe every caller, as in a demonstration")


def _limits(reader: SettingReader) -> Limits:
    return Limits(
        state_seconds={**_STATE_SECONDS, **_LONG_SECONDS, **reader.deadlines("FERRY_DEADLINES")},
        default_state_seconds=reader.number("FERRY_DEADLINE_SECONDS"),
        sas_seconds=reader.number("FERRY_SAS_SECONDS"),
        retention_seconds=reader.number("FERRY_RETENTION_DAYS") * 86400,
        notify_seconds=reader.number("FERRY_NOTIFY_SECONDS"),
        clean_up_seconds=reader.number("FERRY_CLEAN_UP_SECONDS"),
        first_look_seconds=reader.number("FERRY_FIRST_LOOK_SECONDS"),
        last_look_seconds=reader.number("FERRY_LAST_LOOK_SECONDS"),
    )
