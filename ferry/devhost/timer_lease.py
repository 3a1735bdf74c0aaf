"""The status of a timer in the host's storage, leased while it runs so that one host of many fires.

The blob is `azure-webjobs-hosts/timers/{host id}/Host.Functions.{name}/status`, as the real host has it. It is leased
for one occurrence only: an idle timer costs no request, and a host that died blocks the others for 15 seconds at most.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, cast

from ferry.devhost.connections import blob_service

if TYPE_CHECKING:
    from azure.storage.blob import BlobClient, BlobLeaseClient

    from ferry.devhost.connections import StorageConnection

CONTAINER = "azure-webjobs-hosts"
LEASE_SECONDS = 15


@dataclass(frozen=True, slots=True)
class TimerStatus:
    """When a timer ran last and when it is due next; local times."""

    last: datetime | None
    next: datetime | None
    last_updated: datetime | None

    def to_json(self) -> dict[str, str]:
        """The fields as the trigger's payload and the blob have them."""
        never = "0001-01-01T00:00:00+00:00"
        return {
            "Last": self.last.astimezone().isoformat() if self.last else never,
            "Next": self.next.astimezone().isoformat() if self.next else never,
            "LastUpdated": self.last_updated.astimezone().isoformat() if self.last_updated else never,
        }

    @classmethod
    def from_json(cls, text: str) -> TimerStatus:
        """Read the blob's text; fields that cannot be read are unknown."""
        document: object = json.loads(text)
        fields = cast("dict[str, object]", document) if isinstance(document, dict) else {}
        return cls(_local(fields.get("Last")), _local(fields.get("Next")), _local(fields.get("LastUpdated")))


class TimerLease:
    """Status and lease of one timer; used by its own thread only."""

    def __init__(self, connection: StorageConnection, host_id: str, function_name: str) -> None:
        self._connection = connection
        self._name = f"timers/{host_id}/Host.Functions.{function_name}/status"
        self._lease: BlobLeaseClient | None = None
        self._known_etag = ""
        self._known_status: TimerStatus | None = None

    def open(self) -> None:
        """Make the client now, so that the first occurrence is not late by the import of the SDK."""
        _ = self._blob

    def acquire(self) -> bool:
        """Take the lease; False when another host has it."""
        from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

        try:
            self._lease = self._blob.acquire_lease(LEASE_SECONDS)
        except ResourceNotFoundError:
            self._create()
            return self.acquire()
        except HttpResponseError as error:
            if error.status_code == 409:
                return False
            raise
        return True

    def renew(self) -> None:
        """Keep the lease for another period."""
        if self._lease is not None:
            self._lease.renew()

    def release(self) -> None:
        """Give the lease back; one that was lost meanwhile is no error."""
        from azure.core.exceptions import HttpResponseError

        lease, self._lease = self._lease, None
        if lease is None:
            return
        try:
            lease.release()
        except HttpResponseError as error:
            if error.status_code not in {404, 409, 412}:
                raise

    def read(self) -> TimerStatus | None:
        """The status; None when the timer never had one. Spares the request when nobody else wrote since we did."""
        from azure.core.exceptions import ResourceNotFoundError

        if self._lease is not None and self._known_etag and self._lease.etag == self._known_etag:
            return self._known_status
        try:
            text = self._blob.download_blob().readall().decode()
        except ResourceNotFoundError:
            return None
        try:
            return TimerStatus.from_json(text) if text else None
        except ValueError:
            return None

    def write(self, status: TimerStatus) -> None:
        """Replace the status under our lease."""
        written = self._blob.upload_blob(json.dumps(status.to_json()), overwrite=True, lease=self._lease)
        self._known_etag = str(written["etag"])
        self._known_status = status

    def _create(self) -> None:
        from azure.core.exceptions import ResourceExistsError, ResourceNotFoundError

        try:
            self._blob.upload_blob(b"", overwrite=False)
        except ResourceNotFoundError:
            with contextlib.suppress(ResourceExistsError):
                blob_service(self._connection).get_container_client(CONTAINER).create_container()
            self._create()
        except ResourceExistsError:
            return

    @cached_property
    def _blob(self) -> BlobClient:
        return blob_service(self._connection).get_blob_client(CONTAINER, self._name)


def _local(value: object) -> datetime | None:
    if not isinstance(value, str) or value.startswith("0001-"):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment.astimezone() if moment.tzinfo else moment).replace(tzinfo=None)
