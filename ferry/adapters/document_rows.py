"""A document as a row of Table Storage: its text in binary properties, because strings end at 32,000 characters."""

from collections.abc import Mapping

from ferry.adapters.table_rows import Row, Values

# A property holds 64 KiB.
_CHUNK_BYTES = 60 * 1024


def document_row(partition: str, key: str, text: bytes, columns: Mapping[str, str | int]) -> Values:
    """The row of a document; `columns` are for people and tools that look into the table."""
    chunks = {
        f"d{number}": text[start : start + _CHUNK_BYTES]
        for number, start in enumerate(range(0, len(text), _CHUNK_BYTES))
    }
    return {"PartitionKey": partition, "RowKey": key, **columns, **chunks}


def document_text(row: Row) -> bytes:
    """The document's text."""
    chunks: list[bytes] = []
    while isinstance(chunk := row.values.get(f"d{len(chunks)}"), bytes):
        chunks.append(chunk)
    return b"".join(chunks)
