"""Queue triggers and queue outputs of running hosts."""

import http.client
import json
import time
from collections.abc import Sequence
from itertools import pairwise

import pytest
from azure.storage.queue import QueueClient, QueueMessage

from ferry.devhost.settings import HOST_ID_SETTING, VISIBILITY_SETTING
from ferry.emulators.azurite import Azurite, StorageAccount
from ferry.emulators.request_log import StorageRequest
from tests.devhost.conftest import HostStarter
from tests.devhost.running_host import HostPlace, wait_until

pytestmark = pytest.mark.emulators

QUEUES = "AzureFunctionsJobHost__extensions__queues__"


def queue(account: StorageAccount, name: str) -> QueueClient:
    return QueueClient.from_connection_string(account.connection_string, name)


def send(place: HostPlace, *texts: str) -> None:
    with queue(place.host_account, place.work_queue) as client:
        client.create_queue()
        for text in texts:
            client.send_message(text)


def held(account: StorageAccount, name: str) -> list[QueueMessage]:
    """Messages of a queue, which must exist, in the order in which they are seen."""
    with queue(account, name) as client:
        return list(client.peek_messages(32))


def pauses(polls: Sequence[StorageRequest]) -> list[float]:
    """Seconds from each answer to the next question."""
    return [later.begun_at - earlier.answered_at for earlier, later in pairwise(polls)]


def is_empty(place: HostPlace) -> bool:
    with queue(place.host_account, place.work_queue) as client:
        return client.get_queue_properties().approximate_message_count == 0


def test_output_wakes_the_listener_of_its_queue_at_once(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    # Without a wake-up the next poll would be up to two seconds away.
    time.sleep(2)
    durations: list[float] = []
    for number in range(3):
        sent_at = time.time()
        assert host.request("POST", "/api/send", f"m{number}".encode()).status == 200
        durations.append(float(str(place.wait_for_lines("work", number + 1)[number]["at"])) - sent_at)
        time.sleep(0.8)
    assert max(durations) < 0.5
    wait_until(lambda: len(held(place.data_account, place.done_queue)) == 3, 5, "three answers")


def test_output_is_written_before_the_answer(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host({"AzureWebJobs.work.Disabled": "true"}).wait_until_ready()
    assert host.request("POST", "/api/send", b"one\ntwo").status == 200
    assert [message.content for message in held(place.host_account, place.work_queue)] == ["one", "two"]


def test_failing_message_is_counted_and_goes_to_poison(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "fail please", "good")
    start_host().wait_until_ready()
    wait_until(lambda: is_empty(place), 10, "the end of the message")
    tries = [line["dequeue_count"] for line in place.lines("work") if line["text"] == "fail please"]
    assert tries == [1, 2, 3]
    poison = held(place.host_account, f"{place.work_queue}-poison")
    assert [message.content for message in poison] == ["fail please"]
    assert [message.content for message in held(place.data_account, place.done_queue)] == ["done good"]


def test_retry_waits_for_the_visibility_timeout_of_host_json(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "fail please")
    start_host({f"{QUEUES}visibilityTimeout": "00:00:02"}).wait_until_ready()
    first, second = place.wait_for_lines("work", 2)[:2]
    assert float(str(second["at"])) - float(str(first["at"])) >= 1.9


def test_message_taken_too_often_goes_to_poison_without_a_run(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "worn out")
    with queue(place.host_account, place.work_queue) as client:
        for _ in range(3):
            taken = next(iter(client.receive_messages(visibility_timeout=60)))
            client.update_message(taken, visibility_timeout=0)
    start_host().wait_until_ready()
    wait_until(lambda: is_empty(place), 10, "the end of the message")
    assert place.lines("work") == []
    assert [message.content for message in held(place.host_account, f"{place.work_queue}-poison")] == ["worn out"]


def test_text_that_is_not_base64_goes_to_poison_where_base64_is_set(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "not base64!", "aGVsbG8=")
    start_host({f"{QUEUES}messageEncoding": "base64"}).wait_until_ready()
    wait_until(lambda: is_empty(place), 10, "the end of the messages")
    assert [line["text"] for line in place.lines("work")] == ["hello"]
    assert [message.content for message in held(place.host_account, f"{place.work_queue}-poison")] == ["not base64!"]


def test_long_run_keeps_its_message_invisible(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "sleep 5")
    first = start_host({VISIBILITY_SETTING: "2"}).wait_until_ready()
    start_host({VISIBILITY_SETTING: "2"}).wait_until_ready()
    place.wait_for_lines("work", 1)
    # An asynchronous function that blocks the loop must not delay the renewal either.
    connection = http.client.HTTPConnection("127.0.0.1", first.port, timeout=10)
    connection.request("GET", "/api/block?seconds=4")
    place.wait_for_lines("worked", 1)
    assert connection.getresponse().status == 200
    connection.close()
    wait_until(lambda: is_empty(place), 5, "the end of the message")
    assert len(place.lines("work")) == 1


def test_message_of_a_killed_host_returns_after_its_visibility(place: HostPlace, start_host: HostStarter) -> None:
    send(place, "sleep 2")
    killed = start_host({VISIBILITY_SETTING: "3"}).wait_until_ready()
    place.wait_for_lines("work", 1)
    killed.process.kill()
    killed.process.wait()
    killed_at = time.time()
    start_host({VISIBILITY_SETTING: "3"}).wait_until_ready()
    second = place.wait_for_lines("work", 2)[1]
    assert second["dequeue_count"] == 2
    assert 1.5 < float(str(second["at"])) - killed_at < 7
    place.wait_for_lines("worked", 1)


def test_hosts_share_the_messages_of_a_queue(place: HostPlace, start_host: HostStarter) -> None:
    send(place, *(f"m{number}" for number in range(60)))
    hosts = [
        start_host(
            {
                HOST_ID_SETTING: f"{place.id}-{number}",
                f"{QUEUES}batchSize": "4",
                f"{QUEUES}newBatchThreshold": "0",
            }
        )
        for number in range(2)
    ]
    for host in hosts:
        host.wait_until_ready()
    wait_until(lambda: is_empty(place), 20, "the end of the messages")
    worked = [str(line["text"]) for line in place.lines("worked")]
    assert sorted(worked) == sorted(f"m{number}" for number in range(60))


def test_missing_queue_is_tolerated(place: HostPlace, start_host: HostStarter) -> None:
    host = start_host().wait_until_ready()
    send(place, "late")
    assert place.wait_for_lines("worked", 1)[0]["text"] == "late"
    assert "cannot be read" not in host.log


def test_idle_host_asks_no_more_than_its_back_off_allows(
    place: HostPlace, start_host: HostStarter, azurite: Azurite
) -> None:
    start_host({f"{QUEUES}maxPollingInterval": "00:00:01"}).wait_until_ready()
    time.sleep(2)
    azurite.flush_requests()
    begun_at, before = time.monotonic(), azurite.requests.last_sequence
    time.sleep(4)
    azurite.flush_requests()
    seconds, seen = time.monotonic() - begun_at, azurite.requests.since(before)
    polls = [it for it in seen if it.operation == "Get Messages"]
    work = pauses([it for it in polls if place.work_queue in it.path])
    blobs = pauses([it for it in polls if place.work_queue not in it.path])
    # The work queue backs off to the second that is set, the queue of blob triggers further, up to a minute.
    assert work, "nobody polls"
    assert min(work[1:], default=1.0) > 0.9
    assert blobs == sorted(blobs)
    assert len(blobs) < len(work)
    # Beside them only the lease of the timers is renewed, every 7.5 seconds.
    assert len(seen) - len(polls) <= 1 + seconds / 7.5


def test_property_of_a_json_body_overrides_the_message_id_as_in_azure(
    place: HostPlace, start_host: HostStarter
) -> None:
    send(place, json.dumps({"id": "own"}))
    start_host().wait_until_ready()
    assert place.wait_for_lines("work", 1)[0]["id"] == "own"
