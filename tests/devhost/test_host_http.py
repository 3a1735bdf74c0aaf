"""HTTP functions, the admin API and error answers of a running host."""

import http.client
import json
import time
from typing import cast

import pytest

from tests.devhost.running_host import RunningHost

pytestmark = pytest.mark.emulators


def test_request_arrives_whole_and_response_leaves_whole(shared_host: RunningHost) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    answer = shared_host.request(
        "POST", "/api/things/5/a%2Fb/c%20d?x=1&x=2&y=", b"hello", {"X-Test": "1", "traceparent": parent}
    )
    assert answer.status == 201
    assert answer.header("content-type") == ["application/json"]
    assert answer.header("set-cookie") == [
        "a=1; path=/; samesite=lax; httponly",
        "b=2; max-age=60; secure",
    ]
    seen = answer.json()
    headers = cast("dict[str, str]", seen.pop("headers"))
    assert headers["x-test"] == "1"
    assert len(cast("str", seen.pop("invocation"))) == 36
    assert seen == {
        "method": "POST",
        "url": f"http://127.0.0.1:{shared_host.port}/api/things/5/a%2Fb/c%20d?x=1&x=2&y=",
        "route": {"id": "5", "rest": "a%2Fb/c d"},
        "query": {"x": "1,2"},
        "body": "hello",
        "traceparent": parent,
    }


def test_literal_route_wins_over_parameter(shared_host: RunningHost) -> None:
    assert shared_host.request("GET", "/api/things/special").body == b"special"


@pytest.mark.parametrize(
    ("method", "path"), [("DELETE", "/api/things/special"), ("GET", "/api/things/x/y"), ("GET", "/nothing")]
)
def test_wrong_method_and_unknown_route_are_404(shared_host: RunningHost, method: str, path: str) -> None:
    assert shared_host.request(method, path).status == 404


def test_failed_function_is_500_without_details(shared_host: RunningHost) -> None:
    answer = shared_host.request("GET", "/api/fail")
    assert (answer.status, answer.body) == (500, b"")
    assert "ValueError: hidden detail" in shared_host.log


def test_body_without_length_does_not_reach_the_function(shared_host: RunningHost) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared_host.port, timeout=10)
    connection.request("POST", "/api/things/5", iter([b"chunk"]), encode_chunked=True)
    assert json.loads(connection.getresponse().read())["body"] == ""
    connection.close()


def test_blocked_function_leaves_others_free(shared_host: RunningHost) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared_host.port, timeout=10)
    connection.request("GET", "/api/slow?seconds=1")
    started = time.monotonic()
    assert shared_host.request("GET", "/api/things/special").status == 200
    assert time.monotonic() - started < 0.8
    assert connection.getresponse().status == 200
    connection.close()


def test_small_call_costs_less_than_two_milliseconds(shared_host: RunningHost) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", shared_host.port, timeout=10)
    durations: list[float] = []
    for _ in range(100):
        started = time.perf_counter()
        connection.request("GET", "/api/things/5")
        connection.getresponse().read()
        durations.append(time.perf_counter() - started)
    connection.close()
    assert sorted(durations)[10] < 0.002


def test_status_says_running(shared_host: RunningHost) -> None:
    status = shared_host.request("GET", "/admin/host/status").json()
    assert (status["state"], status["id"]) == ("Running", shared_host.place.id)


def test_functions_are_listed_with_their_bindings(shared_host: RunningHost) -> None:
    listed = cast("list[dict[str, object]]", json.loads(shared_host.request("GET", "/admin/functions").body))
    assert {"thing", "work", "arrived", "tick", "yearly"} <= {str(function["name"]) for function in listed}
    one = shared_host.request("GET", "/admin/functions/work").json()
    assert one["config"] == next(function["config"] for function in listed if function["name"] == "work")


def test_timer_runs_by_hand(shared_host: RunningHost) -> None:
    answer = shared_host.request("POST", "/admin/functions/Yearly", b"{}")
    assert answer.status == 202
    assert shared_host.place.wait_for_lines("yearly", 1)[0]["past_due"] is False


def test_queue_function_runs_by_hand_on_its_input(shared_host: RunningHost) -> None:
    answer = shared_host.request("POST", "/admin/functions/work", b'{"input": "by hand"}')
    assert answer.status == 202
    line = shared_host.place.wait_for_lines("work", 1)[0]
    assert (line["text"], line["dequeue_count"]) == ("by hand", 1)


@pytest.mark.parametrize(
    ("name", "body", "status"),
    [("nobody", b"{}", 404), ("thing", b"{}", 400), ("work", b"{", 400), ("work", b"[]", 400)],
)
def test_wrong_call_by_hand_is_refused(shared_host: RunningHost, name: str, body: bytes, status: int) -> None:
    assert shared_host.request("POST", f"/admin/functions/{name}", body).status == status
