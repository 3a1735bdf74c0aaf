"""Compiles the Bicep templates with the real compiler; a warning is a fault, because it knows properties and types."""

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from typing import Any

from tools.deploy_check.rehearsal import INFRA

TEMPLATES = ("main.bicep", "completion.bicep")


def find_bicep() -> str | None:
    """The compiler: $BICEP, or on PATH."""
    return shutil.which(os.environ.get("BICEP") or "bicep")


def compile_template(bicep: str, name: str) -> tuple[dict[str, Any], list[str]]:
    """The compiled template (empty where it cannot be compiled), and every diagnostic."""
    done = _run([bicep, "build", str(INFRA / name), "--stdout"])
    faults = [line for line in done.stderr.splitlines() if line.strip()]
    return (json.loads(done.stdout) if done.returncode == 0 else {}), faults


def lint_faults(bicep: str, name: str) -> list[str]:
    """What the linter says, beside the compiler."""
    done = _run([bicep, "lint", str(INFRA / name), "--diagnostics-format", "sarif"])
    runs: list[dict[str, Any]] = json.loads(done.stdout or done.stderr)["runs"]
    return [f"{it['ruleId']}: {it['message']['text']}" for run in runs for it in run["results"]]


def _run(command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)
