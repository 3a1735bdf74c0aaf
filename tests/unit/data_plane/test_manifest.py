"""The manifest: what is written can be read, and what others write never does harm."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.manifest import (
    CHECKPOINT_ENTRIES_BYTES,
    MARKER_LIMIT_BYTES,
    DeliveryTally,
    Manifest,
    ManifestInvalid,
)
from ferry.domain.process import Json

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=20,
)


def manifest_of(sizes: dict[str, int]) -> Manifest:
    tally = DeliveryTally()
    for name, size in sizes.items():
        tally.add(name, size)
    return tally.manifest(consumer_pid="c", provider_pid="p", agreement_id="a")


def document() -> dict[str, Json]:
    loaded: dict[str, Json] = json.loads(manifest_of({"a": 1, "b": 2}).encode())
    return loaded


@given(st.dictionaries(NAMES, st.integers(0, 2**40), max_size=30))
def test_written_manifest_is_read_back(sizes: dict[str, int]) -> None:
    manifest = manifest_of(sizes)
    assert Manifest.parse(manifest.encode()) == manifest


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        Manifest.parse(content)


@given(st.sampled_from(sorted(document())), JSON_VALUES)
def test_any_property_is_read_or_refused(name: str, value: Json) -> None:
    content = json.dumps(document() | {name: value}).encode()
    try:
        manifest = Manifest.parse(content)
    except ManifestInvalid:
        return
    assert manifest.entries is None or sum(size for _, size in manifest.entries) == manifest.size_bytes


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"version": 2}, "version"),
        ({"root": "00"}, "root"),
        ({"blobs": 3}, "add up"),
        ({"bytes": 4}, "add up"),
        ({"root": "0" * 64}, "add up"),
        ({"entries": [["a", 1], ["a", 2]]}, "twice"),
        ({"entries": [["a", 1], ["b", "2"]]}, "not a count"),
        ({"entries": [["a", True], ["b", 2]]}, "not a count"),
        ({"entries": [["\ud800", 1], ["b", 2]]}, "called"),
        ({"entries": {"a": 1}}, "not a list"),
        ({"entries": ["a1", "b2"]}, "not a name and a size"),
        ({"consumerPid": None}, "consumerPid"),
    ],
)
def test_forged_manifest_is_refused(change: dict[str, Json], reason: str) -> None:
    with pytest.raises(ManifestInvalid, match=reason):
        Manifest.parse(json.dumps(document() | change).encode())


@pytest.mark.parametrize("content", [b"[" * 200_000, b"1" * 5000, b'{"blobs": ' + b"9" * 6000 + b"}"])
def test_hostile_json_is_refused(content: bytes) -> None:
    with pytest.raises(ManifestInvalid):
        Manifest.parse(content)


def test_marker_over_the_limit_is_refused_unread() -> None:
    with pytest.raises(ManifestInvalid, match="longer"):
        Manifest.parse(b" " * (MARKER_LIMIT_BYTES + 1))


def test_many_names_leave_the_entries_out_and_the_marker_small() -> None:
    manifest = manifest_of({f"folder/blob-{n:06d}-" + "ü" * 40: n for n in range(12_000)})
    assert manifest.entries is None
    assert manifest.blobs == 12_000
    assert Manifest.parse(manifest.encode()) == manifest


def test_entries_that_fit_stay_under_the_limit() -> None:
    manifest = manifest_of({f'"\\{n:06d}' + "x" * 80: n for n in range(8_500)})
    assert manifest.entries is not None
    assert len(manifest.encode()) < MARKER_LIMIT_BYTES


def test_saved_tally_goes_on_where_it_stood() -> None:
    tally = DeliveryTally()
    tally.add("a", 1)
    resumed = DeliveryTally.from_json(json.loads(json.dumps(tally.to_json())))
    resumed.add("b", 2)
    manifest = resumed.manifest(consumer_pid="c", provider_pid="p", agreement_id="a")
    assert manifest == manifest_of({"a": 1, "b": 2})


def test_large_tally_is_saved_without_entries_and_keeps_its_root() -> None:
    tally = DeliveryTally()
    for n in range(5000):
        tally.add(f"blob-{n:030d}", n)
    saved = json.dumps(tally.to_json())
    resumed = DeliveryTally.from_json(json.loads(saved))
    assert len(saved) < CHECKPOINT_ENTRIES_BYTES
    assert (resumed.blobs, resumed.size_bytes, resumed.root) == (tally.blobs, tally.size_bytes, tally.root)
    assert resumed.manifest(consumer_pid="c", provider_pid="p", agreement_id="a").entries is None
