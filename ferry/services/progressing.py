"""Composition of what tells how far transfers have come."""

from collections.abc import Callable

from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.progress import Progress, progress_of
from ferry.domain.faults import InvalidInput
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.progress import TIMEOUT_SECONDS, ProgressReader, SilentPeers, read_progress
from ferry.effects.remote_data_plane import RemoteDataPlane
from ferry.services.outside import Outside
from ferry.settings import Settings


def progress_reader(settings: Settings, outside: Outside, planes: DataPlanes) -> ProgressReader:
    """Whoever asks how far the transfers of one participant have come."""
    return ProgressReader(
        peer=outside.peer,
        clock=outside.clock,
        flow_progress=_flow_progress(settings, outside, planes),
        silent=SilentPeers(),
    )


def _flow_progress(
    settings: Settings, outside: Outside, planes: DataPlanes
) -> Callable[[TransferProcess], Progress | None]:
    """The progress of a flow: of one that runs in this app from its document, of another by asking its plane."""

    def embedded(process: TransferProcess) -> Progress | None:
        record = outside.flows.load(process.id)
        return progress_of(record.document, outside.clock.now()) if record is not None else None

    def progress(process: TransferProcess) -> Progress | None:
        plane = planes.of(process.data_plane)
        if plane is planes.own and not settings.data_plane_url:
            return embedded(process)
        remote = RemoteDataPlane(
            url=plane.url,
            participant_id=settings.participant_id,
            peer=outside.plane_peer,
            timeout_seconds=TIMEOUT_SECONDS,
        )
        report = remote.status(process.data_flow_id or process.id)
        try:
            return read_progress(report.progress) if report is not None and report.progress else None
        except InvalidInput:
            return None

    return progress
