"""Who takes part in a bench: Ferry first."""

from collections.abc import Iterator

from bench.copiers.copier import Copier
from bench.copiers.ours import ours
from bench.copiers.peers import azcopy, rclone


def chosen_copiers(*, has_peers: bool = True) -> Iterator[Copier]:
    """Ferry, and those that it is compared with, which are fetched where they are not there. Raises CommandFailed."""
    yield ours()
    if has_peers:
        yield azcopy()
        yield rclone()
