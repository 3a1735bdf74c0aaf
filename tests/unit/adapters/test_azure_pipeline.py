"""What the SDK's errors become, and what importing the adapters costs."""

import subprocess
import sys
import time
from typing import Any, cast

import pytest
from azure.core.exceptions import (
    AzureError,
    ClientAuthenticationError,
    HttpResponseError,
    ServiceRequestError,
    ServiceResponseTimeoutError,
)
from azure.identity import CredentialUnavailableError

from ferry.adapters.azure_pipeline import LONGEST_PAUSE_SECONDS, PooledTransport, failures_as, shared_transport
from ferry.adapters.credentials import new_credential, shared_credential
from ferry.domain.faults import EffectFailed, FaultCode

ADAPTERS = (
    *("tables", "table_store", "table_definitions", "table_index"),
    *("storage_connection", "storage_queue", "key_vault", "credentials", "memory_store"),
)


def answered(status: int) -> HttpResponseError:
    """An error as the SDK raises it for a response; its message quotes what was sent."""
    error = HttpResponseError("sig=quoted")
    error.status_code, error.reason = status, "Reason"
    return error


@pytest.mark.parametrize(
    ("error", "code", "retryable", "message"),
    [
        (answered(500), "STORAGE_UNAVAILABLE", True, "writing failed for now (500 Reason)"),
        (answered(503), "STORAGE_UNAVAILABLE", True, "writing failed for now (503 Reason)"),
        (answered(429), "STORAGE_UNAVAILABLE", True, "writing failed for now (429 Reason)"),
        (answered(408), "STORAGE_UNAVAILABLE", True, "writing failed for now (408 Reason)"),
        (answered(409), "STORAGE_UNAVAILABLE", True, "writing failed for now (409 Reason)"),
        (answered(400), "UNEXPECTED", False, "writing is impossible (400 Reason)"),
        (answered(401), "STORAGE_UNAVAILABLE", True, "writing was refused (401 Reason): the app's identity"),
        (answered(403), "STORAGE_UNAVAILABLE", True, "writing was refused (403 Reason): the app's identity"),
        (ServiceRequestError("sig=x"), "STORAGE_UNAVAILABLE", True, "no answer (ServiceRequestError)"),
        (ServiceResponseTimeoutError("x"), "STORAGE_UNAVAILABLE", True, "no answer (ServiceResponseTimeoutError)"),
        (ClientAuthenticationError("sig=x"), "STORAGE_UNAVAILABLE", True, "was not tried (ClientAuthenticationError"),
        (CredentialUnavailableError("x"), "STORAGE_UNAVAILABLE", True, "was not tried (CredentialUnavailableError"),
    ],
)
def test_error_becomes_a_fault_without_what_was_sent(
    error: AzureError, code: str, retryable: bool, message: str
) -> None:
    with pytest.raises(EffectFailed) as caught, failures_as(FaultCode.STORAGE_UNAVAILABLE, "writing"):
        raise error

    fault = caught.value.fault
    assert (fault.code, fault.retryable) == (code, retryable)
    assert message in fault.message
    assert "sig=" not in fault.message


def test_long_pauses_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    transport = PooledTransport()

    for asked in (0.4, 60):
        transport.sleep(asked)

    assert pauses == [0.4, LONGEST_PAUSE_SECONDS]


def test_client_that_ends_leaves_the_connections_to_others() -> None:
    transport = shared_transport()
    pool = cast("Any", transport)._session

    with transport:
        transport.open()

    assert shared_transport() is transport
    assert cast("Any", transport)._session is pool


def test_credential_is_shared_and_asks_no_person() -> None:
    chain: tuple[object, ...] = cast("Any", new_credential()).credentials
    names = [type(credential).__name__ for credential in chain]

    assert names[0] == "EnvironmentCredential"
    assert names[-2:] == ["ManagedIdentityCredential", "AzureCliCredential"]
    assert len(names) == 4
    assert shared_credential() is shared_credential()


def test_importing_the_adapters_loads_no_sdk() -> None:
    imports = "; ".join(f"import ferry.adapters.{name}" for name in ADAPTERS)
    probe = (
        f"{imports}; import sys; print([m for m in sys.modules if m.split('.')[0] in ('azure', 'requests', 'msal')])"
    )

    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
