"""Sets of small numbers as short text: a bitmap, packed."""

import base64
import zlib
from collections.abc import Iterable


def pack(numbers: Iterable[int]) -> str:
    """The numbers as base64 of a compressed bitmap; empty text for none."""
    bits = bytearray()
    for number in numbers:
        byte, bit = divmod(number, 8)
        if byte >= len(bits):
            bits.extend(bytes(byte + 1 - len(bits)))
        bits[byte] |= 1 << bit
    return base64.b64encode(zlib.compress(bytes(bits), 1)).decode() if bits else ""


def unpack(text: str) -> set[int]:
    """The numbers that `pack` was given. Raises ValueError where it was not."""
    if not text:
        return set()
    try:
        bits = zlib.decompress(base64.b64decode(text, validate=True))
    except zlib.error as error:
        raise ValueError(f"not a packed bitmap: {error}") from None
    return {8 * at + bit for at, byte in enumerate(bits) if byte for bit in range(8) if byte >> bit & 1}
