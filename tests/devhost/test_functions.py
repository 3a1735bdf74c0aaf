"""Function definitions from binding texts, and what the local host refuses."""

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ferry.devhost.connections import StorageConnection, resolve_connection
from ferry.devhost.errors import SettingsError, UnsupportedBindingError
from ferry.devhost.functions import (
    BlobTrigger,
    FunctionDefinition,
    HttpTrigger,
    QueueOutput,
    QueueTrigger,
    TimerTrigger,
    define_functions,
)
from ferry.devhost.worker import IndexedFunction

HTTP = {"direction": "IN", "type": "httpTrigger", "name": "req", "methods": ["GET"], "authLevel": "ADMIN"}
QUEUE = {"direction": "IN", "type": "queueTrigger", "name": "msg", "queueName": "%Q%", "connection": "AzureWebJobsX"}
BLOB = {
    "direction": "IN",
    "type": "blobTrigger",
    "name": "b",
    "path": "c/{n}",
    "connection": "X",
    "source": "EventGrid",
}
TIMER = {"direction": "IN", "type": "timerTrigger", "name": "t", "schedule": "%S%", "useMonitor": False}
OUTPUT = {"direction": "OUT", "type": "queue", "name": "out", "queueName": "Done", "connection": "X"}


def define(*bindings: Mapping[str, object], **environ: str) -> FunctionDefinition:
    indexed = IndexedFunction("f", "id", "function_app.py", tuple(json.dumps(binding) for binding in bindings))
    return define_functions([indexed], environ)[0]


def test_http_trigger_without_route_goes_by_its_name() -> None:
    function = define(HTTP, {"direction": "OUT", "type": "http", "name": "$return"})
    assert function.trigger == HttpTrigger("req", "f", frozenset({"GET"}), "admin")
    assert function.outputs == ()


def test_http_trigger_without_methods_takes_all() -> None:
    trigger = define({**HTTP, "methods": None, "route": "/a/{b}"}).trigger
    assert isinstance(trigger, HttpTrigger)
    assert (trigger.route, trigger.methods) == ("a/{b}", None)


def test_queue_trigger_and_output_have_resolved_lower_case_names() -> None:
    function = define(QUEUE, OUTPUT, Q="Work")
    assert function.trigger == QueueTrigger("msg", "work", "AzureWebJobsX")
    assert function.outputs == (QueueOutput("out", "done", "X"),)


def test_timer_and_blob_trigger_are_read() -> None:
    assert define(TIMER, S="* * * * * *").trigger == TimerTrigger("t", "* * * * * *", False, False)
    assert define(BLOB).trigger == BlobTrigger("b", "c/{n}", "X")


def test_disabled_function_is_marked() -> None:
    assert define(HTTP, **{"AzureWebJobs.f.Disabled": "1"}).disabled


def test_missing_setting_names_the_function() -> None:
    with pytest.raises(SettingsError, match=r"'f'.*Q"):
        define(QUEUE)


@pytest.mark.parametrize(
    ("bindings", "message"),
    [
        ([{**BLOB, "source": "LogsAndContainerScan"}], "polls"),
        ([{key: value for key, value in BLOB.items() if key != "source"}], "polls"),
        ([{"direction": "IN", "type": "eventHubTrigger", "name": "e"}], "eventHubTrigger"),
        ([HTTP, {"direction": "IN", "type": "blob", "name": "b", "path": "x"}], "input"),
        ([HTTP, {"direction": "OUT", "type": "table", "name": "t"}], "output"),
        ([HTTP, QUEUE], "2 triggers"),
        ([OUTPUT], "0 triggers"),
        ([{**BLOB, "properties": {"SupportsDeferredBinding": True}}], "SDK client"),
    ],
)
def test_binding_that_is_not_run_here_is_refused(bindings: list[dict[str, object]], message: str) -> None:
    with pytest.raises(UnsupportedBindingError, match=message):
        define(*bindings, Q="q")


def test_connection_string_is_found_with_and_without_prefix() -> None:
    environ = {"AzureWebJobsStorage": "one", "Data": "two"}
    assert resolve_connection("Storage", environ) == StorageConnection("AzureWebJobsStorage", "one")
    assert resolve_connection("AzureWebJobsStorage", environ) == StorageConnection("AzureWebJobsStorage", "one")
    assert resolve_connection("Data", environ) == StorageConnection("Data", "two")


def test_identity_form_gives_service_addresses() -> None:
    by_account = resolve_connection("Data", {"Data__accountName": "acct", "Data__clientId": "id"})
    assert by_account.queue_uri == "https://acct.queue.core.windows.net"
    assert by_account.blob_uri == "https://acct.blob.core.windows.net"
    assert by_account.client_id == "id"
    by_uri = resolve_connection("Data", {"Data__queueServiceUri": "https://q", "Data__blobServiceUri": "https://b"})
    assert by_uri == replace(by_account, queue_uri="https://q", blob_uri="https://b", client_id="")


def test_connection_without_setting_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="Data__accountName"):
        resolve_connection("Data", {})


def test_connection_does_not_show_its_key() -> None:
    assert "secret" not in repr(StorageConnection("Data", "AccountKey=secret"))
