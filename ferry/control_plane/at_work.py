"""What this engine is performing just now, of the work that twice at once would only cost twice."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from ferry.domain.process import Intent, IntentKind

# It only reads, for as long as a listing is: a lease would cost each small transfer one more commit.
ONE_AT_A_TIME = frozenset({IntentKind.VERIFY_DELIVERY})


class AtWork:
    """Processes and kinds of intents that are being performed. Only this engine knows: another host may do the same."""

    def __init__(self) -> None:
        self._under_way: set[tuple[str, IntentKind]] = set()
        self._lock = threading.Lock()

    def is_at(self, process_id: str, intent: Intent) -> bool:
        """Whether such work is under way for that process."""
        return (process_id, intent.kind) in self._under_way

    @contextmanager
    def performing(self, process_id: str, intent: Intent) -> Generator[bool]:
        """Inside, it is under way; False where it is already, so that it is not to be done."""
        key = (process_id, intent.kind)
        if intent.kind not in ONE_AT_A_TIME:
            yield True
            return
        with self._lock:
            is_first = key not in self._under_way
            self._under_way.add(key)
        try:
            yield is_first
        finally:
            if is_first:
                self._under_way.discard(key)
