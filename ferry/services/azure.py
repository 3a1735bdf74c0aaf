"""All outside things of a participant on Azure's services. Each SDK is imported by its adapter, at first use."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from ferry.adapters.azure_sides import AzureSides
from ferry.adapters.blob_clients import BlobClients
from ferry.adapters.blob_manifests import BlobPageManifests
from ferry.adapters.blob_storage import AzureBlobStorage
from ferry.adapters.blob_writer import AzureBlobWriter
from ferry.adapters.clock import SystemClock
from ferry.adapters.egress import EgressGuard
from ferry.adapters.http_peer import HttpPeer
from ferry.adapters.ids import RandomIds
from ferry.adapters.key_documents import SIZE_LIMIT_BYTES, FetchedKeyDocuments
from ferry.adapters.key_vault import KeyVault
from ferry.adapters.storage_connection import read_connection
from ferry.adapters.storage_queue import StorageTaskQueue
from ferry.adapters.table_definitions import TableDefinitions
from ferry.adapters.table_store import TableProcessStore
from ferry.adapters.tables import Tables
from ferry.domain.contracts import Asset, ContractAgreement, ContractDefinition, ContractNegotiation, PolicyDefinition
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_flow import DataFlow
from ferry.domain.data_plane import DataPlaneInstance
from ferry.domain.plane_flow import PlaneFlow
from ferry.domain.transfer_process import TransferProcess
from ferry.services.identities import identity_of, key_document_guard
from ferry.services.outside import Outside
from ferry.settings import Settings
from ferry.telemetry import child_trace_parent

BLOB_SUFFIX = ".blob.core.windows.net"


def azure_outside(settings: Settings, environment: Mapping[str, str]) -> Outside:
    """Table Storage, queues, Key Vault, blobs and HTTP for one participant."""
    connection = read_connection(environment, settings.storage_connection)
    tables = Tables(connection, settings.name_prefix.title())
    guard = EgressGuard(
        [*settings.allowed_hosts, BLOB_SUFFIX],
        allow_loopback=settings.allow_loopback,
        allowed_networks=settings.allowed_networks,
    )
    clients = BlobClients(guard=guard)
    clock, vault = SystemClock(), KeyVault(settings.vault_url)
    key_documents = FetchedKeyDocuments(
        HttpPeer(key_document_guard(settings), answer_limit_bytes=SIZE_LIMIT_BYTES), clock=clock
    )
    identity = identity_of(settings, vault=vault, key_documents=key_documents, clock=clock)
    peer = HttpPeer(guard, authorization=identity.authorization, trace_parent=child_trace_parent)
    return Outside(
        clock=clock,
        ids=RandomIds(),
        transfers=TableProcessStore(tables, TransferProcess),
        negotiations=TableProcessStore(tables, ContractNegotiation),
        flows=TableProcessStore(tables, DataFlow),
        plane_flows=TableProcessStore(tables, PlaneFlow),
        pages=TableProcessStore(tables, CopyPage),
        manifests=BlobPageManifests(connection, settings.name_prefix),
        assets=TableDefinitions(tables, Asset),
        policies=TableDefinitions(tables, PolicyDefinition),
        contract_definitions=TableDefinitions(tables, ContractDefinition),
        agreements=TableDefinitions(tables, ContractAgreement),
        data_planes=TableDefinitions(tables, DataPlaneInstance),
        queue=StorageTaskQueue(connection, settings.name_prefix),
        vault=vault,
        storage=AzureBlobStorage(clients),
        blobs=AzureBlobWriter(clients),
        sides=AzureSides(guard, clients, clock, own_guard=_own_guard(settings)),
        peer=peer,
        plane_peer=HttpPeer(guard, authorization=identity.plane_authorization, trace_parent=child_trace_parent),
        callbacks=peer,
        identity=identity,
        key_documents=key_documents,
        allow=lambda url: _admit(guard, url),
    )


def _own_guard(settings: Settings) -> EgressGuard:
    """For the accounts that the operator named: wherever these are, private networks and all."""
    hosts = [urlsplit(account.endpoint).netloc for account in settings.accounts.values() if account.endpoint]
    return EgressGuard(
        [*settings.allowed_hosts, BLOB_SUFFIX, *hosts],
        allow_loopback=settings.allow_loopback,
        allowed_networks=("0.0.0.0/0", "::/0"),
    )


def _admit(guard: EgressGuard, url: str) -> None:
    guard.admit(url)
