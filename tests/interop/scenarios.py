"""What is played in each direction, and what each side's own API and the two accounts must show at its end."""

import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from ferry.cli.blob_checks import container_exists
from ferry.cli.management import TRANSFER_TYPE, JsonObject
from tests.interop.lane import (
    ENDED,
    NEGOTIATIONS,
    POLL_SECONDS,
    TRANSFERS,
    Goods,
    Lane,
    Ordered,
    Unexpected,
    as_list,
    member,
    told,
)
from tests.interop.lane import joined_digest as joined
from tests.interop.stage import FERRY, Party

AT_ONCE = 50
_ASKING_AT_ONCE = 10
_ALL_SECONDS = 180.0
_FINALIZED, _STARTED = frozenset({"FINALIZED"}), frozenset({"STARTED"})
# EDC's provider cleans up after itself at once, and then shows this in place of how it ended.
_COMPLETED = frozenset({"COMPLETED", "DEPROVISIONED"})
_TERMINATED = frozenset({"TERMINATED", "DEPROVISIONED"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a scenario ended: what each side's API said, what lies in both accounts, POST to end in seconds.

    `forgotten`: how many transfers EDC as provider never ended, and that were asked for again.
    """

    provider_said: str
    consumer_said: str
    source: str = ""
    destination: str = ""
    seconds: tuple[float, ...] = ()
    forgotten: int = 0


@dataclass(frozen=True, slots=True)
class Supplies:
    """What the provider of a lane has to give."""

    one: Goods
    many: Goods
    small: Goods
    gone: Goods


@dataclass(frozen=True, slots=True)
class _Ended:
    """Transfers at their end, seconds from each POST to it, and how many before were forgotten by EDC."""

    orders: list[Ordered]
    seconds: tuple[float, ...]
    forgotten: int


type Scenario = Callable[[Lane, Supplies, int], Outcome]


def supplies(lane: Lane) -> Supplies:
    """Put blobs into the provider's account and offer them."""
    chance = random.Random(lane.name)
    nested = {f"many/{folder}/{number}.bin": chance.randbytes(4096) for folder in "abc" for number in range(4)}
    gone = lane.offered("gone", {"a/gone.bin": b"gone"}, {"blobName": "a/gone.bin"})
    # The asset stays on offer, and there is nothing behind it any more.
    lane.provider.blobs.get_blob_client(gone.container, "a/gone.bin").delete_blob()
    return Supplies(
        one=lane.offered("one", {"a/one.bin": chance.randbytes(1024 * 1024)}, {"blobName": "a/one.bin"}),
        many=lane.offered("many", nested, {"blobPrefix": "many/"}),
        small=lane.offered("small", {"a/small.bin": chance.randbytes(1024)}, {"blobName": "a/small.bin"}),
        gone=gone,
    )


def catalog(lane: Lane, goods: Supplies, _run: int) -> Outcome:
    """The consumer sees every asset with an offer and the format that moves it, in the catalog and alone."""
    listed = {str(it["@id"]): it for it in as_list(member(lane.catalog(), "dataset"))}
    for wanted in (goods.one, goods.many, goods.small, goods.gone):
        for shown in (listed.get(wanted.asset_id), lane.dataset(wanted.asset_id)):
            if shown is None or TRANSFER_TYPE not in _formats(shown) or not as_list(member(shown, "hasPolicy")):
                raise Unexpected(f"{lane.consumer.name} shows no offer of {wanted.asset_id} for {TRANSFER_TYPE}")
    assets = as_list(lane.provider.management.call("POST", "/assets/request", {"@type": "QuerySpec", "limit": 1000}))
    return Outcome(provider_said=f"{len(assets)} assets", consumer_said=f"{len(listed)} datasets with offers")


def negotiation(lane: Lane, goods: Supplies, _run: int) -> Outcome:
    """Both sides say FINALIZED and name the same agreement."""
    begun_at = time.monotonic()
    negotiation_id = lane.begin_negotiation(goods.one.asset_id)
    consumer_said = lane.wait(lane.consumer, NEGOTIATIONS, negotiation_id, _FINALIZED)
    seconds = time.monotonic() - begun_at
    provider_id = lane.provider_id(NEGOTIATIONS, negotiation_id)
    provider_said = lane.wait(lane.provider, NEGOTIATIONS, provider_id, _FINALIZED)
    agreements = {_agreement_id(lane.provider, provider_id), _agreement_id(lane.consumer, negotiation_id)}
    if len(agreements) != 1:
        raise Unexpected(f"the two sides name different agreements: {sorted(agreements)}")
    return Outcome(provider_said=provider_said, consumer_said=consumer_said, seconds=(seconds,))


def blob(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """One blob arrives."""
    return _delivered(lane, goods.one, f"blob-{run}")


def prefix(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """All blobs below a prefix arrive under their names."""
    return _delivered(lane, goods.many, f"prefix-{run}")


def deprovision(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """The consumer has the delivery taken away again: the container that was made for it is gone."""
    ended = _ended(lane, goods.small, [f"deprovision-{run}"], _COMPLETED)
    (order,) = ended.orders
    provider_said = lane.wait(lane.provider, TRANSFERS, lane.provider_id(TRANSFERS, order.id), _COMPLETED)
    lane.consumer.management.call("POST", f"/{TRANSFERS}/{order.id}/deprovision")
    consumer_said = lane.wait(lane.consumer, TRANSFERS, order.id, frozenset({"DEPROVISIONED"}))
    if container_exists(lane.consumer.blobs, order.container):
        raise Unexpected(f"the container {order.container} is still there")
    return Outcome(provider_said=provider_said, consumer_said=consumer_said, forgotten=ended.forgotten)


def ended_by_consumer(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """The consumer ends a transfer under way."""
    return _ended_by(lane, goods, f"ended-by-consumer-{run}", lambda order, _: (lane.consumer, order.id))


def ended_by_provider(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """The provider ends a transfer under way."""
    return _ended_by(lane, goods, f"ended-by-provider-{run}", lambda _, provider_id: (lane.provider, provider_id))


def failing(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """The source is gone: both sides say that the transfer has ended, Ferry also says why; nothing is delivered."""
    ended = _ended(lane, goods.gone, [f"failing-{run}"], _TERMINATED)
    (order,) = ended.orders
    consumer_said = _ending(lane, lane.consumer, order.id)
    provider_said = _ending(lane, lane.provider, lane.provider_id(TRANSFERS, order.id))
    if delivered := lane.delivered(order.container):
        raise Unexpected(f"{lane.consumer.name} got {sorted(delivered)} from nothing")
    return Outcome(provider_said=provider_said, consumer_said=consumer_said, forgotten=ended.forgotten)


def at_once(lane: Lane, goods: Supplies, run: int) -> Outcome:
    """Many transfers of a small blob, asked for at the same time, all arrive."""
    ended = _ended(lane, goods.small, [f"at-once-{run}-{number}" for number in range(AT_ONCE)], _COMPLETED)
    for order in ended.orders:
        lane.wait(lane.provider, TRANSFERS, lane.provider_id(TRANSFERS, order.id), _COMPLETED)
    found = {joined(lane.delivered(order.container)) for order in ended.orders}
    if found != {goods.small.digest}:
        raise Unexpected(f"of {AT_ONCE} containers some do not hold what was sent: {sorted(found)}")
    said = f"{AT_ONCE} COMPLETED"
    return Outcome(
        provider_said=said,
        consumer_said=said,
        source=goods.small.digest,
        destination=found.pop(),
        seconds=ended.seconds,
        forgotten=ended.forgotten,
    )


SCENARIOS: Mapping[str, Scenario] = {
    "catalog": catalog,
    "negotiation": negotiation,
    "blob": blob,
    "prefix": prefix,
    "deprovision": deprovision,
    "ended-by-consumer": ended_by_consumer,
    "ended-by-provider": ended_by_provider,
    "failing": failing,
    "fifty": at_once,
}


def _delivered(lane: Lane, goods: Goods, container: str) -> Outcome:
    ended = _ended(lane, goods, [container], _COMPLETED)
    (order,) = ended.orders
    consumer_said = _completed(lane.show(lane.consumer, TRANSFERS, order.id))
    provider_said = lane.wait(lane.provider, TRANSFERS, lane.provider_id(TRANSFERS, order.id), _COMPLETED)
    found = lane.delivered(order.container)
    if found != goods.digests:
        raise Unexpected(f"{order.container} holds {sorted(found)}, which is not what {goods.container} holds")
    return Outcome(
        provider_said=provider_said,
        consumer_said=consumer_said,
        source=goods.digest,
        destination=joined(found),
        seconds=ended.seconds,
        forgotten=ended.forgotten,
    )


def _completed(shown: JsonObject) -> str:
    """The state, and by what Ferry has verified what arrived."""
    verified = shown.get("verification")
    return f"{shown['state']}, verification {verified}" if verified else str(shown["state"])


def _ended_by(
    lane: Lane, goods: Supplies, container: str, chosen: Callable[[Ordered, str], tuple[Party, str]]
) -> Outcome:
    with lane.stage.writes_held(container):
        order = lane.order(goods.one, container)
        lane.wait(lane.consumer, TRANSFERS, order.id, _STARTED)
        provider_id = lane.provider_id(TRANSFERS, order.id)
        lane.wait(lane.provider, TRANSFERS, provider_id, _STARTED)
        party, process_id = chosen(order, provider_id)
        lane.terminate(party, process_id, f"{party.name} has changed its mind")
        consumer_said = _ending(lane, lane.consumer, order.id)
        provider_said = _ending(lane, lane.provider, provider_id)
    return Outcome(provider_said=provider_said, consumer_said=consumer_said)


def _ending(lane: Lane, party: Party, transfer_id: str) -> str:
    state = lane.wait(party, TRANSFERS, transfer_id, _TERMINATED)
    reason = told(lane.show(party, TRANSFERS, transfer_id))
    if party.name == FERRY and not reason:
        raise Unexpected(f"{party.name} shows {state} and does not say why")
    return f"{state}: {reason}" if reason else state


def _ended(lane: Lane, goods: Goods, containers: list[str], wanted: frozenset[str]) -> _Ended:
    """Transfers asked for at the same time, when the consumer shows them all in one of the states.

    What EDC has forgotten is ended by the consumer and asked for again, as its operators do. Raises Unexpected.
    """
    lane.agreement(goods.asset_id)
    with ThreadPoolExecutor(_ASKING_AT_ONCE) as pool:
        waiting = list(pool.map(lane.order, [goods] * len(containers), containers))
    deadline = time.monotonic() + _ALL_SECONDS
    ended, seconds, forgotten = list[Ordered](), list[float](), 0
    while waiting:
        for order in tuple(waiting):
            state = lane.state(lane.consumer, TRANSFERS, order.id)
            if state in wanted:
                ended.append(order)
                seconds.append(time.monotonic() - order.at)
                waiting.remove(order)
            elif state in ENDED or time.monotonic() > deadline:
                reason = told(lane.show(lane.consumer, TRANSFERS, order.id))
                raise Unexpected(f"{lane.consumer.name} shows {state}, {len(waiting)} are left: {reason}")
            elif lane.is_forgotten(order):
                lane.terminate(lane.consumer, order.id, "the provider has forgotten it")
                waiting[waiting.index(order)] = lane.order(goods, f"{order.container}-again")
                forgotten += 1
        time.sleep(POLL_SECONDS)
    return _Ended(ended, tuple(seconds), forgotten)


def _formats(dataset: JsonObject) -> set[str]:
    formats = [member(it, "format") for it in as_list(member(dataset, "distribution"))]
    return {str(cast("JsonObject", it)["@id"]) if isinstance(it, dict) else str(it) for it in formats}


def _agreement_id(party: Party, negotiation_id: str) -> str:
    """The id on the wire: EDC keeps it beside one of its own."""
    shown = party.management.ask("GET", f"/{NEGOTIATIONS}/{negotiation_id}/agreement")
    return str(shown.get("agreementId") or shown["@id"])
