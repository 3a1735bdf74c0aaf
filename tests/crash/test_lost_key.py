"""The key of the destination is lost just when the process that was preparing it has died."""

import pytest

from ferry.adapters.memory_cloud import MemoryRequest
from ferry.domain.decision import CommandKind
from ferry.domain.secret import Secret
from tests.crash.ending import ending_of, untidy
from tests.crash.points import CrashPlan, Point, When
from tests.crash.stage import Stage

pytestmark = pytest.mark.model

HALFWAY = Point("consumer", "storage.add_access_policy", 1)


def test_what_a_dead_attempt_has_created_is_removed_once_the_key_is_back() -> None:
    stage = Stage(CrashPlan((HALFWAY, When.AFTER)))
    stage.plan.is_armed = True
    stage.agree()

    def lose_key(request: MemoryRequest) -> None:
        if request.operation == "Set Container ACL":
            stage.consumer.outside.vault.delete("consumerdata")
            stage.before_request(None)

    stage.before_request(lose_key)
    stage.start()
    stage.settle()
    transfer = stage.transfer()
    assert transfer is not None and transfer.error is not None
    assert (transfer.state_name, transfer.error.code) == ("TERMINATED", "DESTINATION_KEY_MISSING")
    stage.consumer.outside.vault.store("consumerdata", Secret("consumer-key"))
    stage.command(CommandKind.DEPROVISION)
    stage.settle()
    ending = ending_of(stage)
    assert [it for it in ending.containers if it.account == "consumerdata"] == []
    assert untidy(ending) == []
