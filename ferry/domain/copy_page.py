"""CopyPage: a part of a large copy that one worker does on its own: some blobs of a listed page, or blocks of one."""

from dataclasses import dataclass
from enum import StrEnum

from ferry.domain.process import JsonObject, Process


class CopyPageState(StrEnum):
    """States of a CopyPage. PAUSED: its flow is suspended. ENDED: its flow was over before it was done."""

    COPYING = "COPYING"
    PAUSED = "PAUSED"
    COPIED = "COPIED"
    FAILED = "FAILED"
    ENDED = "ENDED"


COPY_PAGE_FINAL = frozenset({CopyPageState.COPIED, CopyPageState.FAILED, CopyPageState.ENDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyPage(Process):
    """The blobs `first` to `last` (exclusive) of the listed page `listing` of a flow; `number` counts a flow's pages.

    `first_block` and `last_block` (exclusive) are those of its only blob, where several pages share a very large one;
    `commits`: the blocks of its only blob are all staged by other pages, from number `waits_from` on, and this one
    commits them. `was_begun`: an earlier attempt at the whole flow may have written some of its blobs. `checkpoint` is
    where it stands; `paused_attempt` that of the worker that stopped since the flow was suspended.
    """

    state: CopyPageState
    flow_id: str
    number: int
    listing: int
    first: int
    last: int
    first_block: int | None = None
    last_block: int | None = None
    commits: bool = False
    waits_from: int = 0
    was_begun: bool = False
    checkpoint: JsonObject | None = None
    paused_attempt: int = 0

    @property
    def state_name(self) -> str:
        """The name of the state."""
        return self.state.value

    @property
    def is_final(self) -> bool:
        """COPIED, FAILED or ENDED."""
        return self.state in COPY_PAGE_FINAL

    @property
    def is_indexed(self) -> bool:
        """Its flow looks after it."""
        return False


def copy_page_id(flow_id: str, number: int) -> str:
    """The id of a flow's page of that number: whoever lists a page again begins the same ones."""
    return f"{flow_id}-page-{number}"
