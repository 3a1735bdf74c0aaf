"""AzCopy and rclone as they are started here: with their defaults, but for what is said beside."""

from pathlib import Path
from urllib.parse import urlsplit

from bench.copiers.copier import AZCOPY, RCLONE, Copier, Start, Task
from bench.peers.install import AZCOPY_ENVIRONMENT, install_azcopy, install_rclone, version_of

# rclone's default of 4 transfers would make it an easy one to beat; more than 256 did not make it faster.
_TRANSFERS = 256
_STREAMS = 16


def azcopy() -> Copier:
    """AzCopy, installed where it is not there yet. Raises CommandFailed."""
    binary = install_azcopy()

    def start(task: Task, folder: Path) -> Start:
        if task.streams:
            raise ValueError("AzCopy does not stream from account to account")
        # An address by number is no account's for AzCopy, so it has to be told that both are.
        options = ["--recursive", "--from-to=BlobBlob", "--as-subdir=false", "--skip-version-check"]
        places = {"AZCOPY_LOG_LOCATION": str(folder), "AZCOPY_JOB_PLAN_LOCATION": str(folder / "plans")}
        command = [str(binary), "copy", task.source_url, task.destination_url, *options]
        return Start(command, {**AZCOPY_ENVIRONMENT, **places, **task.trust})

    return Copier(AZCOPY, version_of(binary, "--version").split()[-1], start)


def rclone() -> Copier:
    """rclone with 256 transfers (16 where it streams), installed where it is not there yet. Raises CommandFailed."""
    binary = install_rclone()

    def start(task: Task, folder: Path) -> Start:
        environment = {
            "RCLONE_CONFIG": str(folder / "none.conf"),
            "RCLONE_CONFIG_SRC_TYPE": "azureblob",
            "RCLONE_CONFIG_SRC_SAS_URL": task.source_url,
            "RCLONE_CONFIG_DST_TYPE": "azureblob",
            "RCLONE_CONFIG_DST_SAS_URL": task.destination_url,
        }
        at_once = _STREAMS if task.streams else _TRANSFERS
        command = [str(binary), "copy", f"src:{_container(task.source_url)}", f"dst:{_container(task.destination_url)}"]
        command += ["--transfers", str(at_once), "--checkers", str(at_once), "--retries", "1"]
        command += ["--disable", "Copy"] if task.streams else []
        return Start(command, {**environment, **task.trust})

    return Copier(RCLONE, version_of(binary, "version").split()[1].lstrip("v"), start)


def _container(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]
