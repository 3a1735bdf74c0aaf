"""Azurite as it is started for Ferry, spoken to through the ordinary SDKs."""

# The SDKs leave their keyword arguments without types.
# pyright: reportUnknownMemberType=false

import datetime as dt
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from azure.data.tables import TableServiceClient
from azure.storage.blob import BlobBlock, BlobClient, BlobServiceClient, generate_container_sas
from azure.storage.queue import QueueServiceClient

from ferry.emulators.azurite import Azurite, AzuriteStartError, StorageAccount, new_account_key, start_azurite
from ferry.emulators.certificates import create_certificate

from .processes import wait_for_end

pytestmark = pytest.mark.emulators


def _mark(azurite: Azurite) -> int:
    """Where the requests of this test begin: what was answered before it is told first."""
    azurite.flush_requests()
    return azurite.requests.last_sequence


def _operations(azurite: Azurite, since: int) -> Counter[str]:
    azurite.flush_requests()
    return Counter(request.operation for request in azurite.requests.since(since))


def _sas(account: StorageAccount, container: str, permission: str) -> str:
    expiry = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    return generate_container_sas(
        account.name, container, account_key=account.key, permission=permission, expiry=expiry
    )


def test_requests_with_key_and_sas_are_counted_by_operation(
    azurite: Azurite, source_account: StorageAccount, unique_name: str
) -> None:
    since = _mark(azurite)
    with BlobServiceClient.from_connection_string(source_account.connection_string) as blobs:
        container = blobs.create_container(unique_name)
        container.upload_blob("with key", b"1")
        sas = _sas(source_account, unique_name, "cw")
        with BlobClient.from_blob_url(f"{container.url}/with-sas?{sas}") as blob:
            blob.upload_blob(b"2")
    assert _operations(azurite, since) == {"Create Container": 1, "Put Blob": 2}
    assert [request.credential for request in azurite.requests.since(since)] == ["key", "key", "sas"]


def test_signatures_never_reach_the_request_log(
    azurite: Azurite, source_account: StorageAccount, unique_name: str
) -> None:
    since = _mark(azurite)
    with BlobServiceClient.from_connection_string(source_account.connection_string) as blobs:
        container = blobs.create_container(unique_name)
        with BlobClient.from_blob_url(f"{container.url}/b?{_sas(source_account, unique_name, 'cw')}") as blob:
            blob.upload_blob(b"2")
    azurite.flush_requests()
    assert "sig=" not in repr(azurite.requests.since(since)) + azurite.output


def test_copy_between_accounts_shows_the_read_of_its_source(
    azurite: Azurite, source_account: StorageAccount, destination_account: StorageAccount, unique_name: str
) -> None:
    with (
        BlobServiceClient.from_connection_string(source_account.connection_string) as source,
        BlobServiceClient.from_connection_string(destination_account.connection_string) as destination,
    ):
        blob = source.create_container(unique_name).upload_blob("b", b"0123456789")
        container = destination.create_container(unique_name)
        since = _mark(azurite)
        copy = container.get_blob_client("copy")
        copy.stage_block_from_url("AAAA", f"{blob.url}?{_sas(source_account, unique_name, 'r')}")
        copy.commit_block_list([BlobBlock("AAAA")])
        assert copy.download_blob().readall() == b"0123456789"
    counts = _operations(azurite, since)
    assert (counts["Put Block From URL"], counts["Put Block List"]) == (1, 1)
    sources = [request for request in azurite.requests.since(since) if request.is_copy_source_read]
    assert {request.account for request in sources} == {source_account.name}


def test_queue_and_table_requests_are_named(azurite: Azurite, source_account: StorageAccount, unique_name: str) -> None:
    since = _mark(azurite)
    connection_string = source_account.connection_string
    with QueueServiceClient.from_connection_string(connection_string) as queues:
        queue = queues.create_queue(unique_name)
        queue.send_message("look")
        queue.peek_messages()
        queue.delete_message(next(iter(queue.receive_messages())))
    with TableServiceClient.from_connection_string(connection_string) as tables:
        table = tables.create_table(unique_name)
        table.submit_transaction([("upsert", {"PartitionKey": "p", "RowKey": "r"})])
        table.get_entity("p", "r")
    counts = _operations(azurite, since)
    assert counts == {
        "Create Queue": 1,
        "Put Message": 1,
        "Peek Messages": 1,
        "Get Messages": 1,
        "Delete Message": 1,
        "Create Table": 1,
        "Entity Group Transaction": 1,
        "Get Entity": 1,
    }


def test_two_at_once_do_not_share_ports_or_data(azurite: Azurite, source_account: StorageAccount) -> None:
    with start_azurite({source_account.name: new_account_key()}) as second:
        other = second.account(source_account.name)
        assert other.blob_endpoint != source_account.blob_endpoint
        with BlobServiceClient.from_connection_string(other.connection_string) as blobs:
            assert list(blobs.list_containers()) == []
    assert not second.is_running
    assert azurite.is_running


def test_data_on_disk_outlives_a_restart(tmp_path: Path) -> None:
    keys = {"diskaccount": new_account_key()}
    with (
        start_azurite(keys, location=tmp_path) as first,
        BlobServiceClient.from_connection_string(first.account("diskaccount").connection_string) as blobs,
    ):
        blobs.create_container("kept")
    with (
        start_azurite(keys, location=tmp_path) as second,
        BlobServiceClient.from_connection_string(second.account("diskaccount").connection_string) as blobs,
    ):
        assert [container.name for container in blobs.list_containers()] == ["kept"]


def test_oauth_without_a_certificate_is_refused() -> None:
    with pytest.raises(ValueError, match="TLS"):
        start_azurite({"acc": new_account_key()}, oauth=True)


def test_unreadable_certificate_gives_azurites_own_words(tmp_path: Path) -> None:
    certificate = create_certificate(tmp_path)
    certificate.key_path.write_text("no key")
    with pytest.raises(AzuriteStartError, match="Exit due to unhandled error"):
        start_azurite({"acc": new_account_key()}, certificate=certificate)


def test_parent_killed_azurite_ends_too() -> None:
    script = (
        "import time\n"
        "from ferry.emulators.azurite import new_account_key, start_azurite\n"
        "print(start_azurite({'acc': new_account_key()}).pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        azurite_pid = int(parent.stdout.readline())
        os.kill(azurite_pid, 0)
        parent.kill()
    assert wait_for_end(azurite_pid, timeout_seconds=5.0)


def test_copy_keeps_where_it_came_from_without_the_signature(
    source_account: StorageAccount, destination_account: StorageAccount, unique_name: str
) -> None:
    with (
        BlobServiceClient.from_connection_string(source_account.connection_string) as source,
        BlobServiceClient.from_connection_string(destination_account.connection_string) as destination,
        source.create_container(unique_name) as origin,
        destination.create_container(unique_name) as target,
    ):
        origin.upload_blob("b", b"content")
        url = f"{origin.url}/b?{_sas(source_account, unique_name, 'r')}"
        target.get_blob_client("b").start_copy_from_url(url, requires_sync=True)
        (listed,) = target.list_blobs()
        assert target.download_blob("b").readall() == b"content"
    source_url = listed.copy.source or ""
    assert source_url.startswith(f"{origin.url}/b?")
    assert "sr=c" in source_url
    assert "sig" not in source_url
