"""Builds Event Grid's events for blobs, from the requests that wrote them, in the schema that the host expects."""

import datetime as dt
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from ferry.emulators.azurite import StorageAccount
from ferry.emulators.request_log import StorageRequest

_APIS: Mapping[str, str] = {
    "Put Blob": "PutBlob",
    "Put Blob From URL": "PutBlob",
    "Put Block List": "PutBlockList",
    "Copy Blob": "CopyBlob",
    "Copy Blob From URL": "CopyBlob",
}


@dataclass(frozen=True, slots=True)
class CreatedBlob:
    """A blob that a request has created or overwritten; names are decoded, `path` is as it was sent."""

    account: str
    container: str
    name: str
    path: str
    api: str
    etag: str
    length_bytes: int | None
    created_at: dt.datetime


def created_blob(request: StorageRequest) -> CreatedBlob | None:
    """The blob that the request created, or None; the length is known only if the request carried the content."""
    api = _APIS.get(request.operation)
    if api is None or request.service != "blob" or request.status not in (201, 202):
        return None
    _, account, container, blob = request.path.split("/", 3)
    return CreatedBlob(
        account=account,
        container=unquote(container),
        name=unquote(blob),
        path=request.path,
        api=api,
        etag=(request.etag or "").strip('"'),
        length_bytes=request.received_bytes if request.operation == "Put Blob" else None,
        created_at=dt.datetime.fromtimestamp(request.answered_at, dt.UTC),
    )


def topic_of(account: StorageAccount) -> str:
    """The resource id that a storage account would have."""
    return (
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/local"
        f"/providers/Microsoft.Storage/storageAccounts/{account.name}"
    )


def blob_created_event(account: StorageAccount, blob: CreatedBlob, length_bytes: int) -> dict[str, Any]:
    """The BlobCreated event for a blob of the given length."""
    endpoint = account.blob_endpoint.removesuffix(f"/{account.name}")
    return {
        "topic": topic_of(account),
        "subject": f"/blobServices/default/containers/{blob.container}/blobs/{blob.name}",
        "eventType": "Microsoft.Storage.BlobCreated",
        "id": str(uuid.uuid4()),
        "eventTime": blob.created_at.isoformat().replace("+00:00", "Z"),
        "dataVersion": "",
        "metadataVersion": "1",
        "data": {
            "api": blob.api,
            "requestId": str(uuid.uuid4()),
            "eTag": blob.etag,
            "contentType": "application/octet-stream",
            "contentLength": length_bytes,
            "blobType": "BlockBlob",
            "url": f"{endpoint}{blob.path}",
            "sequencer": uuid.uuid4().hex,
            "storageDiagnostics": {"batchId": str(uuid.uuid4())},
        },
    }


def validation_event(account: StorageAccount, code: str) -> dict[str, Any]:
    """The event with which Event Grid asks a new target whether it wants the subscription."""
    return {
        "topic": topic_of(account),
        "subject": "",
        "eventType": "Microsoft.EventGrid.SubscriptionValidationEvent",
        "id": str(uuid.uuid4()),
        "eventTime": dt.datetime.now(dt.UTC).isoformat().replace("+00:00", "Z"),
        "dataVersion": "2",
        "metadataVersion": "1",
        "data": {"validationCode": code},
    }
