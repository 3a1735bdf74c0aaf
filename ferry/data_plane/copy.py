"""CopyRunner: one data flow from the secrets in the vault to the marker (steps 8-12), in slices that can be resumed."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from ferry.data_plane.accounts import AccountDirectory, KeyNeed
from ferry.data_plane.azure_storage_data_sink import AzureStorageDataSink, CopyStopped, SinkServices
from ferry.data_plane.azure_storage_data_source import AzureStorageDataSource
from ferry.data_plane.copy_checkpoint import CopyCheckpoint
from ferry.data_plane.copy_methods import DEFAULT_STREAM_BYTES, ByteBudget, CopyVerdicts
from ferry.data_plane.copy_slice import CopySlice, SliceLimits, StopSignal
from ferry.data_plane.sas_token import SasToken, read_sas_token
from ferry.data_plane.sides import at_step
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Intent, JsonObject
from ferry.ports import BlobWriter, Clock, ObjectStorage, Vault

_STEP_KEY, _STEP_SAS, _STEP_READ, _STEP_WRITE, _STEP_MARKER = 8, 9, 10, 11, 12


@dataclass(frozen=True, slots=True)
class CopyOptions:
    """Limits of a copy. `sas_grace_seconds`: how long a new SAS that hangs on a policy may be refused.

    Azure needs up to 30 seconds until a stored access policy is in force everywhere.
    """

    limits: SliceLimits = field(default_factory=SliceLimits)
    stream_bytes: int = DEFAULT_STREAM_BYTES
    sas_grace_seconds: float = 40.0


@dataclass(frozen=True, slots=True)
class _Ends:
    """Both ends of a copy, and what stops it."""

    source: AzureStorageDataSource
    sink: AzureStorageDataSink
    stop: StopSignal


class CopyRunner:
    """Copies data flows. One per process: it holds what all copies of the process share."""

    def __init__(
        self,
        storage: ObjectStorage,
        writer: BlobWriter,
        *,
        vault: Vault,
        accounts: AccountDirectory,
        clock: Clock,
        options: CopyOptions | None = None,
    ) -> None:
        self._storage = storage
        self._writer = writer
        self._vault = vault
        self._accounts = accounts
        self._clock = clock
        self._options = options or CopyOptions()
        self.verdicts = CopyVerdicts()
        self._budget = ByteBudget(self._options.stream_bytes)

    def run(self, flow: DataFlow, intent: Intent, *, progress: Callable[[JsonObject], bool]) -> JsonObject:
        """Copy for one slice, from `flow.checkpoint` on.

        `progress` saves a checkpoint: before a page is begun and at least every `heartbeat_seconds`; it gives False
        when the flow was terminated or is another's now. Gives `finished` with `summary` and `steps`, else
        `checkpoint`, and `stopped` where progress said so. Raises EffectFailed with the code of the side and the step.
        """
        checkpoint = CopyCheckpoint.from_json(flow.checkpoint)
        if flow.checkpoint is None and intent.attempt > 1:
            # Whoever had the lease before may have begun the first page, which is not saved while it is new.
            checkpoint.page_attempt = 1
        attempts_before = checkpoint.page_attempt
        token: SasToken | None = None
        try:
            source = self._source(flow, checkpoint)
            token = self._token(flow, checkpoint)
            ends = self._ends(flow, source, token)
            return self._copy(flow, ends, checkpoint, progress)
        except EffectFailed as failed:
            if failed.fault.retryable and checkpoint.page_attempt == attempts_before:
                # Nothing was written: a later attempt must not take for its own what others have put there.
                progress(checkpoint.to_json({}))
            if token is not None and self._may_come_true(failed, token, flow, checkpoint):
                message = f"{failed.fault.message} (it is new, its policy may not be in force yet: it is tried again)"
                raise EffectFailed(replace(failed.fault, message=message, retryable=True)) from None
            raise

    def _copy(
        self, flow: DataFlow, ends: _Ends, checkpoint: CopyCheckpoint, progress: Callable[[JsonObject], bool]
    ) -> JsonObject:
        if checkpoint.after is None:
            _refuse_marker_name(flow, ends)
        copying = CopySlice(
            ends.source,
            ends.sink,
            checkpoint=checkpoint,
            limits=self._options.limits,
            stop=ends.stop,
            report=lambda: progress(checkpoint.to_json(ends.sink.methods)),
        )
        try:
            is_finished = copying.run(lambda: self._note(checkpoint, _STEP_READ))
        except CopyStopped:
            return {"finished": False, "stopped": True, "checkpoint": checkpoint.to_json(ends.sink.methods)}
        if not is_finished:
            return {"finished": False, "checkpoint": checkpoint.to_json(ends.sink.methods)}
        self._note(checkpoint, _STEP_WRITE)
        return self._complete(flow, ends, checkpoint)

    def _complete(self, flow: DataFlow, ends: _Ends, checkpoint: CopyCheckpoint) -> JsonObject:
        tally, marker = checkpoint.tally, flow.target.marker
        manifest = tally.manifest(consumer_pid=flow.consumer_pid, provider_pid=flow.id, agreement_id=flow.agreement_id)
        # A marker that exists is ours: it is written once per flow, and what it says is checked by the consumer.
        ends.sink.complete(marker, manifest.encode())
        self._note(checkpoint, _STEP_MARKER)
        return {
            "finished": True,
            "summary": {
                "blobs": tally.blobs,
                "bytes": tally.size_bytes,
                "root": tally.root,
                "marker": marker,
                "methods": checkpoint.to_json(ends.sink.methods)["methods"],
            },
            "steps": checkpoint.steps_json(),
        }

    def _source(self, flow: DataFlow, checkpoint: CopyCheckpoint) -> AzureStorageDataSource:
        address = flow.source
        need = KeyNeed(FaultCode.SOURCE_KEY_MISSING, _STEP_KEY)
        with at_step(_STEP_KEY):
            account = self._accounts.resolve(
                address.account, address.key_name, address.endpoint, vault=self._vault, need=need
            )
        self._note(checkpoint, _STEP_KEY)
        return AzureStorageDataSource(self._storage, self._clock, account=account, address=address)

    def _token(self, flow: DataFlow, checkpoint: CopyCheckpoint) -> SasToken:
        name = flow.target.secret_name
        with at_step(_STEP_SAS):
            stored = self._vault.get(name)
            token = read_sas_token(stored) if stored is not None else None
            if token is None:
                what = "is not there any more" if stored is None else "holds no SAS"
                raise EffectFailed.because(
                    FaultCode.SAS_MISSING,
                    f"the vault's secret {name!r} with the SAS of the destination {what}; a retry does not help, "
                    "the consumer must start a new transfer",
                )
            if token.expires_at is not None and token.expires_at <= self._clock.now():
                raise EffectFailed.because(
                    FaultCode.SAS_REFUSED,
                    f"the SAS of the destination expired at {token.expires_at.isoformat()}; a retry does not help, "
                    "the consumer must start a new transfer",
                )
        self._note(checkpoint, _STEP_SAS)
        return token

    def _ends(self, flow: DataFlow, source: AzureStorageDataSource, token: SasToken) -> _Ends:
        stop = StopSignal()
        with at_step(_STEP_WRITE):
            endpoint = self._accounts.endpoint(flow.target.account, flow.target.endpoint)
        services = SinkServices(self._writer, self.verdicts, self._budget, stop.check)
        sink = AzureStorageDataSink(
            services,
            flow.target,
            endpoint=endpoint,
            sas=token.sas,
            source_endpoint=source.endpoint,
            may_read_source=self._accounts.may_read_source(endpoint),
        )
        return _Ends(source, sink, stop)

    def _may_come_true(self, failed: EffectFailed, token: SasToken, flow: DataFlow, checkpoint: CopyCheckpoint) -> bool:
        """Whether a refused SAS is so new that its policy may not be in force yet."""
        return (
            failed.fault.code == FaultCode.SAS_REFUSED
            and token.has_policy
            and checkpoint.tally.blobs == 0
            and self._clock.now() < flow.created_at + timedelta(seconds=self._options.sas_grace_seconds)
        )

    def _note(self, checkpoint: CopyCheckpoint, step: int) -> None:
        checkpoint.steps.setdefault(step, self._clock.now().isoformat())


def _refuse_marker_name(flow: DataFlow, ends: _Ends) -> None:
    """Raise EffectFailed MARKER_NAME_TAKEN if a blob would land on the marker's name."""
    destination, is_single = flow.target, flow.source.blob_name is not None
    is_taken = destination.blob_name is not None and destination.folder + destination.blob_name == destination.marker
    if not is_taken and not (is_single and destination.blob_name is not None):
        source_name = ends.sink.source_name_of(destination.marker)
        is_taken = source_name is not None and ends.source.holds(source_name)
    if is_taken:
        raise EffectFailed.because(
            FaultCode.MARKER_NAME_TAKEN,
            f"a blob of the source would land on {destination.marker!r}, the name of the completion marker; nothing "
            "was copied. Start again with a folder or another name",
            step=_STEP_READ,
        )
