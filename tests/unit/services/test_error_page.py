"""The page of errors: an anchor for every code that an answer may link to, strict headers, no script, offline."""

import json
import re

import pytest

from ferry.api.management.errors import refusal
from ferry.api.management.help import OTHER, PAGE, REFUSALS, help_of
from ferry.api.management.shapes import shown_fault
from ferry.domain.faults import EffectFailed, Fault, FaultCode, IllegalTransition, InvalidInput, NotFound
from ferry.services import web
from tests.world.participants import settings_of


@pytest.fixture(scope="module")
def page() -> str:
    """As it comes off the wire."""
    return web.page("errors.html", settings_of("ferry")).body.decode()


def test_page_is_html_under_the_strict_policy_and_is_not_sent_twice() -> None:
    sent = web.page("errors.html", settings_of("ferry"))

    assert (sent.status, sent.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in sent.headers["Content-Security-Policy"]
    assert "unsafe" not in sent.headers["Content-Security-Policy"]
    assert web.page("errors.html", settings_of("ferry"), known_tag=sent.headers["ETag"]).status == 304


def test_page_has_no_script_and_loads_what_the_app_serves_itself(page: str) -> None:
    assert re.findall(r"<script|<style|\s(?:style|on\w+)=|//", page) == []
    for name in re.findall(r'(?:src|href)="/api/docs/([^"]+)"', page):
        assert web.page(name, settings_of("ferry")).status == 200


def test_page_has_one_section_for_every_code_and_every_type_of_refusal(page: str) -> None:
    anchors = re.findall(r'<section id="([^"]+)">', page)

    assert sorted(anchors) == sorted([*FaultCode, OTHER, *REFUSALS])
    assert set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r' id="([^"]+)"', page)) == set()


def test_page_is_good_markup(page: str) -> None:
    for tag in ("section", "dl", "dt", "dd", "p", "code", "nav", "ul", "li", "main", "body", "html"):
        assert len(re.findall(rf"<{tag}[ >]", page)) == page.count(f"</{tag}>"), tag


@pytest.mark.parametrize("code", [*FaultCode, "EDC_HAS_OTHERS", '"><script>'])
def test_error_of_a_process_leads_to_its_section(code: str, page: str) -> None:
    shown = shown_fault(Fault(code, "it failed"))

    assert shown is not None
    path, _, anchor = str(shown["help"]).partition("#")
    assert path == PAGE
    assert f'<section id="{anchor}">' in page
    assert anchor == (code if code in FaultCode.__members__ else OTHER)


@pytest.mark.parametrize(
    ("error", "anchor"),
    [
        (InvalidInput.at("a", "is missing"), "ValidationFailure"),
        (NotFound("Asset", "a"), "ObjectNotFound"),
        (IllegalTransition("p", "STARTED", "it cannot be resumed"), "ObjectConflict"),
        (EffectFailed.because(FaultCode.ADDRESS_FORBIDDEN, "no"), "ADDRESS_FORBIDDEN"),
        (EffectFailed.because(FaultCode.PEER_UNREACHABLE, "no", retryable=True), "PEER_UNREACHABLE"),
        (EffectFailed.because(FaultCode.VAULT_UNAVAILABLE, "no", retryable=True), "VAULT_UNAVAILABLE"),
        (RuntimeError("a defect"), "UnexpectedError"),
    ],
    ids=lambda it: it if isinstance(it, str) else type(it).__name__,
)
def test_refusal_links_to_its_section_and_keeps_the_shape_of_edc(error: Exception, anchor: str, page: str) -> None:
    answer = refusal(error)

    assert answer.headers["Link"] == f'<{help_of(anchor)}>; rel="help"'
    assert f'<section id="{anchor}">' in page
    assert isinstance(answer.body, list)
    assert all(isinstance(it, dict) and it.keys() == {"message", "type", "path", "invalidValue"} for it in answer.body)


def test_every_type_that_a_refusal_has_is_explained() -> None:
    types: set[str] = set()
    for error in (InvalidInput.at("a", "b"), NotFound("a", "b"), IllegalTransition("a", "b", "c"), RuntimeError("x")):
        types |= set(re.findall(r'"type": "(\w+)"', json.dumps(refusal(error).body)))

    assert {"ValidationFailure", "UnexpectedError"} <= types <= REFUSALS.keys()
