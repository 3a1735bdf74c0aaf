"""host.json, app settings, tokens and the host id."""

import json
from pathlib import Path

import pytest

from ferry.devhost.errors import SettingsError
from ferry.devhost.settings import (
    HOST_ID_SETTING,
    VISIBILITY_SETTING,
    QueueOptions,
    apply_app_settings,
    host_id,
    is_disabled,
    load_host_config,
    message_visibility_seconds,
    parse_time_span,
    resolve_tokens,
)


def write_host_json(folder: Path, **sections: object) -> Path:
    (folder / "host.json").write_text(json.dumps({"version": "2.0", **sections}))
    return folder


def test_host_json_sets_queues_prefix_and_timeout(tmp_path: Path) -> None:
    write_host_json(
        tmp_path,
        functionTimeout="00:01:00",
        extensions={
            "http": {"routePrefix": "", "maxOutstandingRequests": 20, "maxConcurrentRequests": 10},
            "queues": {
                "batchSize": 4,
                "newBatchThreshold": 2,
                "maxDequeueCount": 7,
                "visibilityTimeout": "00:00:15",
                "maxPollingInterval": "00:00:02",
                "messageEncoding": "none",
            },
        },
    )
    config = load_host_config(tmp_path, {})
    assert config.queues == QueueOptions(4, 2, 7, 15.0, 2.0, "none")
    assert (config.http.route_prefix, config.http.max_outstanding_requests) == ("", 20)
    assert config.function_timeout_seconds == 60


def test_minimal_host_json_has_the_defaults_of_the_real_host(tmp_path: Path) -> None:
    config = load_host_config(write_host_json(tmp_path), {})
    assert (config.queues.batch_size, config.queues.max_dequeue_count) == (16, 5)
    assert (config.queues.visibility_timeout_seconds, config.queues.max_polling_interval_seconds) == (0, 60)
    assert config.queues.message_encoding == "base64"
    assert config.http.route_prefix == "api"
    assert config.http.max_outstanding_requests is None


def test_function_timeout_of_minus_one_is_unbounded(tmp_path: Path) -> None:
    assert load_host_config(write_host_json(tmp_path, functionTimeout="-1"), {}).function_timeout_seconds is None


def test_setting_overrides_host_json_whatever_its_case(tmp_path: Path) -> None:
    write_host_json(tmp_path, extensions={"queues": {"batchSize": 4}})
    environ = {
        "AzureFunctionsJobHost__extensions__Queues__BATCHSIZE": "9",
        "AzureFunctionsJobHost__extensions__http__routePrefix": "v1",
    }
    config = load_host_config(tmp_path, environ)
    assert (config.queues.batch_size, config.http.route_prefix) == (9, "v1")


@pytest.mark.parametrize(
    ("queues", "message"),
    [
        ({"batchSize": 33}, "batchSize"),
        ({"batchSize": "many"}, "not a number"),
        ({"maxDequeueCount": 0}, "maxDequeueCount"),
        ({"messageEncoding": "hex"}, "messageEncoding"),
        ({"visibilityTimeout": "15"}, "time span"),
    ],
)
def test_wrong_value_in_host_json_is_named(tmp_path: Path, queues: dict[str, object], message: str) -> None:
    write_host_json(tmp_path, extensions={"queues": queues})
    with pytest.raises(SettingsError, match=message):
        load_host_config(tmp_path, {})


def test_missing_host_json_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no host\.json"):
        load_host_config(tmp_path, {})


@pytest.mark.parametrize("text", ['{"version": "1.0"}', "{", "[]"])
def test_host_json_of_another_kind_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "host.json").write_text(text)
    with pytest.raises(SettingsError):
        load_host_config(tmp_path, {})


def test_environment_wins_over_local_settings(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text('\ufeff{"IsEncrypted": false, "Values": {"A": "file", "B": "file", "C": true, "D": 5}}')
    environ = {"A": "environment"}
    assert apply_app_settings(file, environ) == ["B", "C", "D"]
    assert environ == {"A": "environment", "B": "file", "C": "true", "D": "5"}


def test_missing_local_settings_set_nothing(tmp_path: Path) -> None:
    assert apply_app_settings(tmp_path / "local.settings.json", {}) == []


def test_local_setting_that_is_no_plain_value_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "local.settings.json"
    file.write_text('{"Values": {"A": {"B": 1}}}')
    with pytest.raises(SettingsError, match="'A'"):
        apply_app_settings(file, {})


def test_tokens_are_replaced_by_settings() -> None:
    assert resolve_tokens("a-%X%-%Y%", {"X": "1", "Y": "2"}) == "a-1-2"


def test_token_without_setting_is_named() -> None:
    with pytest.raises(SettingsError, match="set QUEUE"):
        resolve_tokens("%QUEUE%", {})


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:00:15", 15), ("01:02:03", 3723), ("1.00:00:01", 86401), ("00:00:00.250", 0.25)]
)
def test_time_span_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_time_span(text) == seconds


def test_host_id_comes_from_the_setting_or_machine_and_path(tmp_path: Path) -> None:
    assert host_id(tmp_path, {HOST_ID_SETTING: "my-host-1"}) == "my-host-1"
    derived = host_id(tmp_path, {})
    assert len(derived) <= 32
    assert derived == derived.lower() == host_id(tmp_path, {})
    assert derived != host_id(tmp_path.parent, {})


@pytest.mark.parametrize("wrong", ["Upper", "a" * 33, "a--b", "-a", ""])
def test_host_id_that_cannot_name_a_queue_is_refused(tmp_path: Path, wrong: str) -> None:
    with pytest.raises(SettingsError, match=HOST_ID_SETTING):
        host_id(tmp_path, {HOST_ID_SETTING: wrong})


def test_visibility_is_ten_minutes_unless_a_test_says_otherwise() -> None:
    assert message_visibility_seconds({}) == 600
    assert message_visibility_seconds({VISIBILITY_SETTING: "3"}) == 3


@pytest.mark.parametrize("wrong", ["0", "-1", "soon", "604801", "0.5"])
def test_visibility_that_the_queue_refuses_is_named(wrong: str) -> None:
    with pytest.raises(SettingsError, match=VISIBILITY_SETTING):
        message_visibility_seconds({VISIBILITY_SETTING: wrong})


@pytest.mark.parametrize("name", ["AzureWebJobs.work.Disabled", "AzureWebJobs_work_Disabled"])
def test_function_is_disabled_by_its_setting(name: str) -> None:
    assert is_disabled("work", {name: "true"})
    assert not is_disabled("work", {name: "false"})
    assert not is_disabled("other", {name: "true"})
