"""What refusals of the management API mean: exit code, sentence, next step, and no secret in any of them."""

import httpx2
import pytest

from ferry.cli.api_errors import failure_of
from ferry.cli.exits import ExitCode
from ferry.cli.management import ManagementClient, ManagementError
from ferry.cli.profiles import Profile
from ferry.domain.secret import Secret

PROFILE = Profile(name="one", url="https://one.example", headers={"x-api-key": Secret("k")})


def raised(status: int, body: object) -> ManagementError:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(status, json=body))
    with ManagementClient("https://one.example/api/management/v3", transport=transport) as client:
        try:
            client.ask("GET", "/assets/x")
        except ManagementError as error:
            return error
    raise AssertionError("it was accepted")


@pytest.mark.parametrize(
    ("status", "message", "code"),
    [
        (400, "assetId: is required", ExitCode.REFUSED),
        (401, "Request could not be authenticated", ExitCode.REFUSED),
        (403, "Request is not authorized", ExitCode.REFUSED),
        (404, "Object of type Asset with ID=x was not found", ExitCode.NOT_FOUND),
        (409, "Asset with ID x already exists", ExitCode.REFUSED),
        (413, "the body is longer than 65536 bytes", ExitCode.REFUSED),
        (500, "unexpected", ExitCode.FAILED),
        (502, "PEER_UNREACHABLE: provider.example cannot be reached", ExitCode.NOT_REACHABLE),
        (502, "PEER_REFUSED: provider.example answered 403", ExitCode.REFUSED),
        (503, "VAULT_UNAVAILABLE: no answer", ExitCode.NOT_REACHABLE),
    ],
)
def test_refusal_has_its_exit_code_and_tells_what_to_do(status: int, message: str, code: ExitCode) -> None:
    failure = failure_of(raised(status, [{"message": message, "type": "X"}]), PROFILE)
    assert failure.exit_code is code
    assert failure.next_step
    if status != 401:
        assert message in str(failure)


@pytest.mark.parametrize("status", [404, 405, 301])
def test_answer_of_something_else_says_that_the_url_is_wrong(status: int) -> None:
    failure = failure_of(raised(status, {"error": "no such page"}), PROFILE)
    assert "not Ferry's management API" in failure.what
    assert "profile one" in failure.next_step


def test_every_fault_is_told() -> None:
    faults = [{"message": f"fault {number}", "type": "ValidationFailure"} for number in range(3)]
    assert failure_of(raised(400, faults), PROFILE).faults == ("fault 0", "fault 1", "fault 2")


@pytest.mark.parametrize("status", [400, 404, 502])
def test_signature_in_a_refusal_is_not_told(status: int) -> None:
    failure = failure_of(raised(status, [{"message": "bad url https://a/b?sig=abc%2Bdef&sv=1", "type": "X"}]), PROFILE)
    assert "abc" not in str(failure)
