"""What a copy needs beside the blobs: who watches it, where its pages are begun, where the lists of blobs are kept."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from ferry.domain.copy_page import CopyPage
from ferry.domain.process import JsonObject


class CopyWatch(Protocol):
    """Whoever has given out a copy: it keeps its checkpoints, and knows whether it is still wanted."""

    def save(self, checkpoint: JsonObject) -> bool:
        """Keep it, and the lease with it. False: the copy was stopped, or is another worker's now."""
        ...

    def holds(self) -> bool:
        """Whether the copy may go on; one read."""
        ...


class PageDesk(Protocol):
    """Where the pages of large copies are begun and looked after."""

    def begin(self, pages: Sequence[CopyPage]) -> None:
        """Begin them; those that were begun before are looked at again where nobody is at them."""
        ...

    def look_after(self, flow_id: str, numbers: Sequence[int], *, unbegun: bool) -> None:
        """Wake those that are paused or whose worker is gone; `unbegun`: also those that nobody has begun."""
        ...

    def load(self, flow_id: str, number: int) -> CopyPage | None:
        """One page; None where there is none."""
        ...


class PageManifests(Protocol):
    """The lists of blobs that a copy works on, by flow and number: what was listed once is what is copied.

    They are private to the participant. Raises EffectFailed STORAGE_UNAVAILABLE.
    """

    def keep(self, flow_id: str, number: int, content: bytes) -> bytes:
        """Keep a list where there is none of that number; what is kept under it, which may be an earlier one."""
        ...

    def read(self, flow_id: str, number: int) -> bytes | None:
        """A list that was kept; None where there is none."""
        ...

    def flows(self) -> Iterator[str]:
        """The flows of which there are lists."""
        ...

    def forget(self, flow_id: str) -> None:
        """Remove all lists of a flow."""
        ...
