"""Any text as a partition or row key of Table Storage: reversible, and ordered as the texts are.

Tables refuse `/ # ? \\`, percent signs make trouble in URLs, and only ASCII is ordered alike everywhere. Letters,
digits, `-` and `:` stay; every other byte of the UTF-8 text becomes two hex digits behind a lead that sorts where the
byte does.
"""

import hashlib
import re

_KEPT = frozenset(b"-:0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
# Between two leads lie kept characters only, so that comparing keys compares texts.
_LEADS = ((0x2C, "!"), (0x2F, "."), (0x40, ";"), (0x60, "_"), (0xFF, "~"))
_ESCAPED = re.compile(r"[!.;_~]([0-9A-F]{2})")
_EMPTY = "!"
_HASH_MARK = "~~"

# A key may have 512 characters; row keys put a time and a list's name in front.
KEY_LIMIT = 440
_HEAD_LENGTH = KEY_LIMIT - len(_HASH_MARK) - 64


def _escape(byte: int) -> str:
    if byte in _KEPT:
        return chr(byte)
    lead = next(lead for last, lead in _LEADS if byte <= last)
    return f"{lead}{byte:02X}"


_TABLE = tuple(_escape(byte) for byte in range(256))


def encode_key(text: str) -> str:
    """The key for a text. One that would be too long is cut and gets a digest, and cannot be decoded any more."""
    raw = text.encode("utf-8", "surrogatepass")
    key = "".join([_TABLE[byte] for byte in raw]) or _EMPTY
    if len(key) <= KEY_LIMIT:
        return key
    return f"{key[:_HEAD_LENGTH]}{_HASH_MARK}{hashlib.sha256(raw).hexdigest()}"


def is_cut(key: str) -> bool:
    """Whether the text was too long for a key."""
    return _HASH_MARK in key


def decode_key(key: str) -> str:
    """The text of a key. Raises ValueError for one that was cut."""
    if is_cut(key):
        raise ValueError(f"the key {key} was cut: its text is longer than a key can be")
    if key == _EMPTY:
        return ""
    raw = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), key)
    return raw.encode("latin-1").decode("utf-8", "surrogatepass")
