"""A transfer as the management API shows it: EDC's members, and beside them what an operator wants to know.

No secret is ever among them, and no alias of one that we chose.
"""

from collections.abc import Sequence

from ferry.api.management.callbacks import shown_callbacks
from ferry.api.management.shapes import (
    CONTEXT,
    Shown,
    data_address,
    iso,
    millis,
    shown_fault,
    shown_history,
)
from ferry.control_plane.progress import Progress, told_progress
from ferry.domain.process import Json, JsonObject
from ferry.domain.transfer_process import Destination, TransferProcess
from ferry.effects.progress import MESSAGE
from ferry.protocol.transfer_messages import destination_properties


def shown_transfer(
    process: TransferProcess, *, moved_history: Sequence[JsonObject] | None = None, progress: JsonObject | None = None
) -> Shown:
    """A TransferProcess; in full also its history, and what is tried again.

    `moved_history`: its lines that have left the document; None leaves both out.
    """
    in_full: Shown = {}
    if moved_history is not None:
        in_full = {"history": shown_history(moved_history, process.history), **_waiting(process)}
    destination = process.destination
    optional: Shown = {
        "correlationId": process.correlation_id,
        "dataDestination": _destination(destination) if destination else None,
        "errorDetail": process.error.message if process.error else None,
        "error": shown_fault(process.error),
        "verification": process.verification,
        "delivered": process.delivered,
        "progress": progress,
        "secretPurgeAt": iso(destination.purge_at) if destination else None,
        "deadlineAt": iso(process.deadline_at),
    }
    return {
        "@id": process.id,
        "@type": "TransferProcess",
        "type": process.role.value,
        "state": process.state_name,
        "stateTimestamp": millis(process.state_at),
        "createdAt": millis(process.created_at),
        "assetId": process.asset_id,
        "contractId": process.agreement_id,
        "transferType": process.transfer_type,
        "protocol": process.protocol,
        "counterPartyId": process.counter_party_id,
        "counterPartyAddress": process.counter_party_address,
        "callbackAddresses": shown_callbacks(process.callbacks),
        "managedResources": destination.managed if destination else not process.is_pull,
        **{name: value for name, value in optional.items() if value is not None},
        **in_full,
        "@context": CONTEXT,
    }


def shown_progress(process: TransferProcess, progress: Progress) -> Shown:
    """How far a transfer has come."""
    return {"@type": MESSAGE, "state": process.state_name, **told_progress(progress), "@context": CONTEXT}


def _waiting(process: TransferProcess) -> Shown:
    """What has failed so far and is tried again: how often, why, and when next; nothing where all goes well."""
    waiting: list[Json] = [
        {
            "what": intent.kind.value,
            "attempts": intent.attempt,
            "nextAt": iso(intent.not_before),
            "error": shown_fault(intent.last_fault),
        }
        for intent in process.intents
        if intent.last_fault is not None
    ]
    return {"waiting": waiting} if waiting else {}


def _destination(destination: Destination) -> Shown:
    return data_address({**destination_properties(destination), "keyName": destination.key_name})
