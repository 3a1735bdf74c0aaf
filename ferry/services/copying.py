"""Composition of the copies of a participant: the engine that moves the bytes, its flows, and their pages."""

from collections.abc import Callable
from dataclasses import dataclass

from ferry.control_plane.engine import Engine
from ferry.control_plane.page_decisions import PageRules
from ferry.control_plane.pages import PageService
from ferry.data_plane.copy_ends import CopyOptions, CopyServices
from ferry.data_plane.copy_page import PageCopier
from ferry.data_plane.copy_runner import CopyRunner
from ferry.data_plane.copying.engine import CopyEngine
from ferry.domain.copy_page import CopyPage
from ferry.domain.data_flow import DataFlow
from ferry.domain.process import IntentKind
from ferry.effects.copies import Copying, CopyPageDesk, PageCopying
from ferry.services.accounts import account_directory
from ferry.services.outside import Outside
from ferry.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Copies:
    """How a participant copies: the COPY of its flows, and their pages, once the engine of the flows is there."""

    engine: CopyEngine
    copying: Copying
    pages: Callable[[], PageService]


def copies(settings: Settings, outside: Outside, flows: Callable[[], Engine[DataFlow]]) -> Copies:
    """The copies of one participant. `flows` is asked for when the first page is copied."""
    made: list[PageService] = []

    def pages() -> PageService:
        if not made:
            made.append(_page_service(settings, outside, services, flows))
        return made[0]

    services = CopyServices(
        engine=CopyEngine(at_close=outside.sides.close),
        sides=outside.sides,
        writer=outside.blobs,
        vault=outside.vault,
        accounts=account_directory(settings, outside),
        manifests=outside.manifests,
        desk=CopyPageDesk(engine=lambda: pages().engine, queue=outside.queue),
        clock=outside.clock,
        options=CopyOptions(page_blobs=settings.copy_page_blobs, sas_grace_seconds=settings.sas_grace_seconds),
    )
    return Copies(engine=services.engine, copying=Copying(runner=CopyRunner(services), engine=flows), pages=pages)


def _page_service(
    settings: Settings, outside: Outside, services: CopyServices, flows: Callable[[], Engine[DataFlow]]
) -> PageService:
    copying = PageCopying(runner=PageCopier(services), pages=lambda: engine, flows=flows, queue=outside.queue)
    engine = Engine[CopyPage](
        kind="CopyPage",
        store=outside.pages,
        queue=outside.queue,
        rules=PageRules(),
        performers={IntentKind.COPY: copying.copy, IntentKind.TELL_FLOW: copying.tell_end},
        clock=outside.clock,
        ids=outside.ids,
        limits=settings.limits,
        janitor_seconds=settings.janitor_seconds,
    )
    return PageService(engine=engine, flows=flows(), manifests=outside.manifests)
