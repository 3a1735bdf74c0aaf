"""Starts the emulators for a command, with failures in the words of the command line."""

from collections.abc import Sequence

from ferry.cli.failure import CommandFailed
from ferry.emulators.launch import EmulatorsStartError, LaunchedEmulators, launch_emulators
from ferry.emulators.resources import check_participants


def start_emulators(participants: Sequence[str], *, https: bool, oauth: bool, relay: bool = False) -> LaunchedEmulators:
    """The running emulators; close them after use. Raises CommandFailed."""
    try:
        check_participants(participants)
    except ValueError as error:
        raise CommandFailed(str(error), next_step="choose other names") from None
    if oauth and not https:
        raise CommandFailed("Azurite accepts tokens over TLS only", next_step="add --https to --oauth")
    try:
        return launch_emulators(participants, https=https, oauth=oauth, relay=relay)
    except EmulatorsStartError as error:
        raise CommandFailed(
            str(error), next_step="read the lines above and start again; the first start needs npm's registry"
        ) from None
