"""One run: offers, many transfers at once, kills for a while, and a look at everything when all have ended."""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

from azure.storage.blob import BlobServiceClient

from ferry.cli.blob_checks import create_container
from ferry.cli.hosts import HostKind
from ferry.cli.leftovers import vault_contents
from ferry.cli.management import ManagementClient
from ferry.cli.stack import CONSUMER, PROVIDER, LocalStack, StackOptions
from tests.kill import ending
from tests.kill.client import Order, StubbornClient
from tests.kill.ending import COMPLETED, Before, Ending
from tests.kill.killer import Killer
from tests.kill.offers import Offered, offer_all
from tests.kill.report import KillOptions, KillReport

FINAL_STATES = frozenset({COMPLETED, "TERMINATED"})
# Longer than the goal, so that a run that misses it says by how much.
_PATIENCE_SECONDS = 240.0
_CLEANING_SECONDS = 60.0
_POLL_SECONDS = 0.25
_EVERY_UNMANAGED = 5

type Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """A stack with clients for both sides, and the consumer's account as its owner sees it."""

    stack: LocalStack
    clients: Mapping[str, StubbornClient]
    inbox: BlobServiceClient

    @classmethod
    def opened(cls, exits: ExitStack, host: HostKind) -> Self:
        """A new one, which ends with `exits`."""
        stack = exits.enter_context(LocalStack.start(StackOptions(host=host)))
        clients: dict[str, StubbornClient] = {}
        for side in (CONSUMER, PROVIDER):
            process = stack.participant(side)
            management = ManagementClient(process.management_url, process.api_key)
            clients[side] = StubbornClient(exits.enter_context(management))
        return cls(stack, clients, exits.enter_context(stack.blobs(CONSUMER)))


def run_kills(options: KillOptions, *, said: Said) -> KillReport:
    """One run on a stack of its own; its logs are kept where something is wrong."""
    report = KillReport(options)
    with ExitStack() as exits:
        scene = Scene.opened(exits, options.host)
        consumer, provider = scene.clients[CONSUMER], scene.clients[PROVIDER]
        offered = offer_all(scene.stack, consumer.management, provider.management, seed=options.seed)
        orders = _orders(scene.inbox, offered, options)
        before = Before(vault_contents(scene.stack), ending.containers_of(scene.inbox))
        sides = (scene.stack.consumer, scene.stack.provider)
        killer = Killer(sides, seconds=options.kill_seconds, seed=options.seed)
        begun_at = datetime.now(UTC)
        ids = _started_under_fire(scene, orders, killer, said)
        _follow(scene, ids, deadline=killer.last_kill_at + _PATIENCE_SECONDS)
        endings = _endings(scene, orders, ids, report)
        _judge(scene, before, endings, report)
        report.note_times(endings, begun_at=begun_at, last_kill_at=_wall(killer.last_kill_at))
        report.clean_seconds_after_kill = time.monotonic() - killer.last_kill_at
        report.killings = killer.killings
        report.faults += [f"the {it.process.name} ended by itself" for it in killer.killings if it.ended_by_itself]
        report.repeated_requests = consumer.repeated + provider.repeated
        if report.faults or options.keep_logs:
            scene.stack.keep_folder = True
            said(f"the logs are kept in {scene.stack.folder}")
    return report


def _orders(inbox: BlobServiceClient, offered: Sequence[Offered], options: KillOptions) -> list[Order]:
    """Every fifth transfer goes into a container that exists already."""
    orders: list[Order] = []
    for number in range(options.transfers):
        container = f"inbox-{number}" if number % _EVERY_UNMANAGED == 0 else ""
        if container:
            create_container(inbox, container, {})
        key = f"{options.seed}-{number}"
        orders.append(Order(key, offered[number % len(offered)], container, str(inbox.account_name)))
    return orders


def _started_under_fire(scene: Scene, orders: Sequence[Order], killer: Killer, said: Said) -> list[str]:
    """The ids of the transfers; all are asked for at once, and the first kill may come before the first answer."""
    provider_url = scene.stack.provider.protocol_url
    with ThreadPoolExecutor(len(orders), thread_name_prefix="client") as pool:
        starting = [pool.submit(scene.clients[CONSUMER].start, order, provider_url) for order in orders]
        said(f"{len(orders)} transfers asked for at once")
        killer.run()
        said(f"processes killed {sum(len(it.killed_at) for it in killer.killings)} times; they run again")
        return [future.result() for future in starting]


def _follow(scene: Scene, ids: Sequence[str], *, deadline: float) -> None:
    """Return when all are final on both sides, or when the time is over. It asks for one at a time: asking costs."""
    waiting = deque((CONSUMER, transfer_id) for transfer_id in ids)
    while waiting and time.monotonic() < deadline:
        side, transfer_id = waiting[0]
        view = scene.clients[side].transfer(transfer_id)
        if view.state not in FINAL_STATES:
            time.sleep(_POLL_SECONDS)
            continue
        waiting.popleft()
        if side == CONSUMER and view.correlation_id is not None:
            waiting.append((PROVIDER, view.correlation_id))


def _endings(scene: Scene, orders: Sequence[Order], ids: Sequence[str], report: KillReport) -> list[Ending]:
    endings: list[Ending] = []
    for order, transfer_id in zip(orders, ids, strict=True):
        view = scene.clients[CONSUMER].transfer(transfer_id)
        if view.correlation_id is None:
            report.faults.append(f"transfer {transfer_id} is {view.state}, and has no process at the provider")
        else:
            endings.append(Ending(order, view, scene.clients[PROVIDER].transfer(view.correlation_id)))
    return endings


def _judge(scene: Scene, before: Before, endings: Sequence[Ending], report: KillReport) -> None:
    for each in endings:
        report.faults += ending.transfer_faults(scene.inbox, each)
    ids = {side: client.transfer_ids() for side, client in scene.clients.items()}
    report.faults += ending.doubles(scene.stack, ids, endings)
    containers = frozenset(each.container for each in endings)
    until = time.monotonic() + _CLEANING_SECONDS
    # What was COMPLETED a moment ago is being cleaned up now.
    while left := list(ending.leftovers(scene.stack, scene.inbox, before, containers)):
        if time.monotonic() > until:
            report.faults += left
            return
        time.sleep(_POLL_SECONDS)


def _wall(monotonic_at: float) -> datetime:
    return datetime.fromtimestamp(time.time() - time.monotonic() + monotonic_at, UTC)
