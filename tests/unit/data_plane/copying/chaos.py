"""Whole copies with planned mishaps, changing sources, stops and slices; and what must be true after each of them."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.adapters.memory_sides import Mishap
from ferry.data_plane.copying.blocks import BlockPlan
from ferry.data_plane.copying.engine import CopyStopped
from ferry.data_plane.copying.page import PageOrder, PageState
from ferry.domain.faults import EffectFailed
from ferry.ports.blob_sides import WireAnswer
from ferry.ports.storage import SourceBlob
from tests.unit.data_plane.copying.stage import KIB, Stage
from tests.unit.data_plane.copying.watched import WatchedDestination, WatchedSource

SIZES = (0, 1, 100, KIB, 2 * KIB, 2 * KIB + 1, 30 * KIB, 64 * KIB, 65 * KIB, 200 * KIB)
MISHAPS = (
    Mishap(),
    Mishap(is_carried_out=True),
    Mishap(WireAnswer(500)),
    Mishap(WireAnswer(500, "InternalError"), is_carried_out=True),
    Mishap(WireAnswer(500, "OperationTimedOut"), is_carried_out=True),
    Mishap(WireAnswer(502)),
    Mishap(WireAnswer(503, "ServerBusy")),
    Mishap(WireAnswer(503)),
    Mishap(WireAnswer(429, headers={"retry-after": "0"})),
    Mishap(WireAnswer(408)),
)
SOURCE_MISHAP = Mishap(WireAnswer(409, "CannotVerifyCopySource", {"x-ms-copy-source-status-code": "503"}))
_ROUNDS = 12


@dataclass(frozen=True, slots=True)
class Plan:
    """One story. Shares are of requests; `stops` tells after which of them the copy is stopped and resumed."""

    seed: int
    sizes: tuple[int, ...]
    kinds: tuple[str, ...] = ("BlockBlob",)
    mishap_share: float = 0.1
    change_share: float = 0.0
    stops: tuple[int, ...] = ()
    offered: frozenset[str] | None = None
    gives_urls: bool = True
    takes_changes: bool = True
    may_list: bool = False
    foreign: bool = False
    is_unpinned: bool = False
    overwrites: bool = False


@dataclass(slots=True)
class Story:
    """What happened: all versions that each blob had, the blocks that were sent, and the faults that ended runs."""

    stage: Stage
    versions: dict[str, list[bytes]]
    source: WatchedSource
    destination: WatchedDestination
    blobs: list[SourceBlob]
    state: PageState = field(default_factory=PageState)
    faults: list[str] = field(default_factory=list[str])
    resent: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])
    foreign: dict[str, bytes] = field(default_factory=dict[str, bytes])

    def check(self) -> None:
        """Raise AssertionError where a blob is torn, missing, or somebody else's was overwritten."""
        for index, blob in enumerate(self.blobs):
            arrived = self.stage.arrived.get(blob.target_name)
            if blob.target_name in self.foreign:
                assert arrived is not None
                assert arrived.content == self.foreign[blob.target_name], "a blob of somebody else was overwritten"
                continue
            assert arrived is not None or index not in self.state.done, f"{blob.target_name} is told done and missing"
            if arrived is not None and (arrived.blob_type == "BlockBlob" or index in self.state.done):
                assert arrived.content in self.versions[blob.item.name], f"{blob.target_name} is torn"
        assert not self.resent, "blocks were sent again that the state knew to be staged"
        assert self.source.held.peak <= self.stage.engine.options.memory_bytes, "the byte budget was exceeded"

    @property
    def is_complete(self) -> bool:
        """Whether every blob is done."""
        return len(self.state.done) == len(self.blobs)


def play(plan: Plan) -> Story:
    """Copy, with everything that the plan has in store, until it is done or fails for good."""
    chance = random.Random(plan.seed)
    stage = Stage(gives_urls=plan.gives_urls, sas="cwrl" if plan.may_list else "cw")
    try:
        return _play(plan, stage, chance)
    finally:
        stage.close()


def _play(plan: Plan, stage: Stage, chance: random.Random) -> Story:
    if plan.offered is not None:
        stage.cloud.server_side = plan.offered
    story = _set_up(plan, stage)
    asked = 0

    def mishap(request: MemoryRequest) -> Mishap | None:
        nonlocal asked
        asked += 1
        if chance.random() < plan.change_share:
            _change(story, chance)
        if chance.random() >= plan.mishap_share:
            return None
        return chance.choice((*MISHAPS, SOURCE_MISHAP) if request.operation.endswith("From URL") else MISHAPS)

    stage.sides.mishap = mishap

    def _until(at: int | None) -> Callable[[], bool]:
        return lambda: at is None or asked < at

    stops = list(plan.stops)
    for number in range(_ROUNDS):
        stop_at = asked + stops.pop(0) if stops else None
        order = stage.order(
            story.blobs,
            source=story.source,
            destination=story.destination,
            was_begun=number > 0 and not plan.foreign,
            takes_changes=plan.takes_changes,
            may_list=plan.may_list,
        )
        if not _goes_on(story, order, _until(stop_at)):
            break
    return story


def _set_up(plan: Plan, stage: Stage) -> Story:
    blobs = list[SourceBlob]()
    for number, size_bytes in enumerate(plan.sizes):
        kind = plan.kinds[number % len(plan.kinds)]
        unit = 512 if kind == "PageBlob" else 1
        blobs.append(stage.add_random(f"b{number}", size_bytes // unit * unit, blob_type=kind))
    versions = {blob.item.name: [stage.source_blobs[blob.item.name].content] for blob in blobs}
    destination = WatchedDestination(stage.destination, is_unpinned=plan.is_unpinned, overwrites=plan.overwrites)
    story = Story(stage, versions, WatchedSource(stage.source), destination, blobs)
    if plan.foreign and blobs:
        name = blobs[len(blobs) // 2].target_name
        story.foreign[name] = b"somebody else's"
        stage.cloud.add_blob(stage.target_account, "to", name, b"somebody else's")
    return story


def _goes_on(story: Story, order: PageOrder, is_wanted: Callable[[], bool]) -> bool:
    """One run; whether another one may get further."""
    known = dict[tuple[str, str], int]()
    for index, staged in story.state.staged.items():
        plan = _block_ids(story, index, staged.etag, staged.block_bytes)
        known |= {
            (story.blobs[index].target_name, plan[block]): story.destination.sent[
                story.blobs[index].target_name, plan[block]
            ]
            for block in staged.blocks
        }
    state = PageState.from_json(story.state.to_json())
    try:
        is_done = story.stage.engine.run(order, state, tell=lambda _: is_wanted(), tell_seconds=0.002)
    except CopyStopped:
        is_done = False
    except EffectFailed as failed:
        story.faults.append(failed.fault.code)
        is_done = not failed.fault.retryable
    story.state = state
    story.resent |= {key for key, count in known.items() if story.destination.sent[key] > count}
    return not is_done


def _block_ids(story: Story, index: int, etag: str, block_bytes: int) -> list[str]:
    """The ids of a blob's blocks as the engine names them."""
    blob = story.blobs[index]
    return BlockPlan(SourceBlob(replace(blob.item, etag=etag), blob.target_name), block_bytes).ids()


def _change(story: Story, chance: random.Random) -> None:
    """Another version of some blob, of the same size."""
    blob = chance.choice(story.blobs)
    name, old = blob.item.name, story.stage.source_blobs[blob.item.name]
    content = chance.randbytes(len(old.content))
    new = replace(story.stage.cloud.new_blob(content, old.headers), blob_type=old.blob_type)
    story.versions[name].append(content)
    story.stage.source_blobs[name] = new
