"""Copies that are shared among workers by pages: five blobs, two a page, and what can happen to one of the pages."""

from collections.abc import Callable

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.control_plane.transfers import provider_pid_of
from ferry.domain.copy_page import copy_page_id
from ferry.domain.decision import CommandKind
from ferry.ports.work import Lane, LookMessage
from tests.crash.scenarios import SERVER_COPIES, Scenario, deprovision, end, note
from tests.crash.stage import TRANSFER_ID, Stage

BLOBS = {
    f"data/{number}-{word}.txt": word.encode() for number, word in enumerate(("one", "two", "three", "four", "five"))
}
MIDDLE = "data/2-three.txt"
TINY_PAGES = {"FERRY_COPY_PAGE_BLOBS": "2"}


def shared(stage: Stage) -> None:
    stage.agree()
    stage.start()
    end(stage)


def retention(stage: Stage) -> None:
    stage.agree()
    stage.start()
    stage.settle()
    stage.command(CommandKind.DEPROVISION)
    stage.settle()
    stage.pass_retention()
    note(stage)


def repeated_messages(stage: Stage) -> None:
    """Messages about pages come twice, too late, and about pages that do not exist; a worker stalls meanwhile."""
    stage.agree()
    flow_id = provider_pid_of("consumer", TRANSFER_ID)

    def repeat() -> None:
        queue = stage.provider.outside.queue
        for number in (0, 1, 1, 2, 9):
            queue.send(LookMessage(Lane.COPY_PAGE, copy_page_id(flow_id, number)), delay_seconds=0)
        stage.world.clock.advance(20)
        stage.run_twin_of_provider()

    once_in_the_middle(stage, repeat)
    stage.start()
    end(stage)


def suspended(stage: Stage) -> None:
    """In the middle of the second page: it stops there, and goes on there."""
    stage.agree()

    def suspend() -> None:
        stage.world.clock.advance(2)
        stage.command(CommandKind.SUSPEND, "provider")

    once_in_the_middle(stage, suspend)
    stage.start()
    stage.settle(lambda it: it.state() == it.state("provider") == "SUSPENDED")
    stage.command(CommandKind.RESUME, "provider")
    end(stage)


def terminated(stage: Stage) -> None:
    stage.agree()

    def terminate() -> None:
        stage.world.clock.advance(2)
        stage.command(CommandKind.TERMINATE, "provider")

    once_in_the_middle(stage, terminate)
    stage.start()
    end_of_failure(stage)


def changed(stage: Stage) -> None:
    """A blob changes after it was listed, whenever its page is copied."""
    stage.agree()

    def hook(request: MemoryRequest) -> None:
        if request.operation in SERVER_COPIES and request.blob_name == MIDDLE:
            stage.cloud.add_blob(stage.account("provider"), "source", MIDDLE, b"another three")

    stage.before_request(hook)
    stage.start()
    end_of_failure(stage)


def end_of_failure(stage: Stage) -> None:
    """How many of the blobs had come when it failed is a matter of moments; that nothing of them is left is not."""
    stage.settle()
    deprovision(stage)
    note(stage)


def once_in_the_middle(stage: Stage, act: Callable[[], None]) -> None:
    """Do something the first time that the third blob is being copied."""
    is_done = False

    def hook(request: MemoryRequest) -> None:
        nonlocal is_done
        if request.operation in SERVER_COPIES and request.blob_name == MIDDLE and not is_done:
            is_done = True
            act()

    stage.before_request(hook)


def _scenario(name: str, play: Callable[[Stage], None], *expected: str, has_plane: bool = False) -> Scenario:
    shown = expected or ("COMPLETED", "DEPROVISIONED")
    # Each page does what the others do: what happens to the third time says nothing new.
    return Scenario(name, play, shown, has_plane=has_plane, blobs=BLOBS, settings=TINY_PAGES, repeats=4)


SHARED_COPIES: tuple[Scenario, ...] = (
    _scenario("shared copy", shared),
    _scenario("shared copy at a data plane in another app", shared, has_plane=True),
    _scenario("shared copy, retention", retention, ""),
    _scenario("shared copy, messages repeated and a worker stalled", repeated_messages),
    _scenario("shared copy, suspended in a page", suspended),
    _scenario(
        "shared copy, terminated in a page",
        terminated,
        "DEPROVISIONED TERMINATED_BY_CLIENT",
    ),
    _scenario("shared copy, a blob has changed", changed, "DEPROVISIONED SOURCE_CHANGED"),
)
