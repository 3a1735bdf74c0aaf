"""The pages of the large copies of one data plane: looked at from the queue, and gone with their flows."""

from dataclasses import dataclass, replace

from ferry.control_plane.engine import Engine
from ferry.control_plane.process_service import ProcessService
from ferry.domain.copy_page import CopyPage, copy_page_id
from ferry.domain.data_flow import DataFlow
from ferry.domain.faults import NotFound
from ferry.ports.copy_work import PageManifests

# So many pages of a flow leave at a time.
LEAVING_PAGES = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class PageService(ProcessService[CopyPage]):
    """The pages of one data plane. `flows` are what they are of, `manifests` the lists that they copy from."""

    flows: Engine[DataFlow]
    manifests: PageManifests

    def leave(self, flow_id: str) -> bool:
        """Let the pages of a flow leave, and its lists; False where some of them must wait for the next time."""
        try:
            flow = self.flows.load(flow_id)
        except NotFound:
            return True
        pages = flow.pages
        if pages is None:
            return True
        until = min(pages.begun, pages.left + LEAVING_PAGES)
        for number in range(pages.left, until):
            self.engine.store.delete(copy_page_id(flow_id, number))
        if until < pages.begun:
            self.flows.amend(flow_id, lambda flow: _left(flow, until))
            return False
        # Those that a slice has begun whose cursor was never saved.
        while self.engine.store.load(copy_page_id(flow_id, until)) is not None:
            self.engine.store.delete(copy_page_id(flow_id, until))
            until += 1
        self.manifests.forget(flow_id)
        return True

    def sweep(self) -> None:
        """Remove the pages and lists of flows that are not there any more."""
        for flow_id in self.manifests.flows():
            if self.flows.store.load(flow_id) is not None:
                continue
            number = 0
            while self.engine.store.load(copy_page_id(flow_id, number)) is not None:
                self.engine.store.delete(copy_page_id(flow_id, number))
                number += 1
            self.manifests.forget(flow_id)


def _left(flow: DataFlow, until: int) -> DataFlow | None:
    return None if flow.pages is None else replace(flow, pages=replace(flow.pages, left=until))
