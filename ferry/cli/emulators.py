"""`ferry emulators`: what the app needs around it when you run it yourself, with `func start` or another host."""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from ferry.cli.environment import ParticipantSettings, merged
from ferry.cli.failure import CommandFailed
from ferry.cli.launching import start_emulators
from ferry.cli.ports import LOOPBACK
from ferry.emulators.launch import LaunchedEmulators
from ferry.emulators.vault_access import seed_secret

FIRST_PORT = 7071
_WATCH_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class EmulatorsOptions:
    """`oauth`: the participants' identities are used instead of account keys, which needs `https`."""

    participants: Sequence[str] = ("consumer", "provider")
    https: bool = False
    oauth: bool = False
    write: Path | None = None


def run_emulators(options: EmulatorsOptions, *, as_json: bool) -> None:
    """Start, say what each participant's app must be told, stay until a signal ends it. Raises CommandFailed."""
    console = Console(stderr=as_json)
    console.print("Starting Azurite, Key Vault, the identity endpoint and Event Grid …")
    with start_emulators(options.participants, https=options.https, oauth=options.oauth) as emulators:
        environments = _environments(emulators, options)
        _prepare(emulators, options, environments)
        written = _written(options, environments)
        try:
            if as_json:
                print(json.dumps({"participants": environments, "files": [str(path) for path in written]}), flush=True)
            else:
                _show(console, environments, written)
            _stay(emulators)
        finally:
            # They hold keys of accounts that are gone now.
            for path in written:
                path.unlink(missing_ok=True)


def settings_file(write: Path, participant: str, *, is_only: bool) -> Path:
    """Where a participant's settings go: the file itself, or one for each with the participant's name in it."""
    return write if is_only else write.with_name(f"{write.stem}.{participant}{write.suffix}")


def shadowed(environments: Mapping[str, Mapping[str, str]], shell: Mapping[str, str]) -> str:
    """The variables that the shell sets to something else, which a host prefers to its settings file."""
    names = {
        name
        for environment in environments.values()
        for name, value in environment.items()
        if shell.get(name, value) != value
    }
    return ", ".join(sorted(names))


def _environments(emulators: LaunchedEmulators, options: EmulatorsOptions) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for number, (name, resources) in enumerate(emulators.participants.items()):
        settings = ParticipantSettings(
            resources=resources, host_id=name, api_key=secrets.token_urlsafe(24), keyless=options.oauth
        )
        found[name] = merged(settings.environment(f"http://{LOOPBACK}:{FIRST_PORT + number}"))
    return found


def _prepare(
    emulators: LaunchedEmulators, options: EmulatorsOptions, environments: Mapping[str, Mapping[str, str]]
) -> None:
    """Keys into the vaults, and Event Grid told where the hosts will listen; it asks until they do."""
    for name, resources in emulators.participants.items():
        account = resources.data_storage
        if not options.oauth:
            seed_secret(resources, account.name, account.key)
        target = f"{environments[name]['FERRY_PUBLIC_URL']}/runtime/webhooks/blobs"
        function = "functionName=Host.Functions.completion_marker"
        emulators.admin.subscribe(account.name, f"{target}?{function}", container_prefixes=("",))


def _written(options: EmulatorsOptions, environments: Mapping[str, Mapping[str, str]]) -> list[Path]:
    if options.write is None:
        return []
    paths: list[Path] = []
    for name, environment in environments.items():
        path = settings_file(options.write, name, is_only=len(environments) == 1)
        descriptor = _created(path)
        port = int(environment["FERRY_PUBLIC_URL"].rpartition(":")[2])
        with os.fdopen(descriptor, "w") as file:
            json.dump(
                {"IsEncrypted": False, "Values": dict(environment), "Host": {"LocalHttpPort": port}}, file, indent=2
            )
        paths.append(path)
    return paths


def _created(path: Path) -> int:
    """A new private file. Raises CommandFailed where there is one: it may be the developer's own."""
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise CommandFailed(f"{path} exists", next_step="move it away, or name another file with --write") from None
    except OSError as error:
        raise CommandFailed(f"{path} cannot be written: {error.strerror}", next_step="name another file") from None


def _show(console: Console, environments: Mapping[str, Mapping[str, str]], written: Sequence[Path]) -> None:
    for name, environment in environments.items():
        console.print(f"\n[bold]{name}[/] (func start --port {environment['FERRY_PUBLIC_URL'].rpartition(':')[2]})")
        for variable, value in environment.items():
            console.print(f"export {variable}={_quoted(value)}", soft_wrap=True, highlight=False, markup=False)
    for path in written:
        console.print(f"\nwritten: {path} (removed when this ends)", highlight=False)
    hidden = shadowed(environments, os.environ)
    if written and hidden:
        console.print(f"\n{hidden} in your shell will win over the file: unset them, or use the lines above")
    console.print("\nCtrl-C stops everything.")


def _quoted(value: str) -> str:
    escaped = value.replace("'", "'\\''")
    return f"'{escaped}'"


def _stay(emulators: LaunchedEmulators) -> None:
    while emulators.process.poll() is None:
        time.sleep(_WATCH_SECONDS)
    raise CommandFailed("The emulators have ended by themselves", next_step="read the lines above and start again")
