"""What a measurement was made on."""

import os
import platform
from pathlib import Path


def machine_line() -> str:
    """Cores, memory, system and load, so that a table can be read by those who were not there."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    load = Path("/proc/loadavg").read_text().split()[0]
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    return f"{cores} cores, {memory:.0f} GiB, {system}, Python {platform.python_version()}, load at the start {load}"
