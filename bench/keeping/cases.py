"""What is to be kept: a blob for each thing, and what of it is compared once it was copied."""

from dataclasses import dataclass, field, replace
from hashlib import md5

from bench.keeping.containers import Seed, base64_of

_KIB, _MIB = 2**10, 2**20
LARGE_BYTES = 260 * _MIB
STREAMED_BYTES = 20 * _MIB
_TEXT = b"who copies this keeps what it is\n" * 40
_READ, _WRITE = "rlt", "rcwlt"
_ALL = {
    "x-ms-blob-content-type": "text/csv; charset=utf-8",
    "x-ms-blob-content-encoding": "gzip",
    "x-ms-blob-content-language": "nl-BE",
    "x-ms-blob-content-disposition": 'attachment; filename="a b.csv"',
    "x-ms-blob-cache-control": "max-age=60, private",
    "x-ms-meta-owner": "Team 7",
}
HEADERS = ("content-type", "content-encoding", "content-language", "content-disposition", "cache-control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A row. `aspects` are compared besides the bytes and the name; the letters are those of the two SAS.

    `note`: what is different on Azure. `has_snapshot`: the blob has one, with other bytes.
    """

    name: str
    seed: Seed
    aspects: tuple[str, ...] = ()
    source_letters: str = _READ
    destination_letters: str = _WRITE
    note: str = ""
    has_snapshot: bool = False
    streamed_seed: Seed | None = field(default=None)

    def seeded(self, *, streams: bool) -> Seed:
        """The blob that is copied."""
        return self.streamed_seed if streams and self.streamed_seed is not None else self.seed


def cases() -> tuple[Case, ...]:
    """All rows, in the order of the page."""
    return (*_headers(), *_others(), *_tags(), *_kinds(), *_names(), *_large())


def _with(headers: dict[str, str], name: str = "blob.txt") -> Seed:
    return Seed(name=name, content=_TEXT, headers=headers)


def _headers() -> tuple[Case, ...]:
    rows = [
        Case(
            name=name.replace("-", " ").capitalize(),
            seed=Seed(name="blob.txt", content=_TEXT, headers={set_by: _ALL[set_by]}),
            aspects=(name,),
        )
        for name, set_by in zip(HEADERS, list(_ALL)[:5], strict=True)
    ]
    return tuple(rows)


def _others() -> tuple[Case, ...]:
    many = {f"x-ms-meta-key{number:02}": f"value {number} " + "x" * 90 for number in range(70)}
    stale = base64_of(md5(b"other bytes", usedforsecurity=False).digest())
    stale_seed = Seed(name="blob.txt", content=_TEXT, headers={"x-ms-blob-content-md5": stale}, in_blocks=True)
    return (
        Case(name="Metadata", seed=_with({"x-ms-meta-owner": "Team 7"}), aspects=("metadata",)),
        Case(
            name="Metadata, with the case of its names",
            seed=_with({"x-ms-meta-Owner": "Team 7", "x-ms-meta-costCentre": "a=b&c; d"}),
            aspects=("metadata",),
        ),
        Case(name="Metadata, 70 names, 8 KiB", seed=Seed("blob.txt", _TEXT, many), aspects=("metadata",)),
        Case(name="Access tier Cool", seed=_with({"x-ms-access-tier": "Cool"}), aspects=("tier",)),
        Case(name="Access tier Archive (cannot be read)", seed=_with({"x-ms-access-tier": "Archive"})),
        Case(name="Content MD5", seed=_with({}), aspects=("content-md5",)),
        Case(
            name="Content MD5 that is not that of the bytes",
            seed=stale_seed,
            streamed_seed=replace(stale_seed, content=b"x" * STREAMED_BYTES),
            aspects=("content-md5",),
            note="Azure compares it and refuses; then Ferry takes the bytes through here. Azurite does not compare. "
            "Streamed, Ferry stores the MD5 of the bytes and says that the other one was not kept",
        ),
    )


def _tags() -> tuple[Case, ...]:
    seed = _with({"x-ms-tags": "project=ferry&class=a%20b"})
    note = "Azure refuses to read or set tags with a SAS without t; Azurite lets everyone, so an option works there"
    return (
        Case(name="Index tags", seed=seed, aspects=("tags",)),
        Case(
            name="Index tags, destination's SAS without t",
            seed=seed,
            aspects=("tags",),
            destination_letters="rcwl",
            note=note,
        ),
        Case(name="Index tags, source's SAS without t", seed=seed, aspects=("tags",), source_letters="rl", note=note),
    )


def _kinds() -> tuple[Case, ...]:
    azurite = "Azurite has no {} From URL, so this shows what happens where the service cannot; on Azure Ferry uses it"
    return (
        Case(name="0 bytes", seed=Seed("empty", b"", dict(_ALL)), aspects=(*HEADERS, "metadata")),
        Case(
            name="Append blob",
            seed=Seed("log.txt", _TEXT, dict(_ALL), kind="AppendBlob"),
            aspects=("kind", *HEADERS, "metadata"),
            note=azurite.format("Append Block"),
        ),
        Case(
            name="Page blob",
            seed=Seed("disk.vhd", b"p" * 4096, dict(_ALL), kind="PageBlob"),
            aspects=("kind", *HEADERS, "metadata"),
            note=azurite.format("Put Page"),
        ),
        Case(
            name="Snapshots",
            seed=_with({}),
            aspects=("snapshots",),
            has_snapshot=True,
            note="Snapshots, versions and deleted blobs are never copied: what is copied is the blob as it is listed",
        ),
    )


def _names() -> tuple[Case, ...]:
    names = {
        "Name in Unicode": "données/資料 Ω-é-e\u0301-🚢.txt",
        "Name with a percent sign": "100%.txt",
        "Name that looks escaped": "a%2Fb%20c.txt",
        "Name with a plus": "a+b.txt",
        "Name with a hash and a question mark": "a#b?c=d.txt",
        "Name with spaces, one at its end": "a b  c ",
        "Name with a dot at its end": "folder./blob.",
        "Name with two slashes": "a//b.txt",
        "Name with a slash in front": "/a.txt",
        "Name with a slash at its end": "a/",
        "Name with dots for a folder": "a/../b/./c.txt",
        "Name with letters that XML escapes": "a&b<c>\"d'.txt",
        "Name with other reserved letters": "a;b:c@d=e,f$g!h*(i)[j]{k}|l^m`n~o.txt",
        "Name with a backslash": "a\\b.txt",
        "Name of 1,024 letters": "n" * 1024,
        "Name of 1,024 letters that must be escaped": "é" * 1024,
    }
    notes = {"Name with a backslash": "Azure takes a backslash for a slash, so such a name exists on Azurite alone"}
    return tuple(Case(name=what, seed=_with({}, name), note=notes.get(what, "")) for what, name in names.items())


def _md5_of(size_bytes: int) -> dict[str, str]:
    return {"x-ms-blob-content-md5": base64_of(md5(b"L" * size_bytes, usedforsecurity=False).digest())}


def _large() -> tuple[Case, ...]:
    large = Seed("large.bin", b"L" * LARGE_BYTES, {**_ALL, **_md5_of(LARGE_BYTES)}, in_blocks=True)
    tagged = replace(large, headers={"x-ms-tags": "project=ferry"})
    return tuple(
        Case(
            name=f"In blocks: {what}",
            seed=seed,
            streamed_seed=replace(seed, content=seed.content[:STREAMED_BYTES], headers=headers),
            aspects=aspects,
        )
        for what, seed, headers, aspects in (
            ("headers, metadata", large, _ALL, (*HEADERS, "metadata")),
            ("content MD5", large, {**_ALL, **_md5_of(STREAMED_BYTES)}, ("content-md5",)),
            ("index tags", tagged, tagged.headers, ("tags",)),
        )
    )
