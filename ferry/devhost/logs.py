"""Log handlers of the host: everything to stderr, the app's own lines untouched."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

LEVEL_SETTING = "FERRY_DEVHOST_LOG_LEVEL"


class _HostHandler(logging.StreamHandler[TextIO]):
    """Marks the handler as ours, to take it away again when the app brings its own."""


def configure_logging() -> None:
    """Give the root logger a handler before the app is imported; SDKs and the worker library speak from WARNING on."""
    handler = _HostHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(message)s"))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    for name in ("azure", "azure.functions", "uvicorn", "urllib3"):
        logging.getLogger(name).setLevel(logging.WARNING)
    host = logging.getLogger("ferry.devhost")
    host.setLevel(os.environ.get(LEVEL_SETTING, "INFO").upper())
    own = logging.StreamHandler(sys.stderr)
    own.setFormatter(logging.Formatter("[devhost] %(levelname)s %(message)s"))
    host.addHandler(own)
    host.propagate = False


def yield_to_app_handlers() -> None:
    """After the import of the app: where it gave the root logger handlers of its own, ours would print lines twice."""
    root = logging.getLogger()
    own = [handler for handler in root.handlers if isinstance(handler, _HostHandler)]
    if len(root.handlers) > len(own):
        for handler in own:
            root.removeHandler(handler)
