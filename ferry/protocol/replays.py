"""Which tokens have been used in this process: each serves once (decision record 9 says what that covers)."""

import threading
from collections import OrderedDict

LIMIT = 10_000


class SeenTokens:
    """Ids of used tokens by issuer. `limit` bounds what is kept of each: more make it forget the oldest."""

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._seen: dict[str, OrderedDict[str, float]] = {}
        self._lock = threading.Lock()

    def is_first(self, issuer: str, token_id: str, *, until: float, now: float) -> bool:
        """Note the token, and say whether it was new; it is remembered until it is worthless. Unix seconds."""
        with self._lock:
            seen = self._seen.setdefault(issuer, OrderedDict())
            if seen.get(token_id, 0.0) > now:
                return False
            while seen and (len(seen) >= self._limit or next(iter(seen.values())) <= now):
                seen.popitem(last=False)
            seen[token_id] = until
            seen.move_to_end(token_id)
            return True
