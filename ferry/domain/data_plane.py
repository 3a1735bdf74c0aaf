"""DataPlaneInstance: a data plane that a provider may run flows on. Names are EDC's."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DataPlaneState(StrEnum):
    """States of a DataPlaneInstance, as EDC spells them."""

    REGISTERED = "REGISTERED"


@dataclass(frozen=True, slots=True)
class DataPlaneInstance:
    """A data plane: `url` is where `/start` and the rest of Data Plane Signaling are appended, `…/dataflows` as a rule.

    By `labels` a consumer's request may choose among planes; a provider's flow is not chosen by them.
    """

    id: str
    created_at: datetime
    updated_at: datetime
    url: str
    transfer_types: tuple[str, ...]
    labels: tuple[str, ...] = ()
    state: DataPlaneState = DataPlaneState.REGISTERED
