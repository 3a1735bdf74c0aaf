"""Plays Event Grid for Azurite, which has none: a blob that fits a subscription is announced to the host (step 13)."""

import asyncio
import threading
import uuid
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx2

from ferry.emulators.azurite import Azurite, StorageAccount
from ferry.emulators.blob_events import CreatedBlob, blob_created_event, created_blob, validation_event
from ferry.emulators.certificates import Certificate
from ferry.emulators.request_log import OWN_USER_AGENT, StorageRequest

type SubscriptionState = Literal["AwaitingValidation", "Active", "Deleted"]
_RETRY_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0)
_MAX_ATTEMPTS = 30
_NEVER_RETRIED = frozenset({400, 401, 403, 413})
_TIMEOUT_SECONDS = 30.0


@dataclass(slots=True)
class EventSubscription:
    """Which blobs of an account are announced, and where; containers are chosen by any of the prefixes."""

    account: str
    target_url: str = field(repr=False)
    blob_name_ends_with: str = ".complete"
    container_prefixes: Sequence[str] = ("ferry-",)
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    state: SubscriptionState = "AwaitingValidation"
    delivered: int = 0
    dropped: int = 0

    def matches(self, blob: CreatedBlob) -> bool:
        """Whether the blob is to be announced."""
        return (
            blob.account == self.account
            and blob.name.endswith(self.blob_name_ends_with)
            and blob.container.startswith(tuple(self.container_prefixes))
        )


class EventGrid:
    """Learns of blobs from Azurite's request log, so that it costs no request and reacts within milliseconds."""

    def __init__(
        self, azurite: Azurite, certificate: Certificate, shown_account: Callable[[str], StorageAccount]
    ) -> None:
        """`shown_account` gives the endpoints that the events name: a relay's, where one stands before Azurite."""
        self._azurite = azurite
        self._shown_account = shown_account
        self._certificate = certificate
        self._subscriptions: dict[str, EventSubscription] = {}
        self._validated: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._http = httpx2.AsyncClient(timeout=_TIMEOUT_SECONDS, trust_env=False)
        self._thread = threading.Thread(target=self._loop.run_forever, name="event-grid", daemon=True)
        self._thread.start()
        azurite.requests.observe(self._observe)

    @property
    def subscriptions(self) -> Sequence[EventSubscription]:
        """The subscriptions with their state and their counts of delivered and dropped events."""
        return tuple(self._subscriptions.values())

    def subscribe(self, subscription: EventSubscription) -> None:
        """Ask the target for its consent, again and again until it answers, and announce blobs from now on."""
        self._azurite.account(subscription.account)
        if urlsplit(subscription.target_url).scheme not in ("http", "https"):
            raise ValueError("An event subscription needs an http or https target")
        self._subscriptions[subscription.id] = subscription
        self._validated[subscription.id] = asyncio.Event()
        self._spawn(self._validate(subscription))

    def unsubscribe(self, subscription_id: str) -> None:
        """Announce nothing more; an unknown id is ignored."""
        subscription = self._subscriptions.pop(subscription_id, None)
        if subscription is not None:
            subscription.state = "Deleted"

    def close(self) -> None:
        """Give up pending deliveries and stop; a second call does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._http.aclose()

    def _observe(self, request: StorageRequest) -> None:
        blob = created_blob(request)
        if blob is None:
            return
        for subscription in self.subscriptions:
            if subscription.matches(blob):
                self._spawn(self._announce(subscription, blob))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        def start() -> None:
            task = self._loop.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        self._loop.call_soon_threadsafe(start)

    async def _validate(self, subscription: EventSubscription) -> None:
        code = str(uuid.uuid4())
        event = validation_event(self._shown_account(subscription.account), code)
        attempt = 0
        while subscription.state != "Deleted":
            answer = await self._post(subscription, event, "SubscriptionValidation")
            if answer is not None and answer.status_code == 200 and _consent(answer) == code:
                subscription.state = "Active"
                self._validated[subscription.id].set()
                return
            await asyncio.sleep(_retry_seconds(attempt))
            attempt += 1

    async def _announce(self, subscription: EventSubscription, blob: CreatedBlob) -> None:
        await self._validated[subscription.id].wait()
        length = blob.length_bytes
        if length is None:
            length = await asyncio.to_thread(self._length_bytes, blob)
        event = blob_created_event(self._shown_account(blob.account), blob, length)
        for attempt in range(_MAX_ATTEMPTS):
            if subscription.state == "Deleted":
                break
            answer = await self._post(subscription, event, "Notification")
            if answer is not None and answer.is_success:
                subscription.delivered += 1
                return
            if answer is not None and answer.status_code in _NEVER_RETRIED:
                break
            await asyncio.sleep(_retry_seconds(attempt))
        subscription.dropped += 1

    async def _post(
        self,
        subscription: EventSubscription,
        event: dict[str, Any],
        kind: Literal["SubscriptionValidation", "Notification"],
    ) -> httpx2.Response | None:
        headers = {"aeg-event-type": kind, "aeg-subscription-name": subscription.id.upper()}
        try:
            return await self._http.post(subscription.target_url, json=[event], headers=headers)
        except httpx2.HTTPError:
            return None

    def _length_bytes(self, blob: CreatedBlob) -> int:
        # A commit of blocks and a copy do not say how long the blob became.
        from azure.storage.blob import BlobClient

        with BlobClient.from_connection_string(
            self._azurite.account(blob.account).connection_string,
            blob.container,
            blob.name,
            connection_verify=str(self._certificate.certificate_path),
            user_agent=OWN_USER_AGENT,
        ) as client:
            return client.get_blob_properties().size


def _consent(answer: httpx2.Response) -> str | None:
    try:
        document: dict[str, Any] = answer.json()
    except ValueError:
        return None
    return document.get("validationResponse")


def _retry_seconds(attempt: int) -> float:
    return _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]
