"""PageManifests in memory."""

import threading
from collections.abc import Iterator


class MemoryPageManifests:
    """Lists of blobs, by flow and number."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, int], bytes] = {}
        self._lock = threading.Lock()

    def keep(self, flow_id: str, number: int, content: bytes) -> bytes:
        """Keep a list where there is none."""
        with self._lock:
            return self._lists.setdefault((flow_id, number), content)

    def read(self, flow_id: str, number: int) -> bytes | None:
        """A list that was kept."""
        with self._lock:
            return self._lists.get((flow_id, number))

    def flows(self) -> Iterator[str]:
        """The flows of which there are lists."""
        with self._lock:
            found = sorted({flow_id for flow_id, _ in self._lists})
        return iter(found)

    def forget(self, flow_id: str) -> None:
        """Remove all lists of a flow."""
        with self._lock:
            for key in [key for key in self._lists if key[0] == flow_id]:
                del self._lists[key]
