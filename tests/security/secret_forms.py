"""Looks for secret values in bytes, in every form in which one may get there: raw, URL-encoded, escaped, base64.

A long value is also looked for by its beginning and its end, because what is logged may have been cut off.
"""

import base64
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import quote, quote_plus
from xml.sax.saxutils import escape

_GRAM = 8
_END_LENGTH = 24


class SecretKind(StrEnum):
    """What kind of secret a value is."""

    ACCOUNT_KEY = "account key"
    API_KEY = "API key"
    SAS = "SAS"
    SIGNATURE = "signature"
    TOKEN = "token"
    DELEGATION_KEY = "delegation key"
    IDENTITY_HEADER = "identity header"
    STORED = "secret of a client"


class SecretForm(StrEnum):
    """How a value may have been written."""

    RAW = "raw"
    URL_ENCODED = "URL-encoded"
    ESCAPED = "JSON- or XML-escaped"
    BASE64 = "base64"


class PlaceKind(StrEnum):
    """What kind of place is searched."""

    TABLE = "table"
    QUEUE = "queue"
    POISON_QUEUE = "poison queue"
    LOG = "log"
    EXCEPTION = "exception"
    HTTP_REQUEST = "HTTP request"
    HTTP_ANSWER = "HTTP answer"
    STORAGE_REQUEST = "storage request"
    STORAGE_ANSWER = "storage answer"
    AZURITE_FILE = "Azurite's file"
    EMULATORS_FILE = "emulators' file"
    EMULATORS_OUTPUT = "emulators' output"


@dataclass(frozen=True, slots=True)
class SecretValue:
    """A secret; its value is in no repr, so that a failing test does not show it."""

    kind: SecretKind
    value: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """What is searched: where it is from, and its bytes."""

    kind: PlaceKind
    name: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Finding:
    """A secret where it should not be."""

    secret: SecretValue
    form: SecretForm
    place: Place

    def __str__(self) -> str:
        return f"{self.secret.kind}, {self.form}, in {self.place.kind} {self.place.name}"


class Scanner:
    """Searches for a set of secrets, in time that does not depend on how many they are."""

    def __init__(self, secrets: Iterable[SecretValue]) -> None:
        self.secrets = tuple(dict.fromkeys(secrets))
        self._patterns: defaultdict[bytes, dict[bytes, tuple[SecretValue, SecretForm]]] = defaultdict(dict)
        for secret in self.secrets:
            for form, patterns in forms(secret).items():
                for pattern in patterns:
                    self._patterns[pattern[:_GRAM]].setdefault(pattern, (secret, form))
        self.pattern_count = sum(len(patterns) for patterns in self._patterns.values())

    def findings(self, places: Iterable[Place]) -> Sequence[Finding]:
        """Every secret that is somewhere, once for each place and form."""
        return tuple(dict.fromkeys(finding for place in places for finding in self._in_place(place)))

    def _in_place(self, place: Place) -> Iterator[Finding]:
        content, patterns = place.content, self._patterns
        for at in range(len(content) - _GRAM + 1):
            gram = content[at : at + _GRAM]
            if gram in patterns:
                for pattern, (secret, form) in patterns[gram].items():
                    if content.startswith(pattern, at):
                        yield Finding(secret, form, place)


def forms(secret: SecretValue) -> Mapping[SecretForm, set[bytes]]:
    """What to look for, by form; a pattern that is the same in two forms counts as the first of them."""
    found: dict[SecretForm, set[bytes]] = {form: set() for form in SecretForm}
    for piece in _pieces(secret):
        for form, written in _written(piece).items():
            found[form] |= written
    seen: set[bytes] = set()
    for form in SecretForm:
        found[form] -= seen
        seen |= found[form]
    return found


def _pieces(secret: SecretValue) -> tuple[str, ...]:
    # The beginning of a SAS says what it allows, and that of a token how it is signed: neither is a secret.
    value = secret.value
    if len(value) < 2 * _END_LENGTH or secret.kind is SecretKind.SAS:
        return (value,)
    end = value[-_END_LENGTH:]
    return (value, end) if secret.kind is SecretKind.TOKEN else (value, value[:_END_LENGTH], end)


def _written(value: str) -> Mapping[SecretForm, set[bytes]]:
    encoded, escaped = quote(value, safe=""), json.dumps(value)[1:-1]
    return {
        SecretForm.RAW: {value.encode()},
        SecretForm.URL_ENCODED: _bytes(
            encoded, quote_plus(value), quote(value), _lower_case(encoded), quote(encoded, safe="")
        ),
        SecretForm.ESCAPED: _bytes(
            escaped, escaped.replace("/", "\\/"), _unicode_escaped(value), escape(value), json.dumps(escaped)[1:-1]
        ),
        SecretForm.BASE64: _base64(value.encode()),
    }


def _bytes(*texts: str) -> set[bytes]:
    return {text.encode() for text in texts}


def _lower_case(encoded: str) -> str:
    parts = encoded.split("%")
    return "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])])


def _unicode_escaped(value: str) -> str:
    return "".join(f"\\u{ord(c):04x}" if c in "&+=<>'/" else c for c in value)


def _base64(value: bytes) -> set[bytes]:
    """The middle of the base64 of any text that holds the value: it may begin at any of three offsets."""
    found: set[bytes] = set()
    for offset in range(3):
        padded = base64.b64encode(b"\0" * offset + value).rstrip(b"=")
        # The first and the last characters also depend on what stands before and behind.
        whole_end = len(padded) if (offset + len(value)) % 3 == 0 else len(padded) - 1
        middle = padded[(0, 2, 3)[offset] : whole_end]
        found |= {middle, middle.replace(b"+", b"-").replace(b"/", b"_")}
    return found
