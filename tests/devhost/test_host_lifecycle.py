"""Start, time limits, stop and failure of a host process."""

import signal
import socket
import threading
import time
import uuid
from pathlib import Path

import pytest
from azure.storage.queue import QueueClient

from ferry.emulators.launch import LaunchedEmulators
from tests.devhost.conftest import HostStarter
from tests.devhost.running_host import Answer, HostPlace, RunningHost

pytestmark = pytest.mark.emulators


def app_of(source: str, folder: Path) -> Path:
    app = folder / f"app-{uuid.uuid4().hex[:8]}"
    app.mkdir()
    (app / "host.json").write_text('{"version": "2.0"}')
    (app / "function_app.py").write_text(source)
    return app


def request_in_background(host: RunningHost, path: str, answers: list[Answer]) -> threading.Thread:
    thread = threading.Thread(target=lambda: answers.append(host.request("GET", path)))
    thread.start()
    return thread


def test_sigterm_lets_running_work_end(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    answers: list[Answer] = []
    waiting = request_in_background(host, "/api/slow?seconds=2", answers)
    host.request("POST", "/api/send", b"sleep 2")
    place.wait_for_lines("slow-begins", 1)
    place.wait_for_lines("work", 1)
    host.signal(signal.SIGTERM)
    assert host.wait_for_exit() == 0
    waiting.join()
    assert answers[0].status == 200
    assert len(place.lines("worked")) == 1
    assert not host.ready_file.exists()
    with QueueClient.from_connection_string(place.host_account.connection_string, place.work_queue) as client:
        assert client.get_queue_properties().approximate_message_count == 0


def test_idle_host_stops_quickly_on_sigint(start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    started = time.monotonic()
    host.signal(signal.SIGINT)
    assert host.wait_for_exit() == 0
    assert time.monotonic() - started < 3


def test_work_beyond_the_grace_is_cut_off(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host(grace_seconds=1.0).wait_until_ready()
    host.request("POST", "/api/send", b"sleep 20")
    place.wait_for_lines("work", 1)
    host.signal(signal.SIGTERM)
    assert host.wait_for_exit(6) == 0
    assert "cut off" in host.log


def test_second_signal_leaves_at_once(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    host.request("POST", "/api/send", b"sleep 20")
    place.wait_for_lines("work", 1)
    host.signal(signal.SIGTERM)
    host.wait_until_logged("stopping")
    host.signal(signal.SIGTERM)
    assert host.wait_for_exit(2) == 128 + signal.SIGTERM


def test_function_timeout_cancels_asynchronous_and_gives_up_synchronous(
    place: HostPlace, start_host: HostStarter
) -> None:
    host = start_host({"AzureFunctionsJobHost__functionTimeout": "00:00:01"}).wait_until_ready()
    for path in ("/api/nap?seconds=5", "/api/slow?seconds=2"):
        started = time.monotonic()
        assert host.request("GET", path).status == 500
        assert time.monotonic() - started < 1.9
    assert len(place.lines("nap-cancelled")) == 1
    assert host.log.count("Timeout value of 1") == 2


def test_app_that_fails_to_import_is_shown(place: HostPlace, start_host: HostStarter) -> None:
    app = app_of("import no_such_module_anywhere\n", place.folder)
    host = start_host(app=app).wait_until_logged("in error on http://127.0.0.1:")
    assert "no_such_module_anywhere" in host.log
    assert "Traceback" in host.log
    status = host.request("GET", "/admin/host/status").json()
    assert status["state"] == "Error"
    assert "no_such_module_anywhere" in str(status["errors"])
    assert host.request("GET", "/api/anything").status == 503
    assert host.request("GET", "/admin/functions").status == 503
    assert not host.ready_file.exists()
    host.signal(signal.SIGTERM)
    assert host.wait_for_exit() == 0


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("raise RuntimeError('set FERRY_X, for example 1')\n", "set FERRY_X, for example 1"),
        ("import sys\nsys.exit('a setting is missing')\n", "a setting is missing"),
        ("x = (\n", "SyntaxError"),
        ("x = 1\n", "Could not find top level function app instances"),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.blob_trigger(arg_name='b', path='c/{n}', connection='Data')\n"
            "def polled(b: func.InputStream) -> None: ...\n",
            "blob trigger that polls",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.timer_trigger(arg_name='t', schedule='every day')\n"
            "def timed(t: func.TimerRequest) -> None: ...\n",
            "a schedule has six",
        ),
        (
            "import azure.functions as func\napp = func.FunctionApp()\n"
            "@app.queue_trigger(arg_name='m', queue_name='q', connection='Nowhere')\n"
            "def listens(m: func.QueueMessage) -> None: ...\n",
            "set Nowhere to a connection string",
        ),
    ],
)
def test_fail_fast_leaves_with_the_reason(place: HostPlace, start_host: HostStarter, source: str, message: str) -> None:
    host = start_host(app=app_of(source, place.folder), fail_fast=True)
    assert host.wait_for_exit() == 1
    assert message in host.log


def test_port_that_is_taken_is_named(place: HostPlace, start_host: HostStarter) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
        host = start_host(port=port)
        assert host.wait_for_exit() == 1
        assert f"127.0.0.1:{port}" in host.log


def test_settings_file_is_read_and_environment_wins(place: HostPlace, start_host: HostStarter) -> None:
    app = app_of(
        "import os\nimport azure.functions as func\napp = func.FunctionApp()\n"
        "@app.route(route='settings', auth_level=func.AuthLevel.ANONYMOUS)\n"
        "def settings(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    return func.HttpResponse(os.environ['ONE'] + os.environ['TWO'] + os.getcwd())\n",
        place.folder,
    )
    (app / "local.settings.json").write_text('{"Values": {"ONE": "file", "TWO": "file"}}')
    host = start_host({"ONE": "environment"}, app=app).wait_until_ready()
    assert host.request("GET", "/api/settings").body.decode() == f"environmentfile{app}"


def test_log_lines_of_the_app_are_neither_changed_nor_doubled(place: HostPlace, start_host: HostStarter) -> None:
    source = (
        "import logging\nimport azure.functions as func\napp = func.FunctionApp()\n{}"
        "@app.route(route='log', auth_level=func.AuthLevel.ANONYMOUS)\n"
        "def log(req: func.HttpRequest) -> func.HttpResponse:\n"
        "    logging.info('the line')\n    return func.HttpResponse()\n"
    )
    plain = app_of(source.format(""), place.folder)
    own = app_of(source.format("logging.getLogger().addHandler(logging.StreamHandler())\n"), place.folder)
    for app in (plain, own):
        host = start_host(app=app).wait_until_ready()
        assert host.request("GET", "/api/log").status == 200
        assert host.log.splitlines().count("the line") == 1


def test_storage_that_is_away_does_not_stop_the_host(place: HostPlace, start_host: HostStarter) -> None:
    away = "DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YWJj;QueueEndpoint=http://127.0.0.1:9/a;"
    host = start_host({"AzureWebJobsStorage": away + "BlobEndpoint=http://127.0.0.1:9/a;"}).wait_until_ready()
    assert host.request("GET", "/api/things/special").status == 200
    host.wait_until_logged("polling goes on")
    host.signal(signal.SIGTERM)
    assert host.wait_for_exit() == 0


def test_identity_form_of_connections_works_without_keys(keyless_emulators: LaunchedEmulators, tmp_path: Path) -> None:
    resources = keyless_emulators.participants["consumer"]
    place = HostPlace(resources.host_storage, resources.data_storage, tmp_path)
    settings = {
        **resources.identity_environment,
        **resources.trust_environment,
        "AzureWebJobsStorage": "",
        "AzureWebJobsStorage__queueServiceUri": resources.host_storage.queue_endpoint,
        "AzureWebJobsStorage__blobServiceUri": resources.host_storage.blob_endpoint,
        "Data": "",
        "Data__queueServiceUri": resources.data_storage.queue_endpoint,
        "Data__blobServiceUri": resources.data_storage.blob_endpoint,
    }
    with RunningHost(place, settings) as host:
        host.wait_until_ready()
        assert host.request("POST", "/api/send", b"keyless").status == 200
        assert place.wait_for_lines("worked", 1)[0]["text"] == "keyless"
