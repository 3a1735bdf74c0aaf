"""What the API has shown of transfers, on both sides: a file for each of the twelve failures, and three that went well.

The files were written by the participants of tests/e2e; only the time is fixed here.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ferry.cli.management import TransferView, read_transfer

FOLDER = Path(__file__).parent / "recorded"
NOW = datetime(2026, 11, 23, 9, 55, tzinfo=UTC)


def names() -> set[str]:
    """Every recording."""
    return {path.stem for path in FOLDER.glob("*.json")}


def recorded(name: str) -> tuple[TransferView, TransferView | None]:
    """The consumer's and the provider's view; None where the transfer did not get that far."""
    told: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    provider = told["provider"]
    return read_transfer(told["consumer"]), read_transfer(provider) if provider is not None else None
