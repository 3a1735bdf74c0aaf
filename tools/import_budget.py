"""Holds the cold start: importing the app loads no Azure SDK and costs little more than importing its framework.

Each import is timed in a process of its own, `azure.functions` and `function_app` in turn, so that a busy machine slows
both alike; the app finds the settings of local.settings.example.json in its environment, as Core Tools would set them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
FRAMEWORK = "azure.functions"
APP = "function_app"
RUNS = 15
MAX_RATIO = 1.5
BANNED = ("aiohttp", "pydantic", "ferry.cli", "ferry.devhost", "ferry.emulators")
PROBE = """
import json, sys, time
started = time.perf_counter()
__import__(sys.argv[1])
seconds = time.perf_counter() - started
print("\\n" + json.dumps([seconds, list(sys.modules)]))
"""


def app_environment() -> dict[str, str]:
    """This environment with the app's example settings, and free to write bytecode."""
    example: dict[str, dict[str, str]] = json.loads((ROOT / "local.settings.example.json").read_text())
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return inherited | example["Values"]


def import_fresh(module: str, environment: dict[str, str]) -> tuple[float, list[str]]:
    """Seconds that importing the module took in a new process, and the modules loaded by then."""
    command = [sys.executable, "-c", PROBE, module]
    done = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        sys.exit(f"import_budget: importing {module} failed in a new process; its traceback is above")
    seconds, modules = json.loads(done.stdout.splitlines()[-1])
    return seconds, modules


def is_banned(module: str) -> bool:
    """Whether a cold start may not load the module."""
    is_azure_sdk = module.startswith("azure.") and not f"{module}.".startswith(f"{FRAMEWORK}.")
    return is_azure_sdk or any(f"{module}.".startswith(f"{name}.") for name in BANNED)


def main() -> int:
    """Measure, print the figures and answer the exit code."""
    environment = app_environment()
    _, loaded = import_fresh(APP, environment)  # not timed: it may have to compile bytecode first
    banned = sorted(filter(is_banned, loaded))
    rounds = [(import_fresh(FRAMEWORK, environment)[0], import_fresh(APP, environment)[0]) for _ in range(RUNS)]
    framework_ms, app_ms = (median(times) * 1000 for times in zip(*rounds, strict=True))
    ratio = app_ms / framework_ms
    print(f"import {FRAMEWORK}: {framework_ms:.0f} ms, import {APP}: {app_ms:.0f} ms (medians of {RUNS})")
    print(f"ratio {ratio:.2f}, allowed {MAX_RATIO}; {len(loaded)} modules, banned: {', '.join(banned) or 'none'}")
    return 1 if banned or ratio > MAX_RATIO else 0


if __name__ == "__main__":
    sys.exit(main())
