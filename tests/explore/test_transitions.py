"""The table of a push's steps, which the reference shows, is what all orders lead to."""

import pytest

from ferry.domain.message_kind import Role
from ferry.domain.states import TransferState
from tests.explore.explorer import Explorer
from tools.reference.transitions import push_edges

pytestmark = pytest.mark.model

STATES, WALKS, LONGEST_WALK = 15_000, 300, 45
_S = TransferState
# Rare, or brought about by other connectors alone.
MAY_STAY_UNSEEN = {
    (Role.CONSUMER, _S.RESUMING, _S.COMPLETING),
    (Role.CONSUMER, _S.SUSPENDING, _S.STARTED),
    (Role.PROVIDER, _S.STARTED, _S.COMPLETED),
    (Role.PROVIDER, _S.SUSPENDING, _S.COMPLETED),
    (Role.PROVIDER, _S.RESUMING, _S.COMPLETED),
}


def taken(explorer: Explorer) -> set[tuple[Role, TransferState, TransferState]]:
    """The steps that were taken. A consumer that finds all there passes COMPLETING within one commit."""
    found: set[tuple[Role, TransferState, TransferState]] = set()
    for before, after in explorer.documents.legal:
        first, last = explorer.documents.at(before), explorer.documents.at(after)
        is_found = last.role is Role.CONSUMER and last.state is _S.COMPLETED
        if first.state is not last.state:
            found.add(
                (last.role, first.state, _S.COMPLETING if is_found and first.state is not _S.COMPLETING else last.state)
            )
    return found


@pytest.mark.timeout(300)
def test_push_goes_where_the_table_leads_and_nowhere_else() -> None:
    found: set[tuple[Role, TransferState, TransferState]] = set()
    for pauses in (False, True):
        for explore in ("explore", "wander"):
            explorer = Explorer(pauses=pauses)
            if explore == "explore":
                explorer.explore(states=STATES)
            else:
                explorer.wander(walks=WALKS, longest=LONGEST_WALK, seed=1)
            found |= taken(explorer)

    told = {(role, before, after) for role in Role for before, to in push_edges(role).items() for after in to}
    assert found - told == set()
    assert told - found <= MAY_STAY_UNSEEN
