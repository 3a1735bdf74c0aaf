"""A listing compared with a manifest: what is missing, too much or of another size; with names and by root alone."""

from dataclasses import replace

import pytest

from ferry.cli.blobs.delivery import Delivery, DeliveryCheck
from ferry.data_plane.manifest import DeliveryTally, Manifest

BLOBS = {f"f/{number}": number * 10 for number in range(5)}


def manifest(*, names: bool = True) -> Manifest:
    tally = DeliveryTally()
    for name, size_bytes in BLOBS.items():
        tally.add(name, size_bytes)
    made = tally.manifest(consumer_pid="c", provider_pid="p", agreement_id="a")
    return made if names else replace(made, entries=None)


def checked(there: dict[str, int], *, names: bool = True, ignores_others: bool = False) -> Delivery:
    check = DeliveryCheck(manifest(names=names), marker=".complete", ignores_others=ignores_others)
    for name, size_bytes in sorted(there.items()):
        check.add(name, size_bytes)
    return check.result()


@pytest.mark.parametrize("names", [True, False])
def test_all_that_the_manifest_says_is_complete(names: bool) -> None:
    found = checked({**BLOBS, ".complete": 99}, names=names)
    assert found.is_complete
    assert found.differences == []


def test_missing_and_unexpected_and_altered_blobs_are_named() -> None:
    there = {**BLOBS, "f/2": 7, "g": 1}
    del there["f/3"]
    found = checked(there)
    assert not found.is_complete
    assert (found.missing.first, found.unexpected.first) == (["f/3"], ["g"])
    assert found.other_size.first == ["f/2: 7 bytes, not 20"]
    assert len(found.differences) == 5


@pytest.mark.parametrize("change", [{"f/2": 21}, {"f/9": 0}])
def test_any_change_shows_in_the_root_also_without_names(change: dict[str, int]) -> None:
    found = checked({**BLOBS, **change}, names=False)
    assert not found.is_complete
    assert any("Merkle root" in line for line in found.differences)


def test_names_exchanged_show_in_the_root_alone() -> None:
    there = {**BLOBS, "f/1": BLOBS["f/2"], "f/2": BLOBS["f/1"]}
    found = checked(there, names=False)
    assert found.differences == [f"the Merkle root over names and sizes is {found.root}, not {manifest().root}"]


def test_other_blobs_of_a_shared_container_are_ignored_where_names_are_known() -> None:
    there = {**BLOBS, "another": 5}
    assert checked(there, ignores_others=True).is_complete
    assert not checked(there, names=False, ignores_others=True).is_complete


def test_only_the_first_names_are_kept() -> None:
    found = checked({f"x{number}": 1 for number in range(100)})
    assert found.unexpected.count == 100
    assert len(found.unexpected.first) == 20
