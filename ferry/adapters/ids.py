"""Fresh names for processes, containers, secrets and operations: random ones, and ones that can be foretold."""

import itertools
import uuid


class RandomIds:
    """Random UUIDs."""

    def fresh(self) -> str:
        """A new name of 36 lower-case letters, digits and single hyphens."""
        return str(uuid.uuid4())


class SequentialIds:
    """`<prefix>-0001`, `<prefix>-0002` and so on: the same in each run. The prefix is to fit a container's name."""

    def __init__(self, prefix: str = "id") -> None:
        self._prefix = prefix
        self._numbers = itertools.count(1)

    def fresh(self) -> str:
        """The next name."""
        return f"{self._prefix}-{next(self._numbers):04d}"
