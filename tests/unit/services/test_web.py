"""The pages that ship with the app: right types and headers, no file but theirs, no secret, no markup out of text."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from ferry.domain.faults import FaultCode
from ferry.domain.states import NegotiationState, TransferState
from ferry.services import web
from ferry.settings import Settings, SettingsError, read_settings
from tests.world.participants import settings_of

FOLDER = Path(__file__).parents[3] / "web" / "dashboard"
FILES = sorted(path.name for path in FOLDER.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PARTNER = "https://provider.example.org"


@pytest.fixture
def settings() -> Settings:
    """Of a participant with all roles."""
    return settings_of("ferry")


def dashboard(name: str, settings: Settings, tag: str = "") -> Any:
    return web.page(name, settings, site="dashboard", known_tag=tag)


def text_of(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def with_partners(value: str) -> Settings:
    environment = {
        "FERRY_PARTICIPANT_ID": "ferry",
        "FERRY_PUBLIC_URL": "https://ferry.example.org",
        "FERRY_VAULT_URL": "https://vault.example.org",
        "FERRY_API_KEY": "key",
        "FERRY_IDENTITY": "mock",
        "FERRY_DASHBOARD_PARTNERS": value,
    }
    return read_settings(environment)


# --- headers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", *FILES, "config.json", "no-such-file"])
def test_every_answer_has_the_strict_headers(name: str, settings: Settings) -> None:
    headers = dashboard(name, settings).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-cache"
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_served_with_its_type(name: str, settings: Settings) -> None:
    page = dashboard(name, settings)

    assert page.status == 200
    assert page.body == (FOLDER / name).read_bytes()
    assert page.headers["Content-Type"] == TYPES[Path(name).suffix]


def test_partners_may_be_asked_and_nobody_else() -> None:
    page = dashboard("", with_partners(f"{PARTNER}, http://127.0.0.1:7071"))

    assert f"connect-src 'self' {PARTNER} http://127.0.0.1:7071;" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "value",
    ["provider.example.org", f"{PARTNER}/", f"{PARTNER}/api", "*", "https://*.example.org", f"{PARTNER};script-src *"],
)
def test_partner_that_is_no_origin_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="FERRY_DASHBOARD_PARTNERS holds no origin"):
        with_partners(value)


def test_description_keeps_a_policy_of_its_own(settings: Settings) -> None:
    policy = web.page("", settings).headers["Content-Security-Policy"]

    assert "connect-src 'self';" in policy
    assert "trusted-types" not in policy


# --- what can be named ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("site", "name"),
    [
        ("dashboard", "swagger-ui.css"),
        ("dashboard", "page.js"),
        ("dashboard", "openapi.json"),
        ("dashboard", "../index.html"),
        ("dashboard", "..%2fpage.js"),
        ("dashboard", "/etc/hosts"),
        ("dashboard", "."),
        ("docs", "app.js"),
        ("docs", "config.json"),
        ("docs", "dashboard"),
    ],
)
def test_files_of_other_folders_cannot_be_named(site: str, name: str, settings: Settings) -> None:
    page = web.page(name, settings, site=site)

    assert (page.status, page.body) == (404, b"")


# --- caching ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "app.js", "config.json"])
def test_version_that_the_caller_has_is_not_sent_again(name: str, settings: Settings) -> None:
    first = dashboard(name, settings)
    tag = first.headers["ETag"]
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag)

    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = dashboard(name, settings, known)
        assert (again.status, again.body) == (304, b"")
        assert again.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
        assert again.headers["ETag"] == tag
    assert dashboard(name, settings, '"other"').status == 200


def test_tag_differs_with_what_is_told(settings: Settings) -> None:
    tags = {dashboard("config.json", it).headers["ETag"] for it in (settings, with_partners(PARTNER))}

    assert len(tags) == 2


# --- no secret --------------------------------------------------------------------------------------------------


def test_config_tells_what_is_public_and_nothing_else() -> None:
    made = with_partners(PARTNER)
    page = dashboard("config.json", made)

    assert json.loads(page.body) == {
        "participantId": "ferry",
        "roles": ["consumer", "dataplane", "provider"],
        "hasManagement": True,
        "managementAuth": "api-key",
        "partners": [PARTNER],
    }
    assert page.headers["Content-Type"] == "application/json; charset=utf-8"


# --- the pages themselves ---------------------------------------------------------------------------------------


def test_page_has_no_script_or_style_of_its_own_and_loads_what_is_there() -> None:
    html = text_of("index.html")

    assert re.findall(r"<style|\s(?:style|on\w+)=", html) == []
    assert html.count("<script") == html.count('src="/api/dashboard/') - 1  # and one picture
    names = re.findall(r'"/api/dashboard/([^"]+)"', html)
    assert len(names) >= 8
    assert set(names) <= set(FILES)
    assert "//" not in html


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_makes_no_markup_of_text_and_loads_only_its_own_folder(name: str) -> None:
    text = text_of(name)

    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|setHTML|createContextualFragment|srcdoc"
        r"|\beval\b|\bFunction\(|\bimport\(|\.style\b|localStorage\.setItem\((?!\"ferry\.theme\")|document\.cookie"
    )
    assert re.findall(forbidden, text) == []
    imported = re.findall(r'from "\./([^"]+)"', text)
    assert set(imported) <= set(SCRIPTS)
    assert len(re.findall(r"^import ", text, re.MULTILINE)) == len(imported)


def test_every_file_is_used() -> None:
    used = {"index.html"} | set(re.findall(r'"/api/dashboard/([^"]+)"', text_of("index.html")))
    for name in SCRIPTS:
        used |= set(re.findall(r'from "\./([^"]+)"', text_of(name)))

    assert used == set(FILES)


def test_every_file_is_of_readable_length() -> None:
    assert {name: count for name in FILES if (count := len(text_of(name).splitlines())) > 300} == {}


def test_every_cause_has_its_next_step() -> None:
    known = re.findall(r"^  ([A-Z_]+): ", text_of("causes.js"), re.MULTILINE)

    assert sorted(known) == sorted(FaultCode)


def test_every_state_is_known_and_those_of_transfers_come_first() -> None:
    known = re.findall(r"^  ([A-Z_]+): \[", text_of("states.js"), re.MULTILINE)
    transfers = re.search(r"slice\(0, (\d+)\)", text_of("states.js"))

    assert set(known) == {*TransferState, *NegotiationState}
    assert transfers is not None
    assert set(known[: int(transfers.group(1))]) == set(TransferState)
