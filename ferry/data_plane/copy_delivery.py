"""The end of a copy: what was delivered, and the marker that says so, written once, last (step 12)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ferry.data_plane.copy_cursor import CopyCheckpoint, Cursor, Recount
from ferry.data_plane.copy_ends import STEP_MARKER, STEP_WRITE, CopyEnds, CopyServices, Naming
from ferry.data_plane.copying.blocks import block_bytes_of
from ferry.data_plane.copying.engine import CopyStopped
from ferry.data_plane.copying.page import PageState
from ferry.data_plane.listed_page import Cut, cut, decode
from ferry.data_plane.manifest import CONTENT_TYPE, DeliveryTally
from ferry.data_plane.sides import at_step
from ferry.domain.data_flow import DataFlow, FlowPages
from ferry.domain.faults import EffectFailed, FaultCode
from ferry.domain.process import Json, JsonObject
from ferry.ports.copy_work import CopyWatch
from ferry.ports.copying import BlobTarget
from ferry.ports.storage import BlobPage

# Up to so many blobs their names may fit into the marker, so the lists are read once more for them.
NAMED_BLOBS = 20_000


@dataclass(frozen=True, slots=True)
class Delivered:
    """What was delivered: the tally, which ways blobs took, what could not be kept, the hashes of the lists."""

    tally: DeliveryTally
    methods: Mapping[str, int] = field(default_factory=dict[str, int])
    not_kept: Mapping[str, int] = field(default_factory=dict[str, int])
    lists: tuple[str, ...] = ()


def deliver(services: CopyServices, ends: CopyEnds, flow: DataFlow, delivered: Delivered) -> JsonObject:
    """Write the marker; the result of the whole copy but for its steps. Raises EffectFailed of step 12."""
    tally, marker = delivered.tally, flow.target.marker
    manifest = tally.manifest(consumer_pid=flow.consumer_pid, provider_pid=flow.id, agreement_id=flow.agreement_id)
    content = manifest.with_remarks(lists=delivered.lists, not_kept=delivered.not_kept).encode()
    with at_step(STEP_MARKER):
        # A marker that exists is ours: it is written once per flow, and what it says is checked by the consumer.
        try:
            services.writer.put_bytes(_marker(ends, flow), content, CONTENT_TYPE)
        except EffectFailed as failed:
            if failed.fault.code != FaultCode.SAS_REFUSED or not ends.renew():
                raise
            services.writer.put_bytes(_marker(ends, flow), content, CONTENT_TYPE)
    ends.note(STEP_MARKER)
    methods: dict[str, Json] = dict(delivered.methods)
    summary: JsonObject = {
        "blobs": tally.blobs,
        "bytes": tally.size_bytes,
        "root": tally.root,
        "marker": marker,
        "methods": methods,
    }
    return {"finished": True, "summary": summary, "steps": ends.steps_json()}


def deliver_pages(
    services: CopyServices, ends: CopyEnds, flow: DataFlow, checkpoint: CopyCheckpoint, watch: CopyWatch
) -> JsonObject:
    """Write the marker of a copy whose pages are all done; where sizes have changed, or names fit, the lists decide."""
    cursor, pages = checkpoint.cursor or Cursor(), flow.pages or FlowPages()
    ends.note(STEP_WRITE)
    tally = cursor.tally
    if pages.has_changes or tally.blobs <= NAMED_BLOBS:
        recount = checkpoint.recount = checkpoint.recount or Recount()
        if not _recounted(services, flow, checkpoint, recount, watch):
            return {"finished": False, "checkpoint": checkpoint.to_json()}
        tally = recount.tally
    delivered = Delivered(
        tally, methods=_counts(pages.methods), not_kept=_counts(pages.not_kept), lists=tuple(cursor.hashes or ())
    )
    return deliver(services, ends, flow, delivered)


def kept_list(services: CopyServices, flow: DataFlow, number: int) -> BlobPage:
    """A list that was kept. Raises EffectFailed UNEXPECTED where it is gone."""
    content = services.manifests.read(flow.id, number)
    if content is None:
        raise EffectFailed.because(
            FaultCode.UNEXPECTED,
            f"the list {number} of flow {flow.id} is not there any more; start the transfer again",
            step=STEP_WRITE,
        )
    return decode(content)


def cuts_of(services: CopyServices, listed: BlobPage) -> list[Cut]:
    """The pages to copy of a list."""
    options = services.options
    return cut(listed, page_blobs=options.page_blobs, page_bytes=options.page_bytes, block_bytes=block_bytes_of)


def _recounted(
    services: CopyServices, flow: DataFlow, checkpoint: CopyCheckpoint, recount: Recount, watch: CopyWatch
) -> bool:
    """Whether all lists were read again, with the sizes of the versions that were copied; False: the slice is over."""
    cursor, options = checkpoint.cursor or Cursor(), services.options
    began_at = saved_at = services.clock.now().timestamp()
    while recount.listing < cursor.listing:
        listed = kept_list(services, flow, recount.listing)
        naming = Naming.of(flow.target, listed, is_first=recount.listing == 0)
        cuts = cuts_of(services, listed)
        changed = _changed(services, flow, cuts, recount.pages)
        for index, item in enumerate(listed.items):
            recount.tally.add(naming.target_name(item), changed.get(index, item.size_bytes))
        recount.listing += 1
        recount.pages += len(cuts)
        now = services.clock.now().timestamp()
        if now - began_at >= options.slice_seconds:
            return recount.listing >= cursor.listing
        if now - saved_at >= options.heartbeat_seconds:
            saved_at = now
            if not watch.save(checkpoint.to_json()):
                raise CopyStopped
    return True


def _changed(services: CopyServices, flow: DataFlow, cuts: list[Cut], first_page: int) -> dict[int, int]:
    """The sizes of the blobs of a list that were copied at another version than the listed one, by place."""
    changed: dict[int, int] = {}
    if flow.pages is None or not flow.pages.has_changes:
        return changed
    for number, part in enumerate(cuts, first_page):
        page = services.desk.load(flow.id, number)
        saved = (page.checkpoint or {}).get("page") if page is not None else None
        state = PageState.from_json(saved if isinstance(saved, dict) else None)
        changed |= {part.first + index: size_bytes for index, size_bytes in state.changed.items()}
    return changed


def _marker(ends: CopyEnds, flow: DataFlow) -> BlobTarget:
    return BlobTarget(ends.endpoint, flow.target.container, flow.target.marker, ends.token.sas)


def _counts(counts: JsonObject) -> dict[str, int]:
    return {name: count for name, count in counts.items() if isinstance(count, int)}
