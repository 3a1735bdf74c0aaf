"""Timer triggers of running hosts."""

import contextlib
import json
import time
from typing import cast

import pytest
from azure.core.exceptions import ResourceExistsError
from azure.storage.blob import BlobServiceClient

from tests.devhost.conftest import HostStarter
from tests.devhost.running_host import HostPlace

pytestmark = pytest.mark.emulators


def test_one_host_of_two_fires(place: HostPlace, start_host: HostStarter) -> None:
    hosts = [start_host({"TICK": "*/2 * * * * *"}) for _ in range(2)]
    for host in hosts:
        host.wait_until_ready()
    ticks = place.wait_for_lines("tick", 4)
    elapsed_seconds = float(str(ticks[-1]["at"])) - float(str(ticks[0]["at"]))
    # Both hosts firing would give four ticks in two seconds; one gives them in six.
    assert elapsed_seconds > 4
    assert all(tick["past_due"] is False for tick in ticks)


def test_missed_slot_fires_at_start_as_past_due(place: HostPlace, start_host: HostStarter) -> None:
    status = {"Last": "2024-01-01T00:00:00+00:00", "Next": "2025-01-01T00:00:00+00:00", "LastUpdated": "2024-01-01"}
    with BlobServiceClient.from_connection_string(place.host_account.connection_string) as service:
        container = service.get_container_client("azure-webjobs-hosts")
        with contextlib.suppress(ResourceExistsError):
            container.create_container()
        blob = container.get_blob_client(f"timers/{place.id}/Host.Functions.yearly/status")
        blob.upload_blob(json.dumps(status))
        start_host().wait_until_ready()
        line = place.wait_for_lines("yearly", 1)[0]
        assert line["past_due"] is True
        assert str(cast("dict[str, object]", line["status"])["Last"]).startswith(("2023-12-31", "2024-01-01"))
        time.sleep(0.5)
        kept = cast("dict[str, str]", json.loads(blob.download_blob().readall()))
        assert kept["Last"] > "2026"
    start_host().wait_until_ready()
    time.sleep(1)
    assert len(place.lines("yearly")) == 1


def test_first_start_waits_for_the_schedule(place: HostPlace, start_host: HostStarter) -> None:
    start_host().wait_until_ready()
    time.sleep(1)
    assert place.lines("yearly") == []
