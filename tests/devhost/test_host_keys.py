"""Keys of a running host that checks them."""

import json
from collections.abc import Iterator

import pytest

from ferry.devhost.keys import KEYS_FILE_SETTING
from tests.devhost.running_host import HostPlace, RunningHost

pytestmark = pytest.mark.emulators

KEYS = {
    "masterKey": "master",
    "functionKeys": {"default": "host"},
    "systemKeys": {"blobs_extension": "system"},
    "functions": {"thing": {"default": "function"}},
}
WEBHOOK = "/runtime/webhooks/blobs?functionName=Host.Functions.arrived"
VALIDATION = json.dumps(
    [{"eventType": "Microsoft.EventGrid.SubscriptionValidationEvent", "data": {"validationCode": "code"}}]
).encode()


@pytest.fixture(scope="module")
def checked_host(shared_place: HostPlace) -> Iterator[RunningHost]:
    file = shared_place.folder / "keys.json"
    file.write_text(json.dumps(KEYS))
    with RunningHost(shared_place, {KEYS_FILE_SETTING: str(file)}, auth=True) as host:
        yield host.wait_until_ready()


@pytest.mark.parametrize(
    ("path", "key", "status"),
    [
        ("/api/things/5", "", 401),
        ("/api/things/5", "wrong", 401),
        ("/api/things/5", "system", 401),
        ("/api/things/5", "function", 201),
        ("/api/things/5", "host", 201),
        ("/api/things/5", "master", 201),
        ("/api/things/special", "", 200),
        ("/api/admin-only", "host", 401),
        ("/api/admin-only", "master", 200),
        ("/admin/host/status", "", 401),
        ("/admin/host/status", "host", 401),
        ("/admin/host/status", "master", 200),
        ("/admin/functions", "", 401),
        ("/admin/functions", "master", 200),
    ],
)
def test_key_decides(checked_host: RunningHost, path: str, key: str, status: int) -> None:
    by_header = checked_host.request("GET", path, headers={"x-functions-key": key} if key else {})
    by_query = checked_host.request("GET", f"{path}?code={key}")
    assert (by_header.status, by_query.status) == (status, status)


def test_header_wins_over_query(checked_host: RunningHost) -> None:
    answer = checked_host.request("GET", "/api/things/5?code=function", headers={"x-functions-key": "wrong"})
    assert answer.status == 401


@pytest.mark.parametrize(("key", "status"), [("", 401), ("host", 401), ("system", 200), ("master", 200)])
def test_webhook_needs_the_system_key(checked_host: RunningHost, key: str, status: int) -> None:
    assert checked_host.request("POST", f"{WEBHOOK}&code={key}", VALIDATION).status == status


def test_running_by_hand_needs_the_master_key(checked_host: RunningHost) -> None:
    assert checked_host.request("POST", "/admin/functions/yearly", b"{}").status == 401
    answer = checked_host.request("POST", "/admin/functions/yearly?code=master", b"{}")
    assert answer.status == 202


def test_keys_are_made_where_none_are_given(shared_place: HostPlace) -> None:
    file = shared_place.folder / "new" / "keys.json"
    with RunningHost(shared_place, {KEYS_FILE_SETTING: str(file)}, auth=True) as host:
        host.wait_until_ready()
        assert str(file) in host.log
        master = json.loads(file.read_text())["masterKey"]
        assert master not in host.log
        assert host.request("GET", "/admin/host/status", headers={"x-functions-key": master}).status == 200
