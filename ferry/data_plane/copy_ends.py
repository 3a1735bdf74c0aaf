"""Both ends of a copy, opened with what the vault holds now (steps 8 and 9), and which names blobs get at the other."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from urllib.parse import quote

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.copy_faults import asking_source
from ferry.data_plane.copying.engine import CopyEngine
from ferry.data_plane.sas_token import SasToken, read_sas_token
from ferry.data_plane.sides import at_step
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Json
from ferry.domain.secret import Secret
from ferry.domain.transfer_process import Destination
from ferry.ports.blob_sides import BlobSides, DestinationSide, SourceSide
from ferry.ports.clock import Clock
from ferry.ports.copy_work import PageDesk, PageManifests
from ferry.ports.copying import BlobWriter
from ferry.ports.storage import Account, BlobItem, BlobPage
from ferry.ports.vault import Vault

STEP_KEY, STEP_SAS, STEP_READ, STEP_WRITE, STEP_MARKER = 8, 9, 10, 11, 12


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOptions:
    """Limits of copies.

    `slice_seconds`: how long one lasts at most; `heartbeat_seconds`: how often it keeps its checkpoint, for the first
    time after `first_heartbeat_seconds`; `tell_seconds`: how often it asks whether it is still wanted. `page_blobs` are
    listed and copied in one go. `sas_grace_seconds`: how long a new SAS that hangs on a policy may be refused: Azure
    needs up to 30 seconds until a stored access policy is in force everywhere. `takes_changes`: a blob that changes
    meanwhile is copied at its new version.
    """

    slice_seconds: float = 240.0
    heartbeat_seconds: float = 5.0
    first_heartbeat_seconds: float = 2.0
    tell_seconds: float = 1.0
    page_blobs: int = 5000
    page_bytes: int = 64 * 1024**3
    sas_grace_seconds: float = 40.0
    takes_changes: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyServices:
    """What all copies of a process share."""

    engine: CopyEngine
    sides: BlobSides
    writer: BlobWriter
    vault: Vault
    accounts: AccountDirectory
    manifests: PageManifests
    desk: PageDesk
    clock: Clock
    options: CopyOptions = field(default_factory=CopyOptions)


class CopyEnds:
    """The two ends of one flow, for one slice. `steps` notes when each step was first done."""

    def __init__(self, services: CopyServices, flow: DataFlow, steps: dict[int, str]) -> None:
        self._services = services
        self._flow = flow
        self._steps = steps
        self._account: Account | None = None
        self._source: SourceSide | None = None
        self._token: SasToken | None = None

    @property
    def account(self) -> Account:
        """The source's account with its key. Raises EffectFailed SOURCE_KEY_MISSING."""
        if self._account is None:
            address = self._flow.source
            need = KeyNeed(FaultCode.SOURCE_KEY_MISSING, STEP_KEY)
            with at_step(STEP_KEY):
                self._account = self._services.accounts.resolve(
                    address.account, address.key_name, address.endpoint, vault=self._services.vault, need=need
                )
            self.note(STEP_KEY)
        return self._account

    @property
    def source(self) -> SourceSide:
        """The source. Its URLs go to services alone that may be given them."""
        if self._source is None:
            account, container = self.account, self._flow.source.container
            if account.sas is not None:
                # A SAS may be for one blob alone.
                blob = self._flow.source.blob_name
                place = f"{account.endpoint}/{container}" + (f"/{quote(blob, safe='~/')}" if blob else "")
                self._source = self._services.sides.source_at(Secret(f"{place}?{account.sas.reveal()}"))
            else:
                gives_urls = self._services.accounts.may_read_source(self.endpoint)
                self._source = self._services.sides.source(account, container, gives_urls=gives_urls)
        return self._source

    @property
    def endpoint(self) -> str:
        """Where the destination answers. Raises EffectFailed ADDRESS_FORBIDDEN."""
        target = self._flow.target
        with at_step(STEP_WRITE):
            return self._services.accounts.endpoint(target.account, target.endpoint)

    @property
    def token(self) -> SasToken:
        """The destination's SAS. Raises EffectFailed SAS_MISSING, SAS_REFUSED."""
        if self._token is None:
            self._token = self._read_token()
            self.note(STEP_SAS)
        return self._token

    @property
    def destination(self) -> DestinationSide:
        """The destination, with the SAS in hand."""
        return self._services.sides.destination(self.endpoint, self._flow.target.container, self.token.sas)

    def open(self) -> None:
        """Get what both ends need. Raises EffectFailed; nothing is written before."""
        _ = self.source, self.destination

    def renew(self) -> bool:
        """Read the SAS once more after a refusal; whether it is another one now, or ends later."""
        before = self._token
        self._token = self._read_token()
        return self._token != before

    def may_come_true(self, failed: EffectFailed) -> bool:
        """Whether the SAS that was refused is so new that its policy may not be in force yet."""
        grace = timedelta(seconds=self._services.options.sas_grace_seconds)
        return (
            failed.fault.code == FaultCode.SAS_REFUSED
            and self._token is not None
            and self._token.has_policy
            and self._services.clock.now() < self._flow.created_at + grace
        )

    def list_page(self, after: str | None) -> BlobPage:
        """A page of the source's blobs. Raises EffectFailed SOURCE_BLOB_MISSING where the first one is empty."""
        address, engine = self._flow.source, self._services.engine
        source = self.source
        with asking_source(self.account, address.container, STEP_READ):
            if address.blob_name is not None:
                item = engine.call(source.head(address.blob_name))
                page = BlobPage(() if item is None else (item,))
            else:
                limit = self._services.options.page_blobs
                page = engine.call(source.list_page(address.blob_prefix or "", after=after, limit=limit))
        if not page.items and page.next_marker is None and after is None:
            raise self._missing()
        self.note(STEP_READ)
        return page

    def holds(self, name: str) -> bool:
        """Whether a blob of that name is one of the source's; asks the service only where it may be."""
        address = self._flow.source
        if not name.startswith(address.blob_prefix or ""):
            return False
        source = self.source
        with asking_source(self.account, address.container, STEP_READ):
            return self._services.engine.call(source.head(name)) is not None

    def steps_json(self) -> list[Json]:
        """The steps so far as pairs of number and time."""
        return [[number, at] for number, at in sorted(self._steps.items())]

    def note(self, step: int) -> None:
        """A step is done, if it was not before."""
        self._steps.setdefault(step, self._services.clock.now().isoformat())

    def _read_token(self) -> SasToken:
        name = self._flow.target.secret_name
        with at_step(STEP_SAS):
            stored = self._services.vault.get(name)
            token = read_sas_token(stored) if stored is not None else None
            if token is None:
                what = "is not there any more" if stored is None else "holds no SAS"
                raise EffectFailed.because(
                    FaultCode.SAS_MISSING,
                    f"the vault's secret {name!r} with the SAS of the destination {what}; a retry does not help, "
                    "the consumer must start a new transfer",
                )
            if token.expires_at is not None and token.expires_at <= self._services.clock.now():
                raise EffectFailed.because(
                    FaultCode.SAS_REFUSED,
                    f"the SAS of the destination expired at {token.expires_at.isoformat()}; a retry does not help, "
                    "the consumer must start a new transfer",
                )
        return token

    def _missing(self) -> EffectFailed:
        address = self._flow.source
        single = f"blob {address.blob_name!r} does not exist"
        what = single if address.blob_name is not None else f"no blob lies under {address.blob_prefix!r}"
        return EffectFailed.because(
            FaultCode.SOURCE_BLOB_MISSING,
            f"{what} in container {address.container} of account {address.account}; a retry does not help, "
            "the provider must put the data where the asset says",
            step=STEP_READ,
        )


@dataclass(frozen=True, slots=True)
class Naming:
    """How blobs are called at the destination: in the folder; renamed only where there is one blob in all."""

    destination: Destination
    is_only: bool = False

    def target_name(self, item: BlobItem) -> str:
        """The blob's name at the destination."""
        renamed = self.destination.blob_name if self.is_only else None
        return self.destination.folder + (renamed or item.name)

    @classmethod
    def of(cls, destination: Destination, page: BlobPage, *, is_first: bool) -> "Naming":
        """The naming for a listed page; `is_first`: none was listed before it."""
        return cls(destination, is_first and page.next_marker is None and len(page.items) == 1)


def marker_taken(marker: str) -> EffectFailed:
    """Raise-ready error: a blob would land on the marker's name."""
    return EffectFailed.because(
        FaultCode.MARKER_NAME_TAKEN,
        f"a blob of the source would land on {marker!r}, the name of the completion marker; nothing "
        "was copied. Start again with a folder or another name",
        step=STEP_READ,
    )


def not_in_force_yet(failed: EffectFailed) -> EffectFailed:
    """A refusal of a new SAS, as one that may pass."""
    message = f"{failed.fault.message} (it is new, its policy may not be in force yet: it is tried again)"
    return EffectFailed(replace(failed.fault, message=message, retryable=True))
