"""Composition of the search for orphans: the account that transfers go to, and everybody who may own a container."""

from ferry.data_plane.orphans import Orphans
from ferry.services.accounts import account_directory
from ferry.services.outside import Outside
from ferry.settings import Settings


def orphans_of(settings: Settings, outside: Outside) -> Orphans:
    """The orphans of one participant."""
    return Orphans(
        storage=outside.storage,
        vault=outside.vault,
        accounts=account_directory(settings, outside),
        account_name=settings.destination_account,
        participant_id=settings.participant_id,
        transfers=outside.transfers,
        plane_flows=outside.plane_flows,
        clock=outside.clock,
        retention_seconds=settings.limits.retention_seconds,
        rest_seconds=settings.limits.retention_seconds,
    )
