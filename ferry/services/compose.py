"""Composition: settings and outside things become engines, use cases and endpoints. Nothing else knows everybody."""

from dataclasses import dataclass

from ferry.api.dsp.api import DspApi, dsp_api
from ferry.api.pull import PullApi
from ferry.api.signaling import SignalingApi
from ferry.api.signaling_plane import PlaneApi
from ferry.api.signaling_v1 import EdcPlaneApi
from ferry.control_plane.catalog import Catalog
from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.flows import FlowService
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.renewals import RenewalService
from ferry.control_plane.transfers import TransferService
from ferry.effects.progress import ProgressReader
from ferry.effects.registration import Registration
from ferry.services.addresses import address_of_peer
from ferry.services.copying import Copies
from ferry.services.flowing import flow_service
from ferry.services.hosting import Hosting, hosting, plane_api, pull_api, registration, signaling_api
from ferry.services.identities import dids_of
from ferry.services.negotiating import negotiation_service
from ferry.services.outside import Outside
from ferry.services.planes import data_planes
from ferry.services.progressing import progress_reader
from ferry.services.transferring import transfer_service
from ferry.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The use cases of one participant, and the protocol's endpoints on top of them."""

    settings: Settings
    outside: Outside
    transfers: TransferService
    planes: DataPlanes
    progress: ProgressReader
    negotiations: NegotiationService
    flows: FlowService
    copies: Copies
    catalog: Catalog
    dsp: DspApi
    signaling: SignalingApi
    hosted: Hosting
    plane: PlaneApi
    edc_plane: EdcPlaneApi
    registration: Registration
    pull: PullApi


def compose(settings: Settings, outside: Outside) -> Core:
    """Everything of one participant."""
    flows, copying = flow_service(settings, outside, lambda: transfers, lambda: hosted.flows)
    hosted = hosting(settings, outside, flows)
    planes = data_planes(settings, outside)
    progress = progress_reader(settings, outside, planes)
    transfers = transfer_service(settings, outside, flows=flows, planes=planes, progress=progress)
    catalog = _catalog(settings, outside)
    negotiations = negotiation_service(settings, outside, catalog)
    dsp = dsp_api(
        participant_id=settings.participant_id,
        dsp_url=settings.dsp_url,
        identity=outside.identity,
        catalog=catalog,
        assets=outside.assets,
        negotiations=negotiations,
        transfers=transfers,
        planes=planes,
        clock=outside.clock,
        check_peer_address=address_of_peer(settings, outside.allow),
        dids=dids_of(settings),
        transfer_types=planes.transfer_types,
        renewals=RenewalService(engine=transfers.engine, vault=outside.vault),
        progress_reader=progress,
        catalog_page_size=settings.catalog_page_size,
    )
    signaling = signaling_api(settings, outside, flows, transfers)
    plane = plane_api(settings, hosted, signaling)
    return Core(
        settings=settings,
        outside=outside,
        transfers=transfers,
        planes=planes,
        progress=progress,
        negotiations=negotiations,
        flows=flows,
        copies=copying,
        catalog=catalog,
        dsp=dsp,
        signaling=signaling,
        hosted=hosted,
        plane=plane,
        edc_plane=EdcPlaneApi(plane=plane),
        registration=registration(settings, outside),
        pull=pull_api(settings, outside, hosted),
    )


def _catalog(settings: Settings, outside: Outside) -> Catalog:
    """What the participant offers."""
    return Catalog(
        assets=outside.assets,
        policies=outside.policies,
        contract_definitions=outside.contract_definitions,
        clock=outside.clock,
        search_limit=settings.query_limit,
    )
