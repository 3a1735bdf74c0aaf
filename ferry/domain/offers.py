"""Ids of offers: `base64(definition):base64(asset):base64(uuid)`, as EDC writes them; raw parts are read as well."""

import base64
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OfferId:
    """Which asset under which contract definition; `unique` makes each offer's id its own."""

    definition_id: str
    asset_id: str
    unique: str

    def __str__(self) -> str:
        parts = (self.definition_id, self.asset_id, self.unique)
        return ":".join(base64.b64encode(part.encode()).decode() for part in parts)


def read_offer_id(text: str) -> OfferId | None:
    """The id's parts; None where it has not three of them."""
    parts = text.split(":")
    if len(parts) != 3 or not all(parts):
        return None
    decoded = [_decoded(part) for part in parts]
    if all(part is not None for part in decoded):
        return OfferId(*(part or "" for part in decoded))
    return OfferId(*parts)


def _decoded(part: str) -> str | None:
    try:
        return base64.b64decode(part, validate=True).decode()
    except ValueError:
        return None
