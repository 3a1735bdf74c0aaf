"""The key: asked for, kept in this tab alone, sent to this app alone, forgotten when it is not good any more."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from .dashboard import Dashboard

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_wrong_key_is_refused_and_not_kept(open_dashboard: Callable[..., Dashboard]) -> None:
    dashboard = open_dashboard()
    dashboard.sign_in("wrong")

    dashboard.page.get_by_text("The app does not accept this").wait_for()
    assert dashboard.storage() == {}
    # The browser itself notes the refusal; nothing else is to be complained of.
    assert dashboard.watched.errors.pop().count("401") == 1


def test_key_is_kept_in_the_tab_and_sent_to_this_app_alone(dashboard: Dashboard) -> None:
    dashboard.list_is_there()
    page, key = dashboard.page, dashboard.participant.api_key

    assert key in dashboard.storage()["ferry.credentials"]
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
    assert key not in page.url
    asked = dashboard.watched.requests
    assert {urlsplit(request.url).netloc for request in asked} == {urlsplit(dashboard.url).netloc}
    assert all(request.headers.get("x-api-key", key) == key and key not in request.url for request in asked)
    assert [it for it in dashboard.watched.to("/api/dashboard") if "x-api-key" in it.headers] == []


def test_reload_needs_no_key_and_another_tab_does(
    dashboard: Dashboard, open_dashboard: Callable[..., Dashboard]
) -> None:
    dashboard.page.reload()
    dashboard.heading("Transfers").wait_for()

    other = open_dashboard()
    other.open("transfers")
    other.heading("Sign in").wait_for()


def test_sign_out_forgets_everything(dashboard: Dashboard) -> None:
    dashboard.button("Sign out").click()

    dashboard.heading("Sign in").wait_for()
    assert dashboard.storage() == {}


def test_key_that_is_not_accepted_any_more_leads_back_to_the_form(dashboard: Dashboard) -> None:
    dashboard.page.evaluate(
        """sessionStorage.setItem("ferry.credentials", JSON.stringify({kind: "api-key", secret: "old"}))"""
    )
    dashboard.page.reload()

    dashboard.page.get_by_text("does not accept your key any more").wait_for()
    assert dashboard.storage() == {}
    dashboard.watched.errors.clear()
