"""Checks the deployment without a cloud, prints what it finds, and ends with 1 where something is wrong.

    ./run deploy-check [--without-bicep] [--quick]

The templates compile without a warning, every az call parses, the scripts converge after any failure, and nobody holds
a role that is not on the list. `--quick` makes calls fail before their effect alone.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.deploy_check.arguments import (
    Call,
    documented_calls,
    environment_with_cli,
    parse_faults,
    printed_calls,
    unrehearsed,
)
from tools.deploy_check.rehearsal import INFRA, ROOT, STAND_INS, WHEN, Rehearsed, rehearse
from tools.deploy_check.roles import Grant, grants, read_allowed, role_faults, table
from tools.deploy_check.scenarios import Scenarios
from tools.deploy_check.templates import TEMPLATES, compile_template, find_bicep, lint_faults
from tools.doc_commands.blocks import pages

SCRIPTS = ("deploy.sh", "teardown.sh")
WRONG_CALL: Call = ("group", "create", "--name", "x", "--location", "westeurope", "--no-such-option")
NO_BICEP = (
    "there is no 'bicep' on PATH, and $BICEP names none: get it with 'az bicep install' (BICEP=~/.azure/bin/bicep), or"
    " leave out what needs it with --without-bicep"
)


@dataclass(slots=True)
class Report:
    """What was checked, and what is wrong."""

    faults: list[str] = field(default_factory=list[str])

    def add(self, what: str, faults: Sequence[str]) -> None:
        """Say how a check went."""
        print(f"{'FAILED' if faults else 'ok':6}  {what}", flush=True)
        for fault in faults:
            print("        " + fault.replace("\n", "\n        "))
        self.faults += faults


def check_templates(report: Report, bicep: str) -> None:
    """Compile and lint, then show the roles and compare them."""
    allowed, held = read_allowed(), list[Grant]()
    for name in TEMPLATES:
        template, faults = compile_template(bicep, name)
        report.add(f"{name} compiles without a warning", faults)
        report.add(f"{name} passes the linter", lint_faults(bicep, name))
        held += grants(template, allowed.names)
    print("\n" + table(held, allowed) + "\n")
    report.add("no role is wider than the list allows", role_faults(held, allowed))


def check_convergence(report: Report, folder: Path, *, quick: bool) -> list[Rehearsed]:
    """Rehearse every scenario."""
    rehearsed: list[Rehearsed] = []
    started = time.monotonic()
    for scenario in Scenarios(folder).all():
        done = rehearse(scenario, when=WHEN[:1] if quick else WHEN)
        rehearsed.append(done)
        told = (
            f"'{done.scenario}' converges: {len(done.calls)} calls, each failing in turn, {done.reruns} runs repeated"
        )
        report.add(told, done.faults)
    calls, reruns = sum(len(it.calls) for it in rehearsed), sum(it.reruns for it in rehearsed)
    print(f"        in all {calls} calls, {reruns} runs repeated, {time.monotonic() - started:.0f} s")
    return rehearsed


def check_calls(report: Report, commands: Path, rehearsed: Sequence[Rehearsed], folder: Path) -> None:
    """Parse each different call once, and one that must be refused."""
    calls: dict[Call, None] = {call: None for it in rehearsed for call in it.calls}
    calls |= {call: None for it in rehearsed for call in printed_calls(it.told)}
    missing = [fault for name in SCRIPTS for fault in unrehearsed(shared_text() + (INFRA / name).read_text(), calls)]
    report.add("every az command of the scripts is rehearsed", missing)
    for path in pages():
        calls |= {call: None for call in documented_calls(path.read_text())}
    faults = parse_faults(commands, [*calls, WRONG_CALL], folder)
    refused = [fault for fault in faults if WRONG_CALL[-1] in fault]
    report.add("azure-cli refuses a wrong call", [] if refused else [f"it takes az {' '.join(WRONG_CALL)}"])
    report.add(f"{len(calls)} different az calls parse by azure-cli", [it for it in faults if it not in refused])


def shared_text() -> str:
    """What both scripts read in."""
    return (INFRA / "participant.sh").read_text()


def check_shell(report: Report, commands: Path) -> None:
    """Lint the scripts and the stand-ins."""
    paths = [*(f"infra/{name}" for name in SCRIPTS), *sorted(str(it.relative_to(ROOT)) for it in STAND_INS.iterdir())]
    command = [str(commands / "shellcheck"), "-x", *paths]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    report.add("shellcheck has nothing to say", [done.stdout + done.stderr] if done.returncode else [])


def main() -> int:
    """Make all checks."""
    parser = argparse.ArgumentParser(prog="./run deploy-check", description="Check the deployment.")
    parser.add_argument("--without-bicep", action="store_true", help="leave out the templates and the roles")
    parser.add_argument("--quick", action="store_true", help="calls fail before their effect alone")
    parser.add_argument("--uv", default="uv", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    report, bicep = Report(), find_bicep()
    if bicep is None and not arguments.without_bicep:
        report.add("the Bicep compiler is there", [NO_BICEP])
    elif bicep is not None and not arguments.without_bicep:
        check_templates(report, bicep)
    commands = environment_with_cli(arguments.uv, ROOT / ".cache")
    with TemporaryDirectory(prefix="ferry-deploy-check-") as folder:
        rehearsed = check_convergence(report, Path(folder), quick=arguments.quick)
        check_calls(report, commands, rehearsed, Path(folder))
    check_shell(report, commands)
    print(f"\n{len(report.faults)} faults")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
