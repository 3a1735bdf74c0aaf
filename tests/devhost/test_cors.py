"""Cross-origin requests: origins on the list are let in, their preflights reach no function, others see no change."""

import asyncio

import pytest

from ferry.devhost.cors import allowed_origins, with_cors
from ferry.devhost.errors import SettingsError
from ferry.devhost.http_messages import Request, Response

FRIEND = "https://friend.example.org"
PREFLIGHT = {"access-control-request-method": "GET", "access-control-request-headers": "x-api-key"}


class Functions:
    """What stands behind, and which requests have reached it."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    async def handle(self, request: Request) -> Response:
        """Answer every request alike."""
        self.seen.append(request.method)
        return Response(200, b"body", (("x-own", "1"),))


def answer(functions: Functions, method: str, **headers: str) -> Response:
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    handle = with_cors(functions.handle, frozenset({FRIEND}))

    async def run() -> Response:
        return await handle(Request(method, "/api/x", "http://127.0.0.1/api/x", told, {}))

    return asyncio.run(run())


def test_answer_to_a_listed_origin_names_it() -> None:
    functions = Functions()

    told = answer(functions, "GET", origin=FRIEND)

    assert dict(told.headers) == {"x-own": "1", "access-control-allow-origin": FRIEND, "vary": "Origin"}
    assert (functions.seen, told.body) == (["GET"], b"body")


def test_preflight_of_a_listed_origin_is_answered_by_the_host() -> None:
    functions = Functions()

    told = answer(functions, "OPTIONS", origin=FRIEND, **PREFLIGHT)

    assert (told.status, functions.seen) == (204, [])
    assert dict(told.headers)["access-control-allow-headers"] == "x-api-key"
    assert dict(told.headers)["access-control-allow-methods"] == "GET"


@pytest.mark.parametrize("origin", ["https://other.example.org", f"{FRIEND}.evil.example", "null", FRIEND.upper()])
def test_other_origins_are_told_nothing(origin: str) -> None:
    functions = Functions()

    for method, headers in (("GET", {}), ("OPTIONS", PREFLIGHT)):
        told = answer(functions, method, origin=origin, **headers)
        assert dict(told.headers) == {"x-own": "1"}
    assert functions.seen == ["GET", "OPTIONS"]


def test_without_a_list_nothing_stands_between() -> None:
    functions = Functions()

    assert with_cors(functions.handle, frozenset()) == functions.handle
    assert allowed_origins({}) == frozenset()


@pytest.mark.parametrize("value", ["https://a.example", '{"a": 1}', "[1]", "["])
def test_setting_that_is_no_list_is_refused(value: str) -> None:
    with pytest.raises(SettingsError, match="CORS_ALLOWED_ORIGINS is no JSON array"):
        allowed_origins({"CORS_ALLOWED_ORIGINS": value})
