"""Merkle tree over (name, length) of blobs, built leaf by leaf in memory that does not grow with their number.

The consumer computes the same root from its own listing (design section 5). Leaves and nodes are hashed as in RFC 6962,
so that no leaf can be passed off as a node; a leaf is the length of the name, the name and the size.
"""

import hashlib
from collections.abc import Sequence
from typing import Self

from ferry.domain.process import Json

_LEAF = b"\x00"
_NODE = b"\x01"
_HASH_HEX_DIGITS = 64


class MerkleTree:
    """The roots of the complete subtrees so far, largest first: one per set bit of the number of leaves."""

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []

    def add(self, name: str, size_bytes: int) -> None:
        """Add the next leaf. Raises ValueError for what no blob can have (a lone surrogate, a size below zero)."""
        try:
            encoded = name.encode()
            leaf = _LEAF + len(encoded).to_bytes(4) + encoded + size_bytes.to_bytes(8)
        except (UnicodeEncodeError, OverflowError) as error:
            raise ValueError("no blob has such a name or size") from error
        height, digest = 0, hashlib.sha256(leaf).digest()
        while self._subtrees and self._subtrees[-1][0] == height:
            digest = _node(self._subtrees.pop()[1], digest)
            height += 1
        self._subtrees.append((height, digest))

    def root(self) -> str:
        """The root of what was added so far, in hexadecimal."""
        if not self._subtrees:
            return hashlib.sha256(b"").hexdigest()
        digest = self._subtrees[-1][1]
        for _, left in reversed(self._subtrees[:-1]):
            digest = _node(left, digest)
        return digest.hex()

    def to_json(self) -> list[Json]:
        """What is needed to go on later."""
        return [[height, digest.hex()] for height, digest in self._subtrees]

    @classmethod
    def from_json(cls, saved: Json) -> Self:
        """The tree that was saved. Raises ValueError where it is none."""
        tree = cls()
        for entry in saved if isinstance(saved, Sequence) and not isinstance(saved, str) else ():
            match entry:
                case [int(height), str(digest)] if len(digest) == _HASH_HEX_DIGITS:
                    tree._subtrees.append((height, bytes.fromhex(digest)))
                case _:
                    raise ValueError("not the state of a Merkle tree")
        return tree


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(_NODE + left + right).digest()
