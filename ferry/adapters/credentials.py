"""The participant's own identity: one credential for the whole process, made when it is first needed."""

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential

_shared: "TokenCredential | None" = None
_lock = threading.Lock()


def shared_credential() -> "TokenCredential":
    """The process's credential, which keeps its tokens until they expire."""
    global _shared  # noqa: PLW0603 - one for the process, made by whoever needs it first
    with _lock:
        _shared = _shared or new_credential()
        return _shared


def new_credential() -> "TokenCredential":
    """Azure's default chain without what asks a person or starts slow programs.

    Service principal from the environment, workload identity, managed identity, and `az login` for development.
    """
    from azure.identity import DefaultAzureCredential

    from ferry.adapters.azure_pipeline import retry_options, shared_transport

    return DefaultAzureCredential(
        transport=shared_transport(),
        **retry_options(),
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_powershell_credential=True,
        exclude_developer_cli_credential=True,
        exclude_interactive_browser_credential=True,
        exclude_broker_credential=True,
    )
