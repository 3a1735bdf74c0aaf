"""The settings file of a participant, as `ferry emulators --write` makes it and Core Tools read it."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed


@dataclass(frozen=True, slots=True)
class SettingsFile:
    """Its values, and the port that its host is to listen on; None where it says none."""

    values: Mapping[str, str]
    port: int | None

    def apply(self) -> None:
        """Make this process see them, whatever its environment says: that may be of another participant."""
        os.environ.update(self.values)


def read_settings_file(path: Path) -> SettingsFile:
    """A local.settings.json. Raises CommandFailed."""
    try:
        document: Any = json.loads(path.read_text(encoding="utf-8"))
        values = cast("Mapping[str, Any]", document["Values"]).items()
        port: Any = document.get("Host", {}).get("LocalHttpPort")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            f"{path} cannot be read: {type(error).__name__}: {error}",
            next_step='give a file with {"Values": {…}}: `ferry emulators --write FILE` writes one',
            exit_code=ExitCode.USAGE,
        ) from None
    return SettingsFile({name: str(value) for name, value in values}, port if isinstance(port, int) else None)
