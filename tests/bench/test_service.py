"""The stand-in answers like the service: pins, conditions, SAS, hashes, listings."""

import re
from base64 import b64encode
from hashlib import md5

import pytest

from bench.standin.behaviour import Behaviour, parsed
from bench.standin.content import md5_of
from bench.standin.written import Verdict
from tests.bench.requests import ALL, MIB, READ, WRITE, Asked, said

BLOCK = {"x-ms-blob-type": ""}


def small(count: int = 3, size_bytes: int = 4096, **behaviour: bool | int) -> Asked:
    """A service with small blobs."""
    return Asked(Behaviour(blobs=count, sizes=(size_bytes,), **behaviour))  # pyright: ignore[reportArgumentType]


def verdict(asked: Asked) -> Verdict:
    """What lies in the destination."""
    return asked.service.container("dst").verdict(asked.service.source)


def block_id(number: int) -> str:
    """As it stands in a query."""
    return b64encode(f"{number:05d}".encode()).decode().replace("=", "%3D")


def test_pinned_copy_of_the_right_version_is_equal() -> None:
    asked = small()
    for number in range(3):
        assert said(asked.copy(asked.name(number), {"x-ms-source-if-match": asked.etag(number)})) == (201, "")
    assert verdict(asked)["equal"] == 3


def test_pin_of_another_version_is_412() -> None:
    asked = small()
    etag = asked.etag()
    asked.service.source.change(0)
    assert said(asked.copy(asked.name(), {"x-ms-source-if-match": etag})) == (412, "SourceConditionNotMet")
    synchronous = {"x-ms-source-if-match": etag, "x-ms-requires-sync": "true", **BLOCK}
    assert said(asked.copy(asked.name(), synchronous)) == (412, "ConditionNotMet")
    assert verdict(asked)["missing"] == 3


@pytest.mark.parametrize(
    "source", ["sp=rl&se=2099-01-01T00:00:00Z", "sp=rl&se=2020-01-01T00:00:00Z&sig=x", "sp=l&sig=x"]
)
def test_source_that_the_sas_does_not_open_cannot_be_verified(source: str) -> None:
    asked = small()
    answer = asked.copy(asked.name(), source=source)
    assert said(answer) == (403, "CannotVerifyCopySource")
    assert answer.headers["x-ms-copy-source-status-code"] == "403"


def test_source_that_is_not_there_or_not_reachable_cannot_be_verified() -> None:
    assert said(small().copy("blob-000000009.bin")) == (404, "CannotVerifyCopySource")
    asked = small(copies=False)
    assert said(asked.copy(asked.name())) == (403, "CannotVerifyCopySource")
    assert said(asked.ask("HEAD", f"source/src/{asked.name()}?{READ}")) == (200, "")


def test_blob_that_is_there_is_409_unless_it_may_be_overwritten() -> None:
    asked = small()
    asked.copy(asked.name())
    assert said(asked.copy(asked.name(), {"If-None-Match": "*"})) == (409, "BlobAlreadyExists")
    create_only = WRITE.replace("sp=cw", "sp=c")
    assert said(asked.copy(asked.name(), query=create_only)) == (403, "AuthorizationPermissionMismatch")
    assert said(asked.copy(asked.name())) == (201, "")
    assert verdict(asked)["written_twice"] == 1


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("sp=cw", (401, "NoAuthenticationInformation")),
        ("sp=cw&se=2020-01-01T00:00:00Z&sig=x", (403, "AuthenticationFailed")),
        ("sp=rl&sig=x", (403, "AuthorizationPermissionMismatch")),
    ],
)
def test_destination_that_the_sas_does_not_open_is_refused(query: str, expected: tuple[int, str]) -> None:
    asked = small()
    assert said(asked.copy(asked.name(), query=query)) == expected


def test_write_only_sas_can_neither_list_nor_look_nor_see_blocks() -> None:
    asked = small()
    refused = (403, "AuthorizationPermissionMismatch")
    assert said(asked.ask("GET", f"destination/dst?restype=container&comp=list&{WRITE}")) == refused
    assert said(asked.ask("HEAD", f"destination/dst/{asked.name()}?{WRITE}")) == refused
    assert said(asked.ask("GET", f"destination/dst/{asked.name()}?comp=blocklist&{WRITE}")) == refused


def test_hash_of_the_source_is_checked() -> None:
    asked = small()
    right = md5_of(asked.service.source.blob(0).extent)
    assert said(asked.copy(asked.name(), {"x-ms-source-content-md5": right})) == (201, "")
    assert said(asked.copy(asked.name(1), {"x-ms-source-content-md5": right})) == (400, "Md5Mismatch")


def test_uploaded_bytes_are_checked_and_recognised() -> None:
    asked, target = small(), f"destination/dst/{small().name()}?{WRITE}"
    content = asked.content()
    right = {"x-ms-blob-type": "BlockBlob", "Content-MD5": b64encode(md5(content).digest()).decode()}
    assert said(asked.ask("PUT", target, right, content[:-1] + b"?")) == (400, "Md5Mismatch")
    assert said(asked.ask("PUT", target, right, content)) == (201, "")
    assert verdict(asked)["equal"] == 1


def test_blocks_of_two_versions_make_a_torn_blob() -> None:
    asked = small(count=1, size_bytes=64 * MIB)
    for number in range(2):
        ranged = {"x-ms-source-range": f"bytes={number * 32 * MIB}-{(number + 1) * 32 * MIB - 1}", **BLOCK}
        asked.copy(asked.name(), ranged, query=f"comp=block&blockid={block_id(number)}&{WRITE}")
        asked.service.source.change(0)
    ids = "".join(f"<Latest>{block_id(it).replace('%3D', '=')}</Latest>" for it in range(2))
    answer = asked.ask(
        "PUT", f"destination/dst/{asked.name()}?comp=blocklist&{WRITE}", body=f"<BlockList>{ids}</BlockList>".encode()
    )
    assert said(answer) == (201, "")
    found = verdict(asked)
    assert (found["torn"], found["equal"], found["blocks_staged"]) == (1, 0, 2)


def test_block_that_was_never_staged_cannot_be_committed() -> None:
    asked = small()
    body = f"<BlockList><Latest>{block_id(1)}</Latest></BlockList>".encode()
    answer = asked.ask("PUT", f"destination/dst/{asked.name()}?comp=blocklist&{WRITE}", body=body)
    assert said(answer) == (400, "InvalidBlockList")


def test_blocks_that_are_staged_again_are_counted_from_the_mark_on() -> None:
    asked = small(count=1, size_bytes=2 * MIB)
    container = asked.service.container("dst")
    for number in (0, 0, 1):
        asked.copy(asked.name(), BLOCK, query=f"comp=block&blockid={block_id(number)}&{ALL}")
    assert container.mark() == 2
    first, second = (block_id(it).replace("%3D", "=") for it in (0, 1))
    assert container.writes() == {asked.name(): {first: 2, second: 1}}
    asked.copy(asked.name(), BLOCK, query=f"comp=block&blockid={block_id(1)}&{ALL}")
    found = verdict(asked)
    assert (found["staged_again"], found["blocks_staged_twice"], found["block_stagings"]) == (1, 2, 4)
    listed = asked.ask("GET", f"destination/dst/{asked.name()}?comp=blocklist&{ALL}").body.decode()
    assert re.findall(r"<Size>(\d+)</Size>", listed) == [str(2 * MIB)] * 2


def test_pages_of_the_source_give_every_name_once() -> None:
    asked, names, marker = small(count=12_000), list[str](), ""
    while True:
        after = f"&marker={marker}" if marker else ""
        body = asked.ask("GET", f"source/src?restype=container&comp=list{after}&{READ}").body.decode()
        names += re.findall(r"<Name>([^<]*)</Name>", body)
        found = re.search(r"<NextMarker>([^<]+)</NextMarker>", body)
        if found is None:
            break
        marker = found[1]
    assert names == [asked.name(number) for number in range(12_000)]


def test_listing_of_the_destination_folds_folders() -> None:
    asked = small()
    for name in ("a/1", "a/2", "b", "c/d/3"):
        asked.ask("PUT", f"destination/dst/{name}?{WRITE}", {"x-ms-blob-type": "BlockBlob"}, b"x")
    body = asked.ask("GET", f"destination/dst?restype=container&comp=list&delimiter=/&maxresults=3&{ALL}").body.decode()
    assert re.findall(r"<(BlobPrefix|Blob)><Name>([^<]*)<", body) == [
        ("BlobPrefix", "a/"),
        ("Blob", "b"),
        ("BlobPrefix", "c/"),
    ]


def test_range_of_a_blob_is_the_range_of_its_bytes() -> None:
    asked = small()
    answer = asked.ask("GET", f"source/src/{asked.name()}?{READ}", {"x-ms-range": "bytes=100-199"})
    (part,) = answer.parts
    assert answer.status == 206
    assert isinstance(part, tuple)
    assert answer.headers["Content-Range"] == "bytes 100-199/4096"
    assert part == asked.service.source.blob(0).extent._replace(
        position=asked.service.source.blob(0).extent.position + 100, size_bytes=100
    )


def test_pinned_read_of_another_version_is_412() -> None:
    asked = small(changes_after=1)
    etag = asked.etag()
    target = f"source/src/{asked.name()}?{READ}"
    assert asked.ask("GET", target, {"If-Match": etag}).status == 200
    assert said(asked.ask("GET", target, {"If-Match": etag})) == (412, "ConditionNotMet")


def test_command_line_says_the_same_as_the_behaviour() -> None:
    behaviour = Behaviour(blobs=7, sizes=(1, 2), latency_seconds=0.5, copies=False, faults=("cut",), is_tls=True)
    assert parsed(behaviour.to_arguments()) == behaviour
