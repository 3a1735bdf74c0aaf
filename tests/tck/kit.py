"""The kit itself: brought by Maven once into the project's cache folder, configured, run with its lines passed on."""

import hashlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ferry.cli.failure import CommandFailed
from ferry.cli.watchdog import Watchdog
from ferry.emulators.azurite_install import cache_dir
from tests.tck.plans import KIT_PARTICIPANT, kit_properties

_HERE = Path(__file__).parent
_POM = _HERE / "pom.xml"
_RUNNER = _HERE / "RunKit.java"
_WAIT_SECONDS = 20
_DOWNLOAD_SECONDS = 600
_OUTPUT_TAIL_CHARACTERS = 3000
# Ten times what a whole run takes on an idle machine.
_RUN_SECONDS = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The participant under test, and where the fixture starts what it is to start. URLs have no slash at the end."""

    participant_id: str
    protocol_url: str
    initiate_url: str

    def properties(self) -> dict[str, str]:
        """The kit's settings."""
        claims = {"clientId": KIT_PARTICIPANT, "region": "any", "audience": "any"}
        return {
            "dataspacetck.dsp.connector.agent.id": self.participant_id,
            "dataspacetck.dsp.connector.http.url": self.protocol_url,
            "dataspacetck.dsp.connector.http.base.url": self.protocol_url.rpartition("/")[0],
            "dataspacetck.dsp.connector.http.headers.authorization": json.dumps(claims),
            "dataspacetck.dsp.connector.negotiation.initiate.url": f"{self.initiate_url}/negotiations",
            "dataspacetck.dsp.connector.transfer.initiate.url": f"{self.initiate_url}/transfers",
            "dataspacetck.dsp.default.wait": str(_WAIT_SECONDS),
            **kit_properties(),
        }


# The kit against the connector that it brings: tells a broken kit from a broken participant.
SELF_TEST: Mapping[str, str] = {"dataspacetck.dsp.local.connector": "true"}


def jars() -> Path:
    """The folder of the kit's class path, resolved by Maven where it is not there yet. Raises CommandFailed."""
    folder = cache_dir().resolve() / "tck" / hashlib.sha256(_POM.read_bytes()).hexdigest()[:16]
    if folder.exists():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    print("bringing the test kit by Maven (once)", file=sys.stderr, flush=True)
    # Moved into place as a whole: whoever comes second meets all of it or nothing.
    with tempfile.TemporaryDirectory(prefix="new-", dir=folder.parent) as fresh:
        resolved = Path(fresh) / "jars"
        _resolve(resolved)
        try:
            resolved.rename(folder)
        except OSError:
            if not folder.exists():
                raise
    return folder


def _resolve(folder: Path) -> None:
    goal = ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
    finished = subprocess.run(
        ["mvn", "-B", "-q", "-f", str(_POM), *goal],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_DOWNLOAD_SECONDS,
        check=False,
    )
    if finished.returncode != 0:
        said = finished.stdout[-_OUTPUT_TAIL_CHARACTERS:]
        raise CommandFailed(f"Maven could not bring the test kit:\n{said}", next_step="see to its fault, run again")


def run(
    properties: Mapping[str, str], *, least_passed: int, only: str, debug: bool, folder: Path, watchdog: Watchdog
) -> bool:
    """Run it, its lines to our own output; whether nothing failed and enough passed. Raises CommandFailed."""
    settings = folder / "tck.properties"
    told = {**properties, "dataspacetck.debug": str(debug).lower()}
    settings.write_text("".join(f"{name}={value}\n" for name, value in told.items()))
    command = ["java", "-cp", f"{jars()}/*", str(_RUNNER), str(settings), str(least_passed), only]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    watchdog.add(process.pid)
    try:
        return process.wait(_RUN_SECONDS) == 0
    except subprocess.TimeoutExpired:
        message = f"the kit did not end within {_RUN_SECONDS} s"
        raise CommandFailed(message, next_step="run again on an idle machine, or see where it stood") from None
    finally:
        process.kill()
        process.wait()
        watchdog.remove(process.pid)
