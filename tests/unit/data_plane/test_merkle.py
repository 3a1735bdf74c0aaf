"""The Merkle tree: one root per sequence of leaves, wherever the work was interrupted."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ferry.data_plane.merkle import MerkleTree

LEAVES = st.lists(st.tuples(st.text(st.characters(exclude_categories=("Cs",)), min_size=1), st.integers(0, 2**62)))


def tree_of(leaves: list[tuple[str, int]]) -> MerkleTree:
    tree = MerkleTree()
    for name, size in leaves:
        tree.add(name, size)
    return tree


def recursive_root(leaves: list[tuple[str, int]]) -> bytes:
    """RFC 6962, as it is written there."""
    if len(leaves) == 1:
        name, size = leaves[0][0].encode(), leaves[0][1]
        return hashlib.sha256(b"\x00" + len(name).to_bytes(4) + name + size.to_bytes(8)).digest()
    half = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\x01" + recursive_root(leaves[:half]) + recursive_root(leaves[half:])).digest()


def test_no_leaves_have_the_root_of_nothing() -> None:
    assert MerkleTree().root() == hashlib.sha256(b"").hexdigest()


@given(LEAVES.filter(bool))
def test_root_is_that_of_the_recursive_definition(leaves: list[tuple[str, int]]) -> None:
    assert tree_of(leaves).root() == recursive_root(leaves).hex()


@given(LEAVES, st.integers(0, 50))
def test_interrupted_tree_has_the_same_root(leaves: list[tuple[str, int]], at: int) -> None:
    resumed = MerkleTree.from_json(tree_of(leaves[:at]).to_json())
    for name, size in leaves[at:]:
        resumed.add(name, size)
    assert resumed.root() == tree_of(leaves).root()


def test_state_grows_with_the_logarithm_of_the_leaves() -> None:
    assert len(tree_of([(f"blob-{n}", n) for n in range(1000)]).to_json()) <= 10


def test_name_and_size_cannot_be_shifted_into_each_other() -> None:
    assert tree_of([("a", 1), ("b", 2)]).root() != tree_of([("a", 2), ("b", 1)]).root()
    assert tree_of([("ab", 0)]).root() != tree_of([("a", 0), ("b", 0)]).root()


@pytest.mark.parametrize(("name", "size"), [("\ud800", 1), ("a", -1), ("a", 2**64)])
def test_impossible_blob_is_refused(name: str, size: int) -> None:
    with pytest.raises(ValueError, match="no blob has such"):
        MerkleTree().add(name, size)


def test_damaged_state_is_refused() -> None:
    with pytest.raises(ValueError, match="not the state"):
        MerkleTree.from_json([[1, "abc"]])
