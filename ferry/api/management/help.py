"""Where an error is explained: the page of errors that every app serves beside the description of its API."""

from dataclasses import dataclass

from ferry.domain.causes import CAUSES

PAGE_NAME = "errors.html"
PAGE = f"/api/docs/{PAGE_NAME}"
# The section about codes that are not ours: another connector may send codes of its own.
OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A type of error with which a request is refused: its statuses, what it means, what to do."""

    statuses: tuple[int, ...]
    meaning: str
    action: str


REFUSALS: dict[str, Refusal] = {
    "ValidationFailure": Refusal(
        (400,),
        "The request has faults. Each has an entry of its own: `path` says where, `invalidValue` what stood there.",
        "Correct all of them and send it again. The description of the API has an example of each body.",
    ),
    "AuthenticationFailed": Refusal(
        (401,),
        "The caller did not show who it is.",
        "Send the API key in `x-api-key`, a function key in `x-functions-key`, or a token of Entra ID in "
        "`Authorization`, whichever FERRY_MANAGEMENT_AUTH asks for. The app's log says which check failed.",
    ),
    "NotAuthorized": Refusal(
        (403,),
        "The caller is known, but its token lacks the scope.",
        "Ask for a token with the scope `read` (GET and queries) or `write` (everything else).",
    ),
    "ObjectNotFound": Refusal(
        (404,),
        "There is no such thing here. The other participant calls the same process by another id.",
        "Look for the id in a list: `POST …/request`. Finished processes leave after FERRY_RETENTION_DAYS.",
    ),
    "ObjectConflict": Refusal(
        (409,),
        "The id is taken, something still refers to it, the state does not allow it, or an Idempotency-Key came "
        "with another body before.",
        "Read the message: it names what is in the way. Nothing was changed.",
    ),
    "RequestTooLarge": Refusal(
        (413,), "The body is larger than is read.", "Send less: the message says how many bytes are read at most."
    ),
    "UnexpectedError": Refusal(
        (500,),
        "Something failed that nobody foresaw: a defect.",
        "Find the trace of the request in the app's log; the cause stands there.",
    ),
    "NotImplemented": Refusal((501,), "Ferry does not offer this.", "The message gives the reason."),
    "BadGateway": Refusal(
        (502,),
        "Something that was asked refused, or did not answer as it should. The message begins with the code of the "
        "cause; the `Link` header leads to it.",
        "Do what stands at that code. Trying again alone does not help, but where the other participant was away.",
    ),
    "ServiceUnavailable": Refusal(
        (503,),
        "Storage, vault or another service is away for now. The message begins with the code of the cause.",
        "Send the same request again after the seconds that `Retry-After` names.",
    ),
}


def help_of(code: str) -> str:
    """Where a code of a fault, or a type of refusal, is explained."""
    return f"{PAGE}#{code if code in CAUSES or code in REFUSALS else OTHER}"


def help_header(code: str) -> dict[str, str]:
    """The same as a header of an answer: EDC's errors have no member for it."""
    return {"Link": f'<{help_of(code)}>; rel="help"'}
