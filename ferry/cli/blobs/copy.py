"""`ferry copy`: from one address to another by the copy engine, without a connector."""

from dataclasses import dataclass, replace
from pathlib import Path

from ferry.cli.blobs.addresses import AddressReader, FileAddress
from ferry.cli.blobs.copy_ledger import CopyLedger
from ferry.cli.blobs.copy_pages import CopyPages
from ferry.cli.blobs.copy_plan import CopyPlan, read_plan
from ferry.cli.blobs.copy_report import CopyReport
from ferry.cli.blobs.sides import command_sides, failure_at
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.moved import shown
from ferry.cli.output import Output
from ferry.data_plane.copying.engine import CopyEngine, EngineOptions
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.ports.blob_sides import BlobSides, SourceSide, WireLost, WireRefused

# Bytes of blobs that pass through here, at once: enough for eight blocks of 8 MiB less than the engine's own measure.
_MEMORY_BYTES = 40 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyOrder:
    """What was typed. `workers`: requests under way at once; None: as many as help."""

    source: str
    destination: str
    overwrite: bool = False
    takes_changes: bool = False
    workers: int | None = None
    state_file: Path | None = None


def run_copy(order: CopyOrder, output: Output) -> None:
    """Copy, show how far it is, tell what was done. Raises CommandFailed; StopRequested after the state is kept."""
    reader = AddressReader()
    plan = read_plan(
        order.source,
        order.destination,
        reader=reader,
        overwrite=order.overwrite,
        takes_changes=order.takes_changes,
    )
    for note in reader.notes:
        output.note(note)
    ledger = CopyLedger(order.state_file, _about(plan))
    if ledger.is_resumed:
        output.note(f"goes on where an earlier copy stopped: {ledger.totals().blobs} blobs are done")
    sides = command_sides(plan.source, plan.destination)
    engine = CopyEngine(_options(order.workers), at_close=sides.close)
    report = CopyReport(plan, output, is_kept=order.state_file is not None)
    try:
        with shown(output) as progress:
            target = plan.destination
            pages = CopyPages(
                plan,
                engine=engine,
                source=open_source(sides, plan),
                destination=sides.destination(target.endpoint, target.container, target.sas),
                ledger=ledger,
                shown=progress,
            )
            pages.run()
    except BaseException as error:
        ledger.save()
        report.tell_unfinished(ledger.totals())
        failure = told_failure(error, plan)
        if failure is None:
            raise
        raise failure from error
    finally:
        engine.close()
    ledger.forget()
    report.tell(ledger.totals())


def _options(workers: int | None) -> EngineOptions:
    options = EngineOptions(memory_bytes=_MEMORY_BYTES)
    return options if workers is None else replace(options, window_cap=workers)


def open_source(sides: BlobSides, plan: CopyPlan) -> SourceSide:
    """The source's side."""
    source = plan.source
    if isinstance(source, FileAddress):
        return sides.source_at(source.url)
    return sides.source_at(source.blob_address if source.is_blob else source.container_address)


def told_failure(error: BaseException, plan: CopyPlan) -> CommandFailed | None:
    """What a side has said, in words; None for anything else."""
    if isinstance(error, EffectFailed) and error.fault.code == FaultCode.DESTINATION_EXISTS:
        return CommandFailed(
            f"{error.fault.code}: {error.fault.message.partition(';')[0]}",
            next_step="take another folder, or add --overwrite; to go on with an earlier copy, give a SAS with r and l "
            "or the --state file of that copy",
            exit_code=ExitCode.REFUSED,
        )
    if isinstance(error, EffectFailed | WireRefused | WireLost):
        return failure_at(plan.source.shown, error)
    return None


def _about(plan: CopyPlan) -> dict[str, object]:
    return {"source": plan.source.shown, "destination": plan.destination.shown, "overwrite": plan.overwrite}
