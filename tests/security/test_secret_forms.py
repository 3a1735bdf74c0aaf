"""The scanner itself: it finds each kind of secret in each form, at any offset, cut off, and nothing else."""

import base64
import json
import re
import secrets
from collections.abc import Callable
from urllib.parse import quote

import pytest

from tests.security.secret_forms import Place, PlaceKind, Scanner, SecretForm, SecretKind, SecretValue


def in_lower_case(encoded: str) -> str:
    """Percent-encoding as other libraries write it."""
    return re.sub("%..", lambda hit: hit[0].lower(), encoded)


WRITERS: dict[str, tuple[SecretForm, Callable[[str], str]]] = {
    "raw": (SecretForm.RAW, lambda value: f"before {value} behind"),
    "url": (SecretForm.URL_ENCODED, lambda value: f"https://host/path?x={quote(value, safe='')}&y=1"),
    "url lower case": (SecretForm.URL_ENCODED, lambda value: in_lower_case(quote(value, safe=""))),
    "url twice": (SecretForm.URL_ENCODED, lambda value: quote(quote(value, safe=""), safe="")),
    "json": (SecretForm.ESCAPED, lambda value: json.dumps({"a": f'"{value}'})),
    "json with escaped slashes": (SecretForm.ESCAPED, lambda value: json.dumps(value).replace("/", "\\/")),
    "base64 at 0": (SecretForm.BASE64, lambda value: base64.b64encode(f"{value} and more".encode()).decode()),
    "base64 at 1": (SecretForm.BASE64, lambda value: base64.b64encode(f"1{value}".encode()).decode()),
    "base64 at 2": (SecretForm.BASE64, lambda value: base64.urlsafe_b64encode(f"12{value}?>?".encode()).decode()),
    "cut off": (SecretForm.RAW, lambda value: f"{value[:40]}..."),
    "its end": (SecretForm.RAW, lambda value: f"...{value[-40:]}"),
}


def a_secret(kind: SecretKind) -> SecretValue:
    """A value with every character that is escaped somewhere."""
    return SecretValue(kind, f'+/="&{secrets.token_urlsafe(48)}+/=&"')


def a_place(text: str) -> Place:
    """A log line."""
    return Place(PlaceKind.LOG, "a line", text.encode())


@pytest.mark.parametrize("name", WRITERS)
def test_value_is_found_however_it_is_written(name: str) -> None:
    _, write = WRITERS[name]
    secret = a_secret(SecretKind.ACCOUNT_KEY)
    found = Scanner([secret]).findings([a_place(write(secret.value))])
    assert {finding.secret for finding in found} == {secret}


@pytest.mark.parametrize("kind", SecretKind)
@pytest.mark.parametrize("form", SecretForm)
def test_each_kind_is_found_in_each_form(kind: SecretKind, form: SecretForm) -> None:
    secret = a_secret(kind)
    write = next(write for written, write in WRITERS.values() if written is form)
    found = Scanner([secret]).findings([a_place(write(secret.value))])
    assert (secret, form) in {(finding.secret, finding.form) for finding in found}


def test_other_values_are_not_found() -> None:
    scanner = Scanner([a_secret(kind) for kind in SecretKind])
    places = [a_place(write(a_secret(SecretKind.SAS).value)) for _, write in WRITERS.values()]
    assert scanner.findings(places) == ()


def test_finding_names_kind_and_place_and_not_the_value() -> None:
    secret = a_secret(SecretKind.TOKEN)
    (finding,) = Scanner([secret]).findings([a_place(f"...{secret.value[-40:]}")])
    assert str(finding) == "token, raw, in log a line"
    assert secret.value not in repr(finding)
    assert secret.value[-40:] not in repr(finding)
