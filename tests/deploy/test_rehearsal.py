"""The deployment converges after any failure; and a script that does not is found out."""

from pathlib import Path

import pytest

from tools.deploy_check.rehearsal import RehearsalFailed, Scenario, rehearse
from tools.deploy_check.scenarios import Scenarios

# Takes a group that is there for a sign that all else is, too.
CARELESS = """
if [ "$(az group exists --name g)" = true ]; then exit 0; fi
az group create --name g --location westeurope --tags ferry=g
az deployment group create --resource-group g --name ferry --parameters name=g suffix=01234567
"""
# Takes a failed question for a no.
TRUSTING = """
az group create --name g --location westeurope --tags ferry=g || exit 1
if [ "$(az group exists --name g)" = true ]; then
  az deployment group create --resource-group g --name ferry --parameters name=g suffix=01234567
fi
"""


@pytest.mark.timeout(180)
def test_deployment_that_fails_at_any_call_converges_when_run_again(tmp_path: Path) -> None:
    rehearsed = rehearse(Scenarios(tmp_path).one(), when=["before"])
    assert rehearsed.faults == ()
    assert len(rehearsed.calls) > 10
    assert rehearsed.reruns > 5


@pytest.mark.parametrize("script", [CARELESS, TRUSTING])
def test_script_that_does_not_converge_is_found_out(script: str) -> None:
    rehearsed = rehearse(Scenario("careless", ("-ec", script)))
    assert [fault for fault in rehearsed.faults if "differ from an undisturbed run: " in fault]


def test_call_that_the_stand_in_does_not_know_is_found_out() -> None:
    with pytest.raises(RehearsalFailed, match="does not know"):
        rehearse(Scenario("unknown", ("-c", "az group rename --name g || true")))
