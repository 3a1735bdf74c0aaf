"""Documents that the contract suites put into stores."""

from datetime import UTC, datetime, timedelta
from typing import Any

from ferry.domain.contracts import Asset, PolicyDefinition
from ferry.domain.data_address import SourceAddress
from ferry.domain.message_kind import Role
from ferry.domain.process import HistoryEntry
from ferry.domain.states import TransferState
from ferry.domain.transfer_process import TransferProcess

NOW = datetime(2026, 3, 4, 5, 6, 7, 891011, tzinfo=UTC)
ODD_IDS = [
    "https://example.com/assets/1?version=2#part%20a",
    "back\\slash and 'quotes' and \"more\" | pipe",
    "ünïcödé/日本語/🚢",
    "control\x01\x1f\x7f\x85characters",
    " leading and trailing ",
    "..",
    "x" * 900,
]


def a_transfer(process_id: str = "p-1", **changes: Any) -> TransferProcess:
    """A transfer as it stands after its first commit."""
    values: dict[str, Any] = {
        "created_at": NOW,
        "state_at": NOW,
        "operation_id": "op-1",
        "role": Role.CONSUMER,
        "state": TransferState.REQUESTING,
        "counter_party_id": "provider",
        "counter_party_address": "https://provider.example/api/dsp",
        "agreement_id": "agreement-1",
        "asset_id": "asset-1",
        "transfer_type": "AzureStorage-PUSH",
    }
    return TransferProcess(id=process_id, **values | changes)


def lines(first: int, count: int) -> tuple[HistoryEntry, ...]:
    """Lines of history that say which one they are."""
    return tuple(HistoryEntry(NOW + timedelta(seconds=n), "STARTED", f"line {n}") for n in range(first, first + count))


def an_asset(asset_id: str = "asset-1", **properties: Any) -> Asset:
    """An asset with these properties."""
    return Asset(asset_id, NOW, SourceAddress("account", "container", blob_prefix=""), properties)


def a_policy(policy_id: str, size_bytes: int = 0) -> PolicyDefinition:
    """A policy that is about so large."""
    permission = {"action": "use", "constraint": [{"rightOperand": "é" * (size_bytes // 2)}]}
    return PolicyDefinition(policy_id, NOW, {"@type": "Set", "permission": [permission]})
