"""Reads the service's XML documents as their elements come: no tree is built of them.

`listing` reads the ordinary page quicker and comes here with whatever is out of the ordinary.
"""

from collections.abc import Callable
from urllib.parse import unquote
from xml.parsers import expat

from ferry.adapters.blob_wire.listed import UnreadableXml, blob_item
from ferry.ports.storage import BlobItem, BlobPage


class _PageReader:
    """Handlers for expat. `where` is the element of a blob in whose children we are."""

    def __init__(self) -> None:
        self.items: list[BlobItem] = []
        self.next_marker = ""
        self.is_listing = False
        self._text: list[str] = []
        self._depth = 0
        self._blob: dict[str, str] | None = None
        self._fields: dict[str, str] | None = None
        self._fields_depth = 0
        self._properties: dict[str, str] = {}
        self._metadata: dict[str, str] = {}
        self._tags: dict[str, str] = {}
        self._tag_key = ""
        self.take = self._text.append

    def start(self, tag: str, attributes: list[str]) -> None:
        self._depth += 1
        self._text.clear()
        depth = self._depth
        if depth == 4:
            if tag == "Properties":
                self._fields = self._properties
            elif tag == "Metadata":
                self._fields = self._metadata
            elif attributes and tag == "Name" and self._blob is not None and "true" in attributes:
                self._blob["Encoded"] = "true"
        elif depth == 3 and tag == "Blob":
            self._blob, self._properties, self._metadata, self._tags = {}, {}, {}, {}
        elif depth == 1:
            self.is_listing = tag == "EnumerationResults"

    def end(self, tag: str) -> None:
        depth = self._depth
        self._depth = depth - 1
        if depth == 5:
            if self._fields is not None:
                self._fields[tag] = "".join(self._text)
        elif depth == 4:
            self._fields = None
            if self._blob is not None and tag not in ("Properties", "Metadata", "Tags"):
                self._blob[tag] = "".join(self._text)
        elif depth == 7:
            if tag == "Key":
                self._tag_key = "".join(self._text)
            elif tag == "Value" and self._tag_key:
                self._tags[self._tag_key] = "".join(self._text)
        elif depth == 3 and tag == "Blob":
            self._end_blob()
        elif depth == 2 and tag == "NextMarker":
            self.next_marker = "".join(self._text)
        self._text.clear()

    def _end_blob(self) -> None:
        blob, self._blob = self._blob, None
        if blob is None:
            return
        name = blob.get("Name", "")
        item = blob_item(unquote(name) if "Encoded" in blob else name, self._properties, self._metadata, self._tags)
        if item is not None:
            self.items.append(item)


def read_any_page(content: bytes) -> BlobPage:
    """A page of List Blobs, however it is written. Raises UnreadableXml."""
    reader = _PageReader()
    _parse(content, reader.start, reader.end, reader.take)
    if not reader.is_listing:
        raise UnreadableXml("the answer is no listing of blobs")
    return BlobPage(tuple(reader.items), reader.next_marker or None)


def read_uncommitted(content: bytes) -> dict[str, int]:
    """The uncommitted blocks of Get Block List by id, with their sizes. Raises UnreadableXml."""
    blocks: dict[str, int] = {}
    path: list[str] = []
    text: list[str] = []
    fields: dict[str, str] = {}

    def start(tag: str, attributes: list[str]) -> None:
        path.append(tag)
        text.clear()

    def end(tag: str) -> None:
        path.pop()
        if path[1:2] == ["UncommittedBlocks"]:
            if tag != "Block":
                fields[tag] = "".join(text)
            elif fields.get("Size", "").isdecimal():
                blocks[fields["Name"]] = int(fields["Size"])

    _parse(content, start, end, text.append)
    return blocks


def read_tags(content: bytes) -> dict[str, str]:
    """The tags of one blob (Get Blob Tags). Raises UnreadableXml."""
    tags: dict[str, str] = {}
    text: list[str] = []
    keys: list[str] = []

    def start(tag: str, attributes: list[str]) -> None:
        text.clear()

    def end(tag: str) -> None:
        if tag == "Key":
            keys.append("".join(text))
        elif tag == "Value" and keys:
            tags[keys.pop()] = "".join(text)

    _parse(content, start, end, text.append)
    return tags


def _parse(
    content: bytes, start: Callable[[str, list[str]], None], end: Callable[[str], None], text: Callable[[str], None]
) -> None:
    parser = expat.ParserCreate()
    parser.ordered_attributes = True
    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse_doctype
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise UnreadableXml("the answer is no XML") from None


def _refuse_doctype(*_: object) -> None:
    raise UnreadableXml("the answer has a document type, which no service sends")
