"""Rehearses the deploy scripts against stand-ins of az and curl that keep state and fail at each call in turn.

A script that broke off is run again, and what Azure would hold then must be what an undisturbed run leaves. A call
fails before it has done anything, or after (its reply is lost).
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[2]
INFRA = ROOT / "infra"
STAND_INS = Path(__file__).parent / "stand_ins"
WHEN = ("before", "after")
_KINDS = ("groups", "vaults", "deleted", "apps", "code", "deployments")
_TIMEOUT_SECONDS = 120.0

type Held = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A script with its arguments, and the scripts that have run before it, undisturbed."""

    name: str
    command: Sequence[str]
    before: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a run of a script came to."""

    status: int
    told: str
    calls: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """A scenario with all its failures: the calls of the undisturbed run, how many runs were repeated, the faults."""

    scenario: str
    calls: tuple[tuple[str, ...], ...]
    told: str
    reruns: int
    faults: tuple[str, ...]


class RehearsalFailed(Exception):
    """A script failed though nothing was made to fail."""


class Stage:
    """A folder with the stand-ins and what they keep."""

    def __init__(self, folder: Path) -> None:
        self._kept = folder / "kept"
        self._commands = folder / "bin"
        shutil.copytree(STAND_INS, self._commands)
        self.clear()

    def clear(self) -> None:
        """Start with an empty cloud."""
        shutil.rmtree(self._kept, ignore_errors=True)
        for kind in _KINDS:
            (self._kept / "state" / kind).mkdir(parents=True)

    def run(self, command: Sequence[str], fail_at: int = 0, when: str = "before") -> Outcome:
        """Run a script; `fail_at` is the number of the call that fails, 0: none."""
        shutil.rmtree(self._kept / "calls", ignore_errors=True)
        (self._kept / "calls").mkdir()
        (self._kept / "count").write_text("0\n")
        environment = {
            **os.environ,
            "PATH": f"{self._commands}{os.pathsep}{os.environ['PATH']}",
            "STAND_IN": str(self._kept),
            "STAND_IN_FAIL_AT": str(fail_at),
            "STAND_IN_FAIL_WHEN": when,
        }
        done = subprocess.run(
            ["bash", *command],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_TIMEOUT_SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, self._calls())

    def held(self) -> Held:
        """What the cloud holds now, by name."""
        root = self._kept / "state"
        return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}

    @property
    def published(self) -> Path:
        """The archive that was published last."""
        return self._kept / "published.zip"

    def unknown_calls(self) -> str:
        """Calls that the stand-in has no answer to."""
        path = self._kept / "unknown"
        return path.read_text() if path.exists() else ""

    def _calls(self) -> tuple[tuple[str, ...], ...]:
        paths = sorted((self._kept / "calls").iterdir(), key=lambda path: int(path.name))
        return tuple(tuple(path.read_text().split("\0")[:-1]) for path in paths)


def rehearse(scenario: Scenario, *, when: Iterable[str] = WHEN) -> Rehearsed:
    """Run a scenario undisturbed, then with each call failing. Raises RehearsalFailed where it fails of itself."""
    with TemporaryDirectory(prefix="ferry-rehearsal-") as folder:
        stage = Stage(Path(folder))
        _prepare(stage, scenario)
        undisturbed = _succeed(stage, scenario.command)
        expected = stage.held()
        reruns, faults = 0, list[str]()
        for number in range(1, len(undisturbed.calls) + 1):
            for moment in when:
                _prepare(stage, scenario)
                rerun, fault = _disturb(stage, scenario, expected, number, moment)
                reruns += rerun
                faults += [fault] if fault else []
        return Rehearsed(scenario.name, undisturbed.calls, undisturbed.told, reruns, tuple(faults))


def _prepare(stage: Stage, scenario: Scenario) -> None:
    stage.clear()
    for command in scenario.before:
        _succeed(stage, command)


def _succeed(stage: Stage, command: Sequence[str]) -> Outcome:
    outcome = stage.run(command)
    if outcome.status or stage.unknown_calls():
        raise RehearsalFailed(f"{' '.join(command)} ended with {outcome.status}:\n{outcome.told}")
    return outcome


def _disturb(stage: Stage, scenario: Scenario, expected: Held, number: int, moment: str) -> tuple[int, str]:
    """Whether it had to be run again, and what is wrong (empty: nothing)."""
    where = f"{scenario.name}: call {number} failed {moment} its effect"
    broken = stage.run(scenario.command, number, moment)
    if broken.status:
        again = stage.run(scenario.command)
        if again.status:
            return 1, f"{where}; run again, it ends with {again.status}:\n{again.told}"
    held = stage.held()
    if held == expected:
        return int(broken.status != 0), ""
    differing = sorted(name for name in {*held, *expected} if held.get(name) != expected.get(name))
    return int(broken.status != 0), f"{where}; these differ from an undisturbed run: {', '.join(differing)}"
