"""Composition of a participant's data planes: its own one, embedded or in an app of its own, and registered ones."""

from collections.abc import Callable

from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.flows import EmbeddedDataPlane, FlowService
from ferry.domain.data_address import AZURE_STORAGE_PUSH
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.message_kind import Role
from ferry.domain.transfer_process import TransferProcess
from ferry.effects.flows import ChosenPlane
from ferry.effects.remote_data_plane import RemoteDataPlane
from ferry.services.outside import Outside
from ferry.settings import Settings

OWN_PLANE = "own"


def data_planes(settings: Settings, outside: Outside) -> DataPlanes:
    """The data planes that a participant may run flows on."""
    now = outside.clock.now()
    base = settings.data_plane_url or f"{settings.public_url}/api"
    own = DataPlaneInstance(OWN_PLANE, now, now, f"{base}/dataflows", (AZURE_STORAGE_PUSH,))
    return DataPlanes(own=own, registered=outside.data_planes)


def plane_of(
    settings: Settings, outside: Outside, planes: DataPlanes, flows: FlowService
) -> Callable[[str | None], ChosenPlane]:
    """How to reach the plane of that id; None is the own one."""
    embedded = None if settings.data_plane_url else EmbeddedDataPlane(flows=flows, queue=outside.queue)

    def chosen(plane_id: str | None) -> ChosenPlane:
        plane = planes.of(plane_id)
        if plane is planes.own and embedded is not None:
            return ChosenPlane(embedded)
        remote = RemoteDataPlane(url=plane.url, participant_id=settings.participant_id, peer=outside.plane_peer)
        return ChosenPlane(remote, settings.control_url)

    return chosen


def is_run_elsewhere(settings: Settings, process: TransferProcess) -> bool:
    """Whether a data plane in another app runs a transfer. As consumer this app itself is its own plane."""
    if process.data_plane in (None, OWN_PLANE):
        return process.role is Role.PROVIDER and bool(settings.data_plane_url)
    return True


def remote_plane_of(
    settings: Settings, outside: Outside, planes: DataPlanes
) -> Callable[[str | None], RemoteDataPlane]:
    """How to reach a registered plane that prepares flows for us as consumer."""

    def chosen(plane_id: str | None) -> RemoteDataPlane:
        url = planes.of(plane_id).url
        return RemoteDataPlane(url=url, participant_id=settings.participant_id, peer=outside.plane_peer)

    return chosen
