"""The text that a store keeps of a document, and how large it may be."""

from typing import TYPE_CHECKING

from ferry.domain.codec import to_bytes
from ferry.domain.faults import InvalidInput

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

# An entity of Table Storage holds 1 MiB; Azurite counts what it holds in base64, a third more.
DOCUMENT_LIMIT_BYTES = 740 * 1024


def stored_text(document_id: str, document: "DataclassInstance") -> bytes:
    """The document as JSON. Raises InvalidInput where no store could hold it."""
    text = to_bytes(document)
    if len(text) > DOCUMENT_LIMIT_BYTES:
        kind = type(document).__name__
        size = f"{len(text)} bytes of JSON, of at most {DOCUMENT_LIMIT_BYTES}"
        raise InvalidInput.at("$", f"{kind} {document_id!r} is too large to be stored: {size}")
    return text
