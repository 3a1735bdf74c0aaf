"""The Dataspace Protocol's endpoints of one participant, in both roles.

A handler of a peer's message applies it, commits, answers, and never sends to that peer: what follows leaves by the
queue. An unknown id and somebody else's are both 404; a transition that is not allowed is 409.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ferry.api.dsp.answers import PeerEndpoint
from ferry.api.dsp.catalog import DEFAULT_PAGE_SIZE, CatalogEndpoint
from ferry.api.dsp.negotiations import NegotiationEndpoint
from ferry.api.dsp.transfers import TransferEndpoint
from ferry.api.http import ApiAnswer, ApiRequest
from ferry.control_plane.catalog import Catalog
from ferry.control_plane.data_planes import DataPlanes
from ferry.control_plane.negotiations import NegotiationService
from ferry.control_plane.renewals import RenewalService
from ferry.control_plane.transfers import TransferService
from ferry.domain.contracts import Asset
from ferry.effects.progress import ProgressReader
from ferry.ports.clock import Clock
from ferry.ports.stores import Definitions
from ferry.protocol import envelope
from ferry.protocol.identity import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class DspApi:
    """The protocol's endpoints of one participant."""

    catalog: CatalogEndpoint
    negotiations: NegotiationEndpoint
    transfers: TransferEndpoint

    def versions(self, request: ApiRequest) -> ApiAnswer:
        """GET /.well-known/dspace-version, open to all."""
        del request
        return ApiAnswer(200, envelope.version_response())


def dsp_api(
    *,
    participant_id: str,
    dsp_url: str,
    identity: Identity,
    catalog: Catalog,
    assets: Definitions[Asset],
    negotiations: NegotiationService,
    transfers: TransferService,
    planes: DataPlanes,
    clock: Clock,
    check_peer_address: Callable[[str], None],
    dids: Mapping[str, str],
    transfer_types: Callable[[], tuple[str, ...]],
    renewals: RenewalService,
    progress_reader: ProgressReader,
    catalog_page_size: int = DEFAULT_PAGE_SIZE,
) -> DspApi:
    """The endpoints over the use cases of a participant.

    `dsp_url` is the protocol's base; `dids` are those that we know, our own among them, by participant id.
    """
    peers = PeerEndpoint(identity)
    return DspApi(
        catalog=CatalogEndpoint(
            participant_id=participant_id,
            dsp_url=dsp_url,
            peers=peers,
            catalog=catalog,
            transfer_types=transfer_types,
            page_size=catalog_page_size,
        ),
        negotiations=NegotiationEndpoint(
            peers=peers,
            negotiations=negotiations,
            check_peer_address=check_peer_address,
            parties=lambda peer_id: _names(peer_id or participant_id, dids),
        ),
        transfers=TransferEndpoint(
            peers=peers,
            transfers=transfers,
            renewals=renewals,
            progress_reader=progress_reader,
            planes=planes,
            assets=assets,
            agreements=transfers.agreements,
            clock=clock,
            check_peer_address=check_peer_address,
        ),
    )


def _names(participant_id: str, dids: Mapping[str, str]) -> frozenset[str]:
    return frozenset({participant_id, dids.get(participant_id, participant_id)})
