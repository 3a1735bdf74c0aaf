"""The purpose that a request states: what the one who asks wants the data for, which policies can be about.

The Dataspace Protocol has no place for it, so it travels as a property under EDC's namespace in ContractRequestMessage
and TransferRequestMessage, and only where the client has stated one; readers that do not know it pass over it. It is
the peer's own word: a policy about it binds by contract, not by proof.
"""

from ferry.domain.data_address import EDC_NAMESPACE
from ferry.domain.faults import InvalidInput
from ferry.domain.policy import PURPOSE
from ferry.domain.process import Json, JsonObject

PURPOSE_LIMIT = 256


def purpose_fields(purpose: str | None) -> dict[str, Json]:
    """What a request that states this purpose says of it."""
    return {EDC_NAMESPACE + PURPOSE: purpose} if purpose else {}


def stated_purpose(message: JsonObject) -> str | None:
    """The purpose that a request states, in short terms; None where it states none. Raises InvalidInput."""
    stated = message.get(PURPOSE)
    if isinstance(stated, list) and len(stated) == 1:
        stated = stated[0]
    if stated is None or stated in ("", []):
        return None
    if not isinstance(stated, str) or len(stated) > PURPOSE_LIMIT:
        raise InvalidInput.at(PURPOSE, f"must be a text of at most {PURPOSE_LIMIT} characters")
    return stated
