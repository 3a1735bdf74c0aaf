"""Containers of an Azurite as they really are: names go out as they are written, headers are seen as they came."""

import base64
import xml.etree.ElementTree as Xml
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from http.client import HTTPConnection, HTTPMessage, HTTPResponse
from typing import NamedTuple
from urllib.parse import quote, unquote, urlsplit

_VERSION = "2021-12-02"
_BLOCK_BYTES = 32 * 2**20
_DONE = 300


@dataclass(frozen=True, slots=True)
class Seed:
    """A blob that is put into a source; `headers` as requests have them, tags among them."""

    name: str
    content: bytes = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    kind: str = "BlockBlob"
    in_blocks: bool = False


class Kept(NamedTuple):
    """A blob as it is found: the MD5 of its bytes, and everything that is compared, by what it is called."""

    digest: str
    aspects: dict[str, object]


class Refused(Exception):
    """The service did not do it."""


class Container:
    """A container; its address has a SAS that allows everything."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._path, self._sas = parts.netloc, parts.path, parts.query

    def seed(self, blob: Seed) -> None:
        """Put it there. Raises Refused where the service does not take it."""
        headers = {"x-ms-blob-type": blob.kind, **blob.headers}
        if blob.kind == "AppendBlob":
            self._ask("PUT", blob.name, headers=headers)
            self._ask("PUT", blob.name, "comp=appendblock", blob.content)
        elif blob.kind == "PageBlob":
            size = {"x-ms-blob-content-length": str(len(blob.content))}
            self._ask("PUT", blob.name, headers=headers | size)
            write = {"x-ms-page-write": "update", "x-ms-range": f"bytes=0-{len(blob.content) - 1}"}
            self._ask("PUT", blob.name, "comp=page", blob.content, write)
        elif blob.in_blocks:
            self._seed_in_blocks(blob)
        else:
            self._ask("PUT", blob.name, "", blob.content, headers)

    def _seed_in_blocks(self, blob: Seed) -> None:
        listed = ""
        for start in range(0, len(blob.content), _BLOCK_BYTES):
            block_id = base64_of(start.to_bytes(6))
            piece = blob.content[start : start + _BLOCK_BYTES]
            self._ask("PUT", blob.name, f"comp=block&blockid={quote(block_id, safe='')}", piece)
            listed += f"<Latest>{block_id}</Latest>"
        document = f'<?xml version="1.0" encoding="utf-8"?><BlockList>{listed}</BlockList>'
        self._ask("PUT", blob.name, "comp=blocklist", document.encode(), blob.headers)

    def snapshot(self, name: str) -> None:
        """Take one of a blob."""
        self._ask("PUT", name, "comp=snapshot")

    def names(self) -> list[str]:
        """The names of all blobs and, once more each, of their snapshots."""
        _, content = self._ask("GET", "", "restype=container&comp=list&include=snapshots")
        entries = Xml.fromstring(content).iter("Blob")
        return [_name(entry) for entry in entries]

    def found(self, name: str) -> Kept | None:
        """A blob with all that is compared; None where there is none."""
        names = self.names()
        if name not in names:
            return None
        shown, _ = self._ask("HEAD", name)
        digest = md5(usedforsecurity=False)
        if shown["x-ms-access-tier"] != "Archive":
            digest.update(self._ask("GET", name)[1])
        tags: dict[str, str] = {}
        if shown["x-ms-tag-count"]:
            for tag in Xml.fromstring(self._ask("GET", name, "comp=tags")[1]).iter("Tag"):
                tags[tag.findtext("Key", "")] = tag.findtext("Value", "")
        aspects: dict[str, object] = {
            **{
                it: shown[it]
                for it in (
                    *("content-type", "content-encoding", "content-language", "content-disposition"),
                    *("cache-control", "content-md5"),
                )
            },
            "metadata": {key[10:]: value for key, value in shown.items() if key.lower().startswith("x-ms-meta-")},
            "tags": tags,
            "tier": None if shown["x-ms-access-tier-inferred"] == "true" else shown["x-ms-access-tier"],
            "kind": shown["x-ms-blob-type"],
            "snapshots": names.count(name) - 1,
        }
        return Kept(digest.hexdigest(), aspects)

    def _ask(
        self, verb: str, name: str, query: str = "", body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[HTTPMessage, bytes]:
        path = f"{self._path}/{quote(name, safe='/~')}" if name else self._path
        connection = HTTPConnection(self._host, timeout=120)
        try:
            sent = {"x-ms-version": _VERSION, **(headers or {})}
            connection.request(verb, f"{path}?{'&'.join(filter(None, (query, self._sas)))}", body, sent)
            answer: HTTPResponse = connection.getresponse()
            content = answer.read()
        finally:
            connection.close()
        if answer.status >= _DONE:
            code = answer.headers["x-ms-error-code"]
            raise Refused(f"{verb} {name[:60]!r} {query}: {answer.status} {code}")
        return answer.headers, content


def base64_of(content: bytes) -> str:
    """As headers have it."""
    return base64.b64encode(content).decode()


def _name(entry: Xml.Element) -> str:
    name = entry.find("Name")
    if name is None:
        return ""
    return unquote(name.text or "") if name.get("Encoded") == "true" else name.text or ""
