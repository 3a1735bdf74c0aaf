"""The names of the hosts that can run the app here, apart from what starts them."""

from enum import StrEnum


class HostKind(StrEnum):
    """Which host."""

    DEVHOST = "devhost"
    FUNC = "func"
