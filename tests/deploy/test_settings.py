"""What the templates set is what the app reads: no unknown setting, none missing, connections that it takes."""

import ast
import json
import os
import re
import subprocess
import sys

import pytest

from ferry.adapters.storage_connection import read_connection
from ferry.settings import SETTINGS, read_settings
from tests.deploy.templates import app_settings, template, variable
from tools.deploy_check.rehearsal import ROOT

HOST = "https://ferry-consumer-0123abcd.azurewebsites.net"
GIVEN = {
    "FERRY_PARTICIPANT_ID": "consumer",
    "FERRY_PUBLIC_URL": HOST,
    "FERRY_VAULT_URL": "https://consumer-kv-0123abcd.vault.azure.net/",
    "FERRY_ROLES": "consumer,provider,dataplane",
    "FERRY_MANAGEMENT_AUTH": "entra",
    "FERRY_ENTRA_TENANT": "11111111-2222-3333-4444-555555555555",
    "FERRY_ENTRA_AUDIENCE": "api://ferry",
    "FERRY_IDENTITY": "signed",
    "FERRY_PARTNERS": '{"provider":"did:web:ferry-provider-4567cdef.azurewebsites.net:api"}',
    "FERRY_ALLOWED_HOSTS": "ferry-provider-4567cdef.azurewebsites.net",
    "FERRY_DESTINATION_ACCOUNT": "consumerdata0123abcd",
    "FERRY_DESTINATION_CONNECTION": "DESTINATION",
    "FERRY_STORAGE_CREDENTIAL": "identity",
    "FERRY_RETENTION_DAYS": "30",
    "FERRY_TELEMETRY": "azure-monitor",
    "AzureWebJobsStorage__accountName": "consumerhost0123abcd",
    "AzureWebJobsStorage__credential": "managedidentity",
    "AzureWebJobsStorage__clientId": "66666666-2222-3333-4444-555555555555",
}

TRIGGERS = """
import json, function_app
triggers = {it.get_function_name(): it.get_trigger().get_dict_repr() for it in function_app.app.get_functions()}
told = {name: [str(it.get(key) or "") for key in ("type", "connection", "source")] for name, it in triggers.items()}
print("\\n" + json.dumps(told))
"""


def ferry_settings() -> set[str]:
    return {name for name in app_settings() if name.startswith("FERRY_")}


def test_settings_of_the_template_are_known_to_the_app() -> None:
    assert ferry_settings() <= {setting.name for setting in SETTINGS}


def test_settings_without_default_are_all_set() -> None:
    assert {setting.name for setting in SETTINGS if setting.default is None} <= ferry_settings()


def test_settings_of_the_template_let_the_app_start() -> None:
    assert set(GIVEN) >= ferry_settings()
    settings = read_settings({name: GIVEN[name] for name in ferry_settings()})
    assert settings.use_identity
    assert settings.did == "did:web:ferry-consumer-0123abcd.azurewebsites.net:api"


def test_connection_by_identity_leads_to_tables_and_queues() -> None:
    environment = {name: GIVEN[name] for name in app_settings() if name.startswith("AzureWebJobsStorage")}
    connection = read_connection(environment)
    assert connection.connection_string is None
    assert connection.table_endpoint == "https://consumerhost0123abcd.table.core.windows.net"
    assert connection.queue_endpoint == "https://consumerhost0123abcd.queue.core.windows.net"


@pytest.mark.parametrize("connection", ["AzureWebJobsStorage", "DESTINATION"])
def test_connections_name_the_identity(connection: str) -> None:
    assert {f"{connection}__credential", f"{connection}__clientId"} <= app_settings()


def test_trigger_connection_has_blobs_and_queues() -> None:
    assert {"DESTINATION__blobServiceUri", "DESTINATION__queueServiceUri"} <= app_settings()
    assert "FERRY_DESTINATION_CONNECTION: 'DESTINATION'" in template("main.bicep")


def test_sdk_finds_the_identity_among_several() -> None:
    assert "AZURE_CLIENT_ID" in app_settings()


def test_app_with_the_settings_of_the_template_has_its_triggers() -> None:
    environment = {"PATH": os.environ["PATH"], **GIVEN}
    told = subprocess.run(
        [sys.executable, "-c", TRIGGERS], cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout
    triggers: dict[str, list[str]] = json.loads(told.splitlines()[-1])
    assert triggers["completion_marker"] == ["blobTrigger", "DESTINATION", "EventGrid"]
    assert triggers["consumer_tasks"] == ["queueTrigger", "AzureWebJobsStorage", ""]
    assert triggers["janitor"] == ["timerTrigger", "", ""]


def test_settings_that_flex_consumption_refuses_are_not_set() -> None:
    refused = {"FUNCTIONS_WORKER_RUNTIME", "WEBSITE_RUN_FROM_PACKAGE", "FUNCTIONS_EXTENSION_VERSION"}
    assert not [name for name in refused if name in template("main.bicep")]


def test_events_go_to_the_function_of_the_blob_trigger() -> None:
    source = ast.parse((ROOT / "consumer_fns" / "completion_marker.py").read_text())
    functions = {node.name for node in ast.walk(source) if isinstance(node, ast.FunctionDef)}
    target = re.search(r"functionName=Host\.Functions\.(\w+)", template("completion.bicep"))
    assert target is not None
    assert target.group(1) in functions


def test_dead_letters_go_to_the_container_that_was_made() -> None:
    assert f"blobContainerName: '{variable('main.bicep', 'deadLetterContainer')}'" in template("completion.bicep")
