"""What every TaskQueue does; a test module gives the fixtures `queue` and `receive` and subclasses this."""

from collections.abc import Callable

import pytest

from ferry.ports.work import QUEUE_OF_LANE, Lane, LookMessage, TaskQueue

# Waits so many seconds and receives the next visible message of a lane's queue.
type Receive = Callable[[Lane, float], LookMessage | None]


class TaskQueueSuite:
    """Messages."""

    def test_message_without_delay_is_there_at_once(self, queue: TaskQueue, receive: Receive) -> None:
        message = LookMessage(Lane.DATA_FLOW, "ä/#?%日本", 3, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")

        queue.send(message, delay_seconds=0)

        assert receive(Lane.DATA_FLOW, 0) == message
        assert receive(Lane.DATA_FLOW, 0) is None

    @pytest.mark.parametrize("lane", Lane)
    def test_message_goes_to_the_queue_of_its_lane(self, queue: TaskQueue, receive: Receive, lane: Lane) -> None:
        queue.send(LookMessage(lane, "p"), delay_seconds=-1)

        others = [other for other in Lane if QUEUE_OF_LANE[other] is not QUEUE_OF_LANE[lane]]
        assert [receive(other, 0) for other in others] == [None] * len(others)
        assert receive(lane, 0) == LookMessage(lane, "p")

    def test_delay_is_rounded_up_to_whole_seconds(self, queue: TaskQueue, receive: Receive) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=0.2)

        assert receive(Lane.DATA_FLOW, 0.5) is None
        assert receive(Lane.DATA_FLOW, 1.0) == LookMessage(Lane.DATA_FLOW, "p")

    def test_delay_beyond_what_a_queue_can_is_cut(self, queue: TaskQueue, receive: Receive) -> None:
        queue.send(LookMessage(Lane.DATA_FLOW, "p"), delay_seconds=30 * 86400)

        assert receive(Lane.DATA_FLOW, 0) is None
