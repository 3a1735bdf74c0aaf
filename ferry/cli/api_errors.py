"""What the management API's refusals mean for whoever typed the command: a sentence, an exit code, the next step."""

from collections.abc import Callable

from ferry.cli.api_client import ManagementError
from ferry.cli.exits import ExitCode
from ferry.cli.failure import CommandFailed
from ferry.cli.profiles import ENVIRONMENT, KEY_VARIABLE, Profile
from ferry.telemetry import redacted

_NOT_ITS_API = "Something answers at {url}, but not Ferry's management API"
_SERVER_ERROR = "The participant failed at this (HTTP {status})"

type Read = Callable[[ManagementError, Profile], CommandFailed]


def failure_of(error: ManagementError, profile: Profile) -> CommandFailed:
    """The failure to tell, without anything that looks like a secret."""
    read = _READERS.get(error.status or 0, _server_error if (error.status or 0) >= 500 else _refused)
    failure = read(error, profile)
    return CommandFailed(
        redacted(failure.what),
        next_step=failure.next_step,
        exit_code=failure.exit_code,
        faults=[redacted(fault) for fault in failure.faults],
    )


def _unanswered(error: ManagementError, profile: Profile) -> CommandFailed:
    return CommandFailed(
        f"{profile.url} does not answer: {error}",
        next_step=f"see that the participant runs, or correct the URL ({_where(profile)}); `ferry doctor` looks closer",
        exit_code=ExitCode.NOT_REACHABLE,
    )


def _bad_request(error: ManagementError, profile: Profile) -> CommandFailed:
    return _refusal("The participant does not accept this:", error, "correct what is named and ask again")


def _unauthenticated(error: ManagementError, profile: Profile) -> CommandFailed:
    what = "no key was sent" if not profile.headers else "it does not accept the key"
    return CommandFailed(
        f"{profile.url} does not let us in: {what}",
        next_step=f"correct the key ({_where(profile)}); its log names the check that failed",
        exit_code=ExitCode.REFUSED,
    )


def _forbidden(error: ManagementError, profile: Profile) -> CommandFailed:
    what = f"{profile.url} knows who we are and does not allow this:"
    return _refusal(what, error, "ask for the scope or role `write` (orders) or `read` (queries)")


def _not_found(error: ManagementError, profile: Profile) -> CommandFailed:
    if not error.is_of_api:
        return CommandFailed(
            f"{_NOT_ITS_API.format(url=profile.management_url)} (HTTP 404)",
            next_step=f"correct the URL ({_where(profile)}): it is that of the app, such as https://app.example, and "
            "the participant needs the role that this command speaks to (FERRY_ROLES)",
            exit_code=ExitCode.NOT_FOUND,
        )
    what = "; ".join(error.faults)
    return CommandFailed(what, next_step="look for its id with `list`", exit_code=ExitCode.NOT_FOUND)


def _conflict(error: ManagementError, profile: Profile) -> CommandFailed:
    return _refusal("This cannot be done as things stand:", error, "look at it with `show` or `explain`")


def _bad_gateway(error: ManagementError, profile: Profile) -> CommandFailed:
    is_refused = any("PEER_REFUSED" in fault for fault in error.faults)
    return CommandFailed(
        "The other participant has refused:" if is_refused else "The other participant cannot be reached:",
        next_step="read what it said; its operator finds the request in its log"
        if is_refused
        else "see that it runs and that its address is right; `ferry doctor --peer ADDRESS` looks closer",
        exit_code=ExitCode.REFUSED if is_refused else ExitCode.NOT_REACHABLE,
        faults=error.faults,
    )


def _unavailable(error: ManagementError, profile: Profile) -> CommandFailed:
    return CommandFailed(
        "The participant cannot do this now:",
        next_step="try again in a few seconds; `ferry doctor` says which of its services does not answer",
        exit_code=ExitCode.NOT_REACHABLE,
        faults=error.faults,
    )


def _server_error(error: ManagementError, profile: Profile) -> CommandFailed:
    return CommandFailed(
        _SERVER_ERROR.format(status=error.status),
        next_step="read its log; `ferry doctor` says whether its services answer",
        faults=error.faults,
    )


def _refused(error: ManagementError, profile: Profile) -> CommandFailed:
    if not error.is_of_api:
        url = profile.management_url
        return CommandFailed(
            f"{_NOT_ITS_API.format(url=url)} (HTTP {error.status})",
            next_step=f"correct the URL ({_where(profile)})",
            exit_code=ExitCode.REFUSED,
        )
    return _refusal(f"The participant refuses this (HTTP {error.status}):", error, "correct what is named")


def _refusal(what: str, error: ManagementError, next_step: str) -> CommandFailed:
    return CommandFailed(what, next_step=next_step, exit_code=ExitCode.REFUSED, faults=error.faults)


def _where(profile: Profile) -> str:
    return f"FERRY_URL, {KEY_VARIABLE}" if profile.name == ENVIRONMENT else f"profile {profile.name}"


_READERS: dict[int, Read] = {
    0: _unanswered,
    400: _bad_request,
    401: _unauthenticated,
    403: _forbidden,
    404: _not_found,
    409: _conflict,
    502: _bad_gateway,
    503: _unavailable,
    504: _unavailable,
}
